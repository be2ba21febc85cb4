// What a server is made of, and what it gives back. Whoever composes (`kms serve`, tests) brings the service, the
// authenticator, telemetry and files of state; nothing here is a global.

import type { SecureContextOptions } from 'node:tls';
import type { ServerConfig } from '../../config/server-config.ts';
import type { Clock, Random } from '../../host.ts';
import type { Authenticator, Kms, TlogFiles } from '../admin-ports.ts';
import type { Readiness } from '../readiness.ts';
import type { RefusedOutcome } from '../service/outcomes.ts';
import type { Spans } from '../span.ts';
import type { Telemetry } from '../telemetry.ts';

export interface ServerParts {
  readonly kms: Kms;
  /** Of the tlog listener. */
  readonly tlog: TlogFiles;
  readonly authenticator: Authenticator;
  readonly telemetry: Telemetry;
  /** Absolute; nothing that leaves the server shows it (API-30). */
  readonly home: string;
  /** The configuration in force; asked anew where a reload may change it. */
  config(): ServerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly spans?: Spans;
  /** Of an answer whose wire code is Internal: goes into the log (API-41). */
  internalError(of: RefusedOutcome): void;
  /** Judged now. */
  readiness(): Readiness;
  /** The body of `/healthz`. */
  health(): object;
  /** The text exposition format. */
  metricsText(): string;
  /** The body of `/version`: name, version, commit, governed and the like. */
  version(): object;
}

export interface TlsOptions extends SecureContextOptions {
  readonly ALPNProtocols?: string[];
}

export type Listen =
  /**
   * A directory of mode 0700 is there already; a socket file left behind was removed. `privately` runs what binds so that the
   * socket is of mode 0600 from the start (umask 0177): it must never be open to others, not even for a moment.
   */
  | { readonly kind: 'unix'; readonly path: string; readonly privately: (bind: () => void) => void }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: TlsOptions }
  /** The published log alone. */
  | { readonly kind: 'tlog'; readonly host: string; readonly port: number; readonly tls?: TlsOptions }
  /** Plain, for /metrics, /healthz, /readyz and /version alone. */
  | { readonly kind: 'metrics'; readonly host: string; readonly port: number };

/** Where a listener is bound: the path, or the address with the port that the system chose. */
export interface Bound {
  readonly kind: Listen['kind'];
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
  /** Replaces certificate and key for new connections; only of a TLS listener. */
  setTls?(options: TlsOptions): void;
  /** Resolves when the listener itself has failed; never after `retire`. */
  readonly failed: Promise<Error>;
  /** No new connections here; those that are open may last for `graceMs`, then they are cut. */
  retire(graceMs: number): Promise<void>;
}
