// A log of numbered leaves with signed notes at any size, and a witness store for it, for tests.

import { createLogVerifier, logVkeys, signCheckpoint, type TrustedLog } from '../../src/audit/checkpoint.ts';
import { cosignerVkeys } from '../../src/audit/cosignature.ts';
import { emptyRoot, leafHash, nodeHash } from '../../src/audit/leaf.ts';
import { consistencyProof, type HashReader } from '../../src/audit/proof.ts';
import { formatWitnessRequest } from '../../src/audit/witness-request.ts';
import { utf8 } from '../../src/bytes/text.ts';
import type { Files } from '../../src/host.ts';
import { ensureDirectory } from '../../src/storage/durable-file.ts';
import type { WitnessIdentity } from '../../src/storage/witness-keys.ts';
import { type WitnessDeps, WitnessStore } from '../../src/storage/witness-store.ts';
import { countingRandom, logKeys, testClock } from './audit.ts';
import { testCrypto } from './crypto.ts';

export const LOG_ORIGIN = 'ronctl.invalid/0123456789abcdef0123456789abcdef/e0';
const SIGNED_AT = 1_800_000_000;
let stores = 0;

/** `fork` changes the leaf of that index. */
export async function numberedLog(fork = -1) {
  const read: HashReader = ({ level, index }) =>
    level === 0
      ? leafHash(utf8(index === fork ? 'forked' : `record ${index}`))
      : nodeHash(read({ level: level - 1, index: 2 * index }), read({ level: level - 1, index: 2 * index + 1 }));
  const root = (from: number, to: number): Uint8Array => {
    if (to === from) return emptyRoot();
    if (to - from === 1) return read({ level: 0, index: from });
    let half = 1;
    while (half * 2 < to - from) half *= 2;
    return nodeHash(root(from, from + half), root(from + half, to));
  };
  const keys = await logKeys();
  const trusted: TrustedLog = {
    origin: LOG_ORIGIN,
    keys: [{ from: 0, vkeys: logVkeys(LOG_ORIGIN, keys) }],
    serviceKeys: { ed25519: new Uint8Array(), ml_dsa_65: new Uint8Array() },
    trust: 'pinned',
  };
  const body = (size: number) => ({ origin: LOG_ORIGIN, size, root: root(0, size) });
  const note = (size: number) => signCheckpoint(body(size), SIGNED_AT, [keys]);
  const proof = (from: number, to: number) => (from === 0 || from >= to ? [] : consistencyProof(from, to, read));
  return {
    keys,
    body,
    vkeys: logVkeys(LOG_ORIGIN, keys),
    verifier: createLogVerifier(trusted, testCrypto()),
    note,
    proof,
    request: async (from: number, to: number) =>
      formatWitnessRequest({ oldSize: from, proof: proof(from, to), note: await note(to) }),
  };
}

export async function witnessIdentityOf(name = 'witness.example.org/alice'): Promise<WitnessIdentity> {
  const keys = { name, ...(await logKeys(`witness ${name}`)) };
  return { keys, vkeys: cosignerVkeys(keys), destroy: () => undefined };
}

/** A store below `base`, which exists; any log of `verifier`'s origin is known. */
export async function witnessStore(
  files: Files,
  base: string,
  change: Partial<WitnessDeps> = {},
  given?: WitnessIdentity,
): Promise<{ readonly store: WitnessStore; readonly directory: string; readonly identity: WitnessIdentity }> {
  const { verifier } = await numberedLog();
  const identity = given ?? (await witnessIdentityOf());
  const directory = `${base}/witness`;
  ensureDirectory(files, directory);
  const deps: WitnessDeps = {
    files,
    random: countingRandom(`witness store ${++stores}`),
    clock: testClock(),
    crypto: testCrypto(),
    locks: { acquire: async () => ({ release: () => undefined }) },
    lockTimeoutMs: 0,
    directory,
    evidenceDirectory: `${base}/trust/logs`,
    logOf: (origin) => (origin === LOG_ORIGIN ? verifier : null),
    ...change,
  };
  return { store: new WitnessStore(deps, identity), directory, identity };
}
