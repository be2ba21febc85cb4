// The long form of an error code: what it means, whose turn it is, the exit code, the next step (cli rule 3).

import { nearest } from '../bytes/nearest.ts';
import { ERROR_CODES, type ErrorCode, type ErrorKind, RonError } from '../errors.ts';

/** What each frozen exit code means; the man page prints the same table. */
export const EXIT_CODES: ReadonlyMap<number, string> = new Map([
  [0, 'ok; a predicate is true'],
  [1, 'internal error (a bug)'],
  [2, 'usage: unknown command or flag, missing or contradictory flags, missing answer without a terminal'],
  [3, 'a value that does not parse or is out of bounds; wrong passphrase; refused configuration'],
  [4, 'not found; not initialised; ungoverned; unknown tenant'],
  [5, 'a predicate is false'],
  [10, 'verification failed: evidence of tampering or a bad signature'],
  [11, 'inconclusive: data, key or anchor missing; ledger behind'],
  [12, 'quorum pending'],
  [13, 'expired, too late to ingest, or outside the change window'],
  [14, 'frozen'],
  [15, 'stale precondition or conflict'],
  [16, 'rejected, or refused by policy'],
  [20, 'KMS unreachable or timed out'],
  [21, 'capability missing or denied'],
  [22, 'KMS overloaded or unavailable, or another process holds the lock: retry later'],
  [23, 'custody backend fault (HSM, TPM, disk), failed self-test'],
  [130, 'interrupted'],
  [143, 'terminated'],
]);

const TURN: Readonly<Record<ErrorKind, string>> = {
  operator: 'yours: the command, a file or the state of the home',
  bug: 'ours: ronctl is at fault',
  cancelled: 'nobody: the command was stopped',
  external: 'of another program, the machine or its disk',
};

export interface ExplainedCode {
  readonly code: string;
  readonly exit: number;
  readonly exit_meaning: string;
  readonly http: number;
  readonly turn: string;
  readonly meaning: string;
  readonly next: string;
}

export interface ExplainResult {
  readonly codes: readonly ExplainedCode[];
}

function explained(code: ErrorCode): ExplainedCode {
  const { exit, http, kind, meaning, next } = ERROR_CODES[code];
  return { code, exit, exit_meaning: EXIT_CODES.get(exit)!, http, turn: TURN[kind], meaning, next };
}

/** `code`: a code (in any case), an exit code, or nothing for all. InvalidValue names the nearest codes. */
export async function explain({ code }: { readonly code?: string | undefined }): Promise<ExplainResult> {
  const all = (Object.keys(ERROR_CODES) as ErrorCode[]).map(explained);
  if (code === undefined) return { codes: all };
  const number = /^[0-9]{1,3}$/.test(code) ? Number(code) : null;
  const codes = all.filter((one) =>
    number === null ? one.code.toLowerCase() === code.toLowerCase() : one.exit === number,
  );
  if (codes.length > 0) return { codes };
  const near = nearest(code, Object.keys(ERROR_CODES));
  throw new RonError('InvalidValue', `there is no error code ${code}`, {
    field: 'CODE',
    hint:
      near.length === 0
        ? '`ronctl explain` lists all.'
        : `Did you mean ${near.join(', ')}? \`ronctl explain\` lists all.`,
  });
}
