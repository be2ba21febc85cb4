// Dependencies of the stores for tests: the real files, locks and clock of this machine on a temporary home, fixed
// passphrases, the cheapest key derivation that the bounds allow.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import type { Host, Passphrases, StoreName } from '../../src/host.ts';
import type { KdfCost } from '../../src/sealed/kdf-parameters.ts';
import type { StoreDeps } from '../../src/storage/store-deps.ts';
import { testCrypto } from './crypto.ts';

export const FAST_KDF: KdfCost = { alg: 'argon2id', m_kib: 19_456, t: 2, p: 1 };

/** A path for a home that does not exist yet; removed after the test. */
export function temporaryHome(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ronctl-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'home');
}

const nameOfStore = (of: StoreName): string => (of.store === 'custody' ? 'store' : of.id);

/** `existing` and `fresh` by store name; the default passphrase of a store is `pass of <name>`. */
export function fixedPassphrases(
  existing: Readonly<Record<string, string>> = {},
  fresh: Readonly<Record<string, string>> = {},
): Passphrases {
  const of = (table: Readonly<Record<string, string>>, name: string): Uint8Array =>
    utf8(table[name] ?? `pass of ${name}`);
  return {
    existing: async (store) => of(existing, nameOfStore(store)),
    fresh: async (store) => of(fresh, nameOfStore(store)),
  };
}

export interface TestDeps extends StoreDeps {
  readonly host: Host;
}

export function storeDeps(
  home: string,
  change: Partial<TestDeps> & { readonly hostChange?: Partial<Host> } = {},
): TestDeps {
  const { hostChange, ...rest } = change;
  return {
    host: { ...nodeHost(), ...hostChange },
    home,
    crypto: async () => testCrypto(),
    passphrases: fixedPassphrases(),
    lockTimeoutMs: 0,
    ...rest,
  };
}

export const exists = (path: string): boolean => existsSync(path);
