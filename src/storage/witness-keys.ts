// The keys and the name that a signer's store cosigns with (log page 4.11). Seeds = HKDF-SHA256(signer root key, no salt, info
// `ron-kms/witness/v1/<alg>`): keys of their own, which no record holds; a signer that was restored has others, because its
// backup does not know what was cosigned. The key name is chosen once, at the first use:
//   signers/<id>/witness/witness.json = {"name":"...","v":1} LF
// Refused: another name than the one that was chosen, and one that is no schema-less note name.

import { type CosigningKeys, cosignerVkeys } from '../audit/cosignature.ts';
import { canonicalFile } from '../bytes/canonical-json.ts';
import { decodeFile, literal, object, string } from '../bytes/decode.ts';
import { wipe } from '../bytes/wipe.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { Crypto, SigningKey } from '../crypto/provider.ts';
import { ownBytes, RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type DurableDeps, ensureDirectory, writeFile } from './durable-file.ts';
import type { OpenSigner } from './signer-store.ts';

/** Ends up in signature lines and, length-prefixed with one byte, in what is signed. */
const WITNESS_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?$/;

const shape = object({ v: literal(1), name: string({ pattern: WITNESS_NAME, what: 'a key name' }) });

export const witnessDirectory = (signerDirectory: string): string => `${signerDirectory}/witness`;

async function key(crypto: Crypto, signer: OpenSigner, alg: 'ed25519' | 'ml-dsa-44'): Promise<SigningKey> {
  const seed = signer.seed(`ron-kms/witness/v1/${alg}`);
  try {
    return await crypto.signature(alg).importSecret(seed);
  } finally {
    wipe(seed);
  }
}

/** A name that no other witness has, for one that has none yet. */
const defaultName = (id: string, publicKey: Uint8Array): string =>
  `ronctl.invalid/witness/${id}-${sha256Hex(publicKey).slice(0, 8)}`;

/** The name that was chosen, or null. */
export function readWitnessName(deps: Pick<DurableDeps, 'files'>, directory: string): string | null {
  const path = `${directory}/witness.json`;
  const bytes = deps.files.read(path, LIMITS.signedFileBytes);
  return bytes === null ? null : ownBytes(() => decodeFile(shape, bytes, path).name);
}

export interface WitnessIdentity {
  readonly keys: CosigningKeys;
  /** [Ed25519 (type 04), ML-DSA-44 (type 06)]. */
  readonly vkeys: readonly [string, string];
  destroy(): void;
}

/**
 * The identity of a signer as a witness. `wanted`: the name to choose, or undefined. With `write` the name is kept, durable
 * before anything is cosigned under it. The signer may be closed afterwards. InvalidValue, Conflict.
 */
export async function witnessIdentity(
  deps: DurableDeps & { readonly crypto: Crypto },
  signer: OpenSigner,
  place: { readonly directory: string; readonly wanted: string | undefined; readonly write: boolean },
): Promise<WitnessIdentity> {
  const { directory, wanted, write } = place;
  if (wanted !== undefined && !WITNESS_NAME.test(wanted)) {
    throw new RonError('InvalidValue', `--key-name: not a witness name: ${JSON.stringify(wanted.slice(0, 140))}`, {
      field: '--key-name',
      hint: 'Give a URL without its scheme, such as witness.example.org/alice.',
    });
  }
  const known = readWitnessName(deps, directory);
  if (known !== null && wanted !== undefined && wanted !== known) {
    throw new RonError('Conflict', `signer ${signer.id} cosigns as ${known}, and one key has one name`, {
      field: '--key-name',
      hint: 'Leave --key-name away, or use another signer.',
    });
  }
  const ed25519 = await key(deps.crypto, signer, 'ed25519');
  const mlDsa44 = await key(deps.crypto, signer, 'ml-dsa-44');
  const name = known ?? wanted ?? defaultName(signer.id, ed25519.publicKey);
  if (known === null && write) {
    ensureDirectory(deps.files, directory);
    await writeFile(deps, `${directory}/witness.json`, canonicalFile({ name, v: 1 }));
  }
  const keys = { name, ed25519, mlDsa44 };
  return {
    keys,
    vkeys: cosignerVkeys(keys),
    destroy() {
      ed25519.destroy();
      mlDsa44.destroy();
    },
  };
}
