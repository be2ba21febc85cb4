// What an operation may ask for besides its request. cli/runtime.ts builds it; tests build it from a Host with one member
// replaced. Operations take the subset that they use.

import type { Json } from '../bytes/canonical-json.ts';
import type { Crypto } from '../crypto/provider.ts';
import type { Host, OnProgress, Passphrases } from '../host.ts';
import type { Kms } from '../kms/admin-ports.ts';

/** A running custody service as operations reach it (service page 4). */
export interface OnlineService {
  /** As errors and results name it: `local`, `unix:PATH`, `https://host:port`. */
  readonly name: string;
  /** Connects at the first call. Throws Unreachable, NoCapability. */
  kms(): Promise<Kms>;
  /** Key exchange group of the TLS connection, once there was one. */
  tlsGroup(): string | null;
  /** The deps of a reader: what the server publishes stands in the place of this home's, everything else stays `own`. */
  reading(own: OperationDeps): Promise<OperationDeps>;
  /** `/readyz` or `/version`, which need no capability: the object that it answers with. Throws Unreachable. */
  probe(path: '/readyz' | '/version'): Promise<Readonly<Record<string, Json>>>;
  /** The text of `/metrics` (Prometheus 0.0.4), which needs no capability. Throws Unreachable. */
  metrics(): Promise<string>;
}

export interface OperationDeps {
  readonly host: Host;
  /** Absolute path of the home; it need not exist. */
  readonly home: string;
  /** Loads and self-tests the configured provider at the first call. */
  readonly crypto: () => Promise<Crypto>;
  readonly passphrases: Passphrases;
  /** Asks for a yes at the terminal; absent where there is none. */
  readonly askYes?: ((question: string) => Promise<boolean>) | undefined;
  readonly onProgress: OnProgress;
  /** Run every check, write nothing, append nothing. */
  readonly dryRun: boolean;
  /** The server that --kms names; null = this home, offline. */
  readonly online: OnlineService | null;
  /** The live server of this home by its own socket, asked without a capability; null when none runs, absent online. */
  readonly serverHere?: (() => Promise<OnlineService | null>) | undefined;
  /** How long to wait for the lock of a home or signer. */
  readonly lockTimeoutMs: number;
}
