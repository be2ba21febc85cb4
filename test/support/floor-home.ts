// Signers and stores that the binary then works on, made in this process with the key derivation at its floor: a store keeps
// the cost it was made with in its header, so every later command derives at that cost. What `init` and `signer create`
// themselves do is tested where they are run.

import { readFileSync } from 'node:fs';
import { nodeClock } from '../../src/cli/node-clock.ts';
import type { Host, Passphrases } from '../../src/host.ts';
import type { Profile } from '../../src/policy/profile.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { createSigner } from '../../src/storage/signer-creation.ts';
import type { TestHome } from './binary.ts';
import { INIT } from './custody.ts';
import { FAST_KDF, storeDeps, type TestDeps } from './store.ts';

/** The passphrases are those of the files that `home.passphrase(name)` writes. */
function depsOf(home: TestHome, hostChange: Partial<Host> = {}): TestDeps {
  const inFile: Passphrases['existing'] = async (of) => {
    const bytes = readFileSync(home.passphrase(of.store === 'custody' ? 'store' : of.id));
    return new Uint8Array(bytes.subarray(0, bytes.lastIndexOf(0x0a)));
  };
  return storeDeps(home.path, { hostChange, passphrases: { existing: inFile, fresh: inFile } });
}

/** What `signer create` makes, for each of them. */
export async function makeSigners(home: TestHome, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) await createSigner(depsOf(home), id, FAST_KDF);
}

/** What `init --profile` makes, so long ago. */
export async function makeStore(home: TestHome, profile: Profile = 'dev', agoMs = 0): Promise<void> {
  const clock = nodeClock();
  const then = { ...clock, now: () => clock.now() - agoMs };
  await (await initCustody(depsOf(home, { clock: then }), { ...INIT, profile })).close();
}
