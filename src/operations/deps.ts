// What an operation may ask for besides its request. cli/runtime.ts builds it; tests build it from a Host with one member
// replaced. Operations take the subset that they use.

import type { Crypto } from '../crypto/provider.ts';
import type { Host, OnProgress, Passphrases } from '../host.ts';

export interface OperationDeps {
  readonly host: Host;
  /** Absolute path of the home; it need not exist. */
  readonly home: string;
  /** Loads and self-tests the configured provider at the first call. */
  readonly crypto: () => Promise<Crypto>;
  readonly passphrases: Passphrases;
  readonly onProgress: OnProgress;
  /** Run every check, write nothing, append nothing. */
  readonly dryRun: boolean;
  /** How long to wait for the lock of a home or signer. */
  readonly lockTimeoutMs: number;
}
