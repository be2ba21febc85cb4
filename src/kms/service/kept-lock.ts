// The lock of the home for the life of a server (store page 6): taken once, and kept while the store is closed and opened
// again after a storage error, so that no other process comes in between.

import type { Host, Lock } from '../../host.ts';

export interface KeptLock {
  /** A host whose locks are those that are kept. */
  readonly host: Host;
  release(): void;
}

export function keptLock(host: Host): KeptLock {
  const held = new Map<string, Lock>();
  return {
    host: {
      ...host,
      locks: {
        acquire: async (path, timeoutMs) => {
          const lock = held.get(path) ?? (await host.locks.acquire(path, timeoutMs));
          if (lock === null) return null;
          held.set(path, lock);
          return { release: () => undefined };
        },
      },
    },
    release: () => {
      for (const lock of held.values()) lock.release();
      held.clear();
    },
  };
}
