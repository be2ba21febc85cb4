// What `kms serve` says on standard output: one result when it is ready, one when it has stopped.

export interface ServeReady {
  readonly state: 'ready';
  readonly pid: number;
  /** Absolute path; null under amnesia without a tmpfs $XDG_RUNTIME_DIR. */
  readonly socket: string | null;
  /** `host:port`; null where no TCP listener is opened. */
  readonly addr: string | null;
  /** Lower hex; null without TLS. */
  readonly cert_sha256: string | null;
  readonly metrics_addr: string;
  /** `host:port` of the published log; null when `audit.tlog` is off. */
  readonly tlog_addr: string | null;
  readonly profile: string;
  readonly governed: boolean;
  readonly backend: string;
  readonly amnesia: boolean;
  /** Why it only verifies. */
  readonly verify_only: string | null;
  /** Path of the operator's capability. */
  readonly operator_cap: string | null;
  /** The configuration file that was read. */
  readonly config: string | null;
  /** Command lines for the other terminal. */
  readonly next: readonly string[];
}

export interface ServeStopped {
  readonly state: 'stopped';
  /** The signal, or what failed. */
  readonly why: string;
  /** Everything in flight was finished within the deadline, and the last checkpoint is signed. */
  readonly drained: boolean;
  /** Requests that were cut off. */
  readonly aborted: number;
  /** The final checkpoint is signed. */
  readonly checkpoint: boolean;
  /** Records of the log. */
  readonly audit_size: number;
}

export type ServeEvent = ServeReady | ServeStopped;
