// What the stores ask of their surroundings: a subset of the dependencies of an operation, with files checked below the
// home. Everything in storage works on the `Files` made here.

import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import type { Host, Lock, Passphrases } from '../host.ts';
import { checkedFiles } from './checked-files.ts';
import { type HomePaths, homePaths } from './home.ts';
import type { SealedDeps } from './sealed-store.ts';

export interface StoreDeps {
  readonly host: Host;
  /** Absolute path of the home; it need not exist. */
  readonly home: string;
  readonly crypto: () => Promise<Crypto>;
  readonly passphrases: Passphrases;
  /** Asks for a yes at the terminal; absent where there is none. */
  readonly askYes?: ((question: string) => Promise<boolean>) | undefined;
  readonly lockTimeoutMs: number;
}

export interface StoreContext extends SealedDeps {
  readonly paths: HomePaths;
}

/** Loads the provider and wraps the files of the home in their checks. */
export async function storeContext(deps: Pick<StoreDeps, 'host' | 'home' | 'crypto'>): Promise<StoreContext> {
  const { host, home } = deps;
  return {
    files: checkedFiles(host.files, home),
    random: host.random,
    clock: host.clock,
    crypto: await deps.crypto(),
    paths: homePaths(home),
  };
}

/** Takes the lock of a directory (a home or a signer store), or throws Locked; `holder` completes the message. */
export async function acquireLock(
  deps: Pick<StoreDeps, 'host' | 'lockTimeoutMs'>,
  directory: string,
  holder: () => { readonly message: string; readonly hint: string },
): Promise<Lock> {
  const lock = await deps.host.locks.acquire(directory, deps.lockTimeoutMs);
  if (lock !== null) return lock;
  const { message, hint } = holder();
  throw new RonError('Locked', message, { hint });
}
