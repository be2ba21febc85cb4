// The one table of error codes: whose turn it is, the process exit code, the HTTP status, and what to do next.
// Rendering is elsewhere (cli/json-error.ts for JSON, views/error.ts for people). Exit codes are frozen (man ronctl).

/** Whose turn it is: the operator, us (a bug), nobody (cancelled), or another program, machine or disk. */
export type ErrorKind = 'operator' | 'bug' | 'cancelled' | 'external';

interface CodeRow {
  readonly kind: ErrorKind;
  readonly exit: number;
  readonly http: number;
  /** One sentence for `ronctl explain CODE`. */
  readonly meaning: string;
  /** The next thing to do, in general terms; an error may carry a more exact hint. */
  readonly next: string;
}

const row = (kind: ErrorKind, exit: number, http: number, meaning: string, next: string): CodeRow => ({
  kind,
  exit,
  http,
  meaning,
  next,
});

/** Every error code. The man page, `explain` and the tests are generated from, or compared with, this table. */
export const ERROR_CODES = {
  Internal: row('bug', 1, 500, 'ronctl itself is at fault.', 'Report it with the output of `ronctl version`.'),

  Usage: row('operator', 2, 400, 'The command line does not fit the command.', 'See `ronctl COMMAND --help`.'),
  MissingAnswer: row(
    'operator',
    2,
    400,
    'An answer is needed and there is no terminal to ask on.',
    'Give the flag that the message names.',
  ),
  AmbiguousSigner: row(
    'operator',
    2,
    400,
    'More than one local signer fits, or none does.',
    'Name one with --signer ID.',
  ),

  Malformed: row(
    'operator',
    3,
    400,
    'Bytes do not parse as what they should be, or are not in canonical form.',
    'Get the file again from its author; `ronctl inspect FILE` shows what it is.',
  ),
  InvalidValue: row('operator', 3, 400, 'A value does not parse or is out of its bounds.', 'Correct the named value.'),
  UnknownKey: row('operator', 3, 400, 'No such key.', 'Pick one of the nearest names; `ronctl policy keys` lists all.'),
  TooLarge: row(
    'operator',
    3,
    413,
    'The input is over its size limit.',
    'Make it smaller; the message names the limit.',
  ),
  NewerVersion: row(
    'operator',
    3,
    400,
    'The file was written by a newer ronctl.',
    'Read it with the version that the message names.',
  ),
  WrongPassphrase: row('operator', 3, 400, 'The passphrase does not open this store.', 'Try again with the right one.'),
  UnsafeFile: row(
    'operator',
    3,
    400,
    'A file or directory has the wrong owner, mode or type, or is a symbolic link.',
    'Correct it as the message says, and find out who changed it.',
  ),
  NetworkFileSystem: row(
    'operator',
    3,
    400,
    'The home lies on a network file system, whose locks and syncs cannot be trusted.',
    'Move RONCTL_HOME to a local disk.',
  ),
  RefusedConfig: row(
    'operator',
    3,
    400,
    'The configuration is refused: it is looser than the policy, or not allowed in this profile.',
    'Change the configured value, or propose the change.',
  ),
  RefusedStart: row(
    'operator',
    3,
    400,
    'ronctl was started in a way that could leak secrets (inspector, preloaded code).',
    'Start it through the `ronctl` launcher.',
  ),
  Unsupported: row('operator', 3, 400, 'This is not supported.', 'See the message for what is.'),
  SuiteMismatch: row(
    'operator',
    3,
    400,
    'The wrap envelope names a suite that this key version does not do.',
    'Check that the envelope belongs to this key.',
  ),
  NoChange: row('operator', 3, 400, 'The proposal would change nothing.', 'See `ronctl policy inspect`.'),
  Exists: row(
    'operator',
    3,
    409,
    'The output exists and is not overwritten.',
    'Choose another name, or give --force where offered.',
  ),

  NotFound: row('operator', 4, 404, 'There is no such thing.', 'Check the name or path; list what there is.'),
  NotInitialised: row('operator', 4, 404, 'This home lacks what the command needs.', 'Run the command that makes it.'),
  Ungoverned: row(
    'operator',
    4,
    409,
    'No genesis has been adopted, so there is no quorum to act.',
    'Run `ronctl governance init`.',
  ),
  UnknownTenant: row(
    'operator',
    4,
    404,
    'The tenant has no key, policy or capability.',
    'Check the name, or give --new-tenant.',
  ),

  PredicateFalse: row('operator', 5, 200, 'The answer to the question asked is no.', 'Nothing is wrong.'),

  VerificationFailed: row(
    'operator',
    10,
    422,
    'A signature is wrong or the evidence shows tampering.',
    'Keep the files as they are; do not act on them; tell the security officer.',
  ),
  Tampered: row(
    'operator',
    10,
    500,
    'Stored data is not what was written.',
    'Stop writing, keep a copy, run `ronctl audit verify`, tell the security officer.',
  ),
  RolledBack: row(
    'operator',
    10,
    500,
    'The store is older than the log that belongs to it.',
    'Find out who restored it; only a governed restore-accept goes on from here.',
  ),
  LogTruncated: row(
    'operator',
    10,
    500,
    'The log is shorter than the store that belongs to it.',
    'Keep a copy; find the missing part; tell the security officer.',
  ),
  UnwrapFailed: row('operator', 10, 422, 'The envelope does not open with this key.', 'Check key and envelope.'),
  PinMismatch: row(
    'operator',
    10,
    409,
    'The genesis differs from the one that is pinned.',
    'Compare the 12 words with the members by voice.',
  ),
  SelfCheckFailed: row(
    'external',
    10,
    500,
    'A signature just made does not verify under the key it should belong to.',
    'Check that the right key was used; restore the signer from its backup.',
  ),

  Inconclusive: row(
    'operator',
    11,
    409,
    'The question cannot be decided with what is here.',
    'Supply what is missing.',
  ),
  NotAuthenticated: row(
    'operator',
    11,
    409,
    'The head of the policy or log is not covered by a verified checkpoint.',
    'Run a command that closes with a checkpoint, such as `ronctl audit checkpoint`.',
  ),
  NoTrustedKey: row(
    'operator',
    11,
    409,
    'No trusted key is known for this.',
    'Pin the genesis with `ronctl governance trust`.',
  ),
  LedgerBehind: row(
    'operator',
    11,
    409,
    'The ledger here is older than one that a signer has seen.',
    'Get the current ledger before acting.',
  ),
  LegacyUnproven: row(
    'operator',
    11,
    409,
    'No log record proves that this old signature was made before the mode was raised.',
    'Supply the proof with --proof.',
  ),
  NotResynced: row(
    'operator',
    11,
    409,
    'This signer was restored and does not yet know what it has signed.',
    'Run `ronctl signer resync REQUEST` with a current request.',
  ),

  QuorumPending: row('operator', 12, 409, 'Approvals are missing.', 'The named members approve.'),

  Expired: row('operator', 13, 409, 'The deadline has passed.', 'Propose again.'),
  OutsideWindow: row(
    'operator',
    13,
    409,
    'Now is outside the change window.',
    'Wait for the window, or propose again.',
  ),
  TooLate: row('operator', 13, 409, 'The file came too late, or too early, to be ingested.', 'Make a new one.'),

  Frozen: row('operator', 14, 503, 'A freeze is in force.', 'Wait for its end, or propose unfreeze.'),

  Stale: row(
    'operator',
    15,
    409,
    'What the proposal was written against has changed; the message names the member.',
    'Propose again from the current state.',
  ),
  Conflict: row('operator', 15, 409, 'The request contradicts the state.', 'Look at the state and decide again.'),
  ContradictoryVote: row(
    'operator',
    15,
    409,
    'This signer has already voted the other way.',
    'Retract the earlier vote first.',
  ),

  Rejected: row('operator', 16, 409, 'The proposal was rejected or withdrawn.', 'Propose again if it is still needed.'),
  PolicyRefused: row('operator', 16, 403, 'Policy refuses this.', 'See `ronctl policy inspect`; propose a change.'),
  AttestationMissing: row(
    'operator',
    16,
    403,
    'The policy demands an attestation, and keys of this backend have none of a class that it takes.',
    'See `ronctl policy inspect`: security.attest_require, security.attest_classes.',
  ),
  PqPolicy: row(
    'operator',
    16,
    422,
    'The signature or key does not meet the post-quantum mode in force.',
    'Rotate the key or sign again.',
  ),
  Retired: row('operator', 16, 409, 'The private half of this key version is gone.', 'Use a newer version.'),
  Compromised: row(
    'operator',
    16,
    409,
    'This key version was declared compromised.',
    'Rotate, and use the new version.',
  ),
  LimitReached: row('operator', 16, 429, 'A count limit is reached.', 'Close what is open first.'),

  Unreachable: row('external', 20, 502, 'The KMS does not answer.', 'Check that it runs and can be reached.'),
  NoCapability: row('operator', 21, 401, 'The capability is missing or not valid.', 'Get a capability.'),
  Denied: row('operator', 21, 403, 'The capability does not allow this.', 'Get a capability that does.'),
  Busy: row('external', 22, 429, 'Overloaded; try again later.', 'Try again later.'),
  StoreUnavailable: row(
    'external',
    22,
    503,
    'The custody store of the server cannot be written now, or the server only verifies.',
    'Try again later; `ronctl kms status` says why.',
  ),
  Locked: row('external', 22, 503, 'Another process holds this home.', 'Wait for it, or use the running server.'),
  Changing: row('external', 22, 503, 'The store changed at every attempt to read it.', 'Try again.'),

  StorageFault: row(
    'external',
    23,
    503,
    'The disk or file system failed.',
    'Free space or repair the disk, then run again.',
  ),
  SelfTestFailed: row(
    'external',
    23,
    503,
    'The cryptographic provider gives wrong answers.',
    'Do not use this machine; run `ronctl doctor`.',
  ),
  EffectFailed: row(
    'external',
    23,
    500,
    'An effect of an approved proposal turned out to be impossible.',
    'See the ledger line; propose again.',
  ),

  Interrupted: row('cancelled', 130, 499, 'Interrupted before anything was released.', 'Run it again.'),
  Terminated: row('cancelled', 143, 499, 'Terminated, or the terminal was closed.', 'Run it again.'),
} as const satisfies Record<string, CodeRow>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** What a RonError may carry besides its message. `data` is printed in JSON beside the error: never put a secret in it. */
export interface ErrorDetail {
  /** The next command to type, or the exact thing to do. */
  readonly hint?: string;
  /** Which flag, member path or field is meant, e.g. `--window` or `changeset[0].to`. */
  readonly field?: string;
  /** A result that exists although the answer is negative (a verdict, a state). Plain JSON. */
  readonly data?: unknown;
  readonly cause?: unknown;
}

/** The only error that crosses a module's border on purpose. Anything else that is thrown is a bug (`Internal`). */
export class RonError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly field: string | undefined;
  readonly data: unknown;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'RonError';
    this.code = code;
    this.hint = detail.hint;
    this.field = detail.field;
    this.data = detail.data;
  }

  get exit(): number {
    return ERROR_CODES[this.code].exit;
  }

  get kind(): ErrorKind {
    return ERROR_CODES[this.code].kind;
  }
}

/**
 * Reads what only this home writes: there, what does not parse any more was changed by somebody (Tampered, 10); Malformed (3)
 * is for what a person gave.
 */
export function ownBytes<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RonError) || error.code !== 'Malformed') throw error;
    const field = error.field === undefined ? {} : { field: error.field };
    throw new RonError('Tampered', error.message, { ...field, cause: error });
  }
}

/** Throws a RonError; for use in expressions. */
export function fail(code: ErrorCode, message: string, detail?: ErrorDetail): never {
  throw new RonError(code, message, detail);
}
