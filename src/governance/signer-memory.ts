// What a signer remembers (governance page 12; I-27, X-27): sealed in the signer store, one record per ledger, committed
// before a statement is released.
//   {newest: {ledger_seq, epoch, checkpoint}, statements: [{proposal_digest, purpose, base_state, keys, at, digest}]}
// Refuses a request older than one already seen, and a vote that contradicts an earlier one without a retract.

import {
  array,
  type Decoder,
  integer,
  literal,
  nullable,
  object,
  sha256Digest,
  string,
  time,
} from '../bytes/decode.ts';
import { fromTime } from '../bytes/time.ts';
import { RonError } from '../errors.ts';
import { type CheckpointRef, checkpointRef, type Purpose } from './statement.ts';

export interface RememberedStatement {
  readonly proposal_digest: string;
  readonly purpose: Purpose | 'author';
  readonly base_state: string;
  readonly keys: readonly string[];
  readonly at: string;
  /** H of the statement (or of the proposal, for `author`). */
  readonly digest: string;
  /** The digest named by a retract. */
  readonly retracts?: string;
  /** Released against a refusal, with --unsafe-sign-anyway. */
  readonly unsafe?: boolean;
}

export interface Newest {
  readonly ledger_seq: number;
  readonly epoch: number;
  readonly checkpoint: CheckpointRef;
}

export interface SignerMemory {
  readonly newest: Newest | null;
  readonly statements: readonly RememberedStatement[];
}

export const EMPTY_MEMORY: SignerMemory = { newest: null, statements: [] };

const KEEP_MS = 400 * 24 * 3600 * 1000;

export const signerMemory: Decoder<SignerMemory> = object({
  newest: nullable(object({ ledger_seq: integer(0), epoch: integer(0), checkpoint: checkpointRef })),
  statements: array(
    object(
      {
        proposal_digest: sha256Digest,
        purpose: literal('author', 'approve', 'reject', 'retract', 'withdraw', 'escalate', 'tie-break'),
        base_state: sha256Digest,
        keys: array(string({ maxBytes: 64 }), 32),
        at: time,
        digest: sha256Digest,
      },
      { retracts: sha256Digest, unsafe: literal(true) },
    ),
    100_000,
  ),
});

/**
 * `Stale` when the request shows a ledger or log older than one this signer has seen. `accepts`: the proposal names this
 * checkpoint as the newest of a log whose end is lost (restore-accept): a log up to it may be missing, the ledger never.
 */
export function refuseOlder(memory: SignerMemory, newest: Newest, accepts: CheckpointRef | null = null): void {
  if (memory.newest === null) return;
  const seen = memory.newest.checkpoint;
  const named = accepts !== null && accepts.origin === seen.origin ? accepts : newest.checkpoint;
  if (named.origin === seen.origin && named.size === seen.size && named.root !== seen.root) {
    throw new RonError('Tampered', `this signer has seen another root at size ${seen.size} of ${seen.origin}: a fork`, {
      field: 'fork',
    });
  }
  const older =
    newest.ledger_seq < memory.newest.ledger_seq ||
    newest.epoch < memory.newest.epoch ||
    (named.origin === seen.origin && named.size < seen.size);
  if (older) {
    throw new RonError(
      'Stale',
      `this request shows ledger line ${newest.ledger_seq}; this signer has already seen line ${memory.newest.ledger_seq}`,
      { field: 'head', hint: 'Get a new request: `ronctl governance export ID`.' },
    );
  }
}

/** The own vote that stands against `purpose`, or null. */
export function contradiction(
  memory: SignerMemory,
  proposalDigest: string,
  purpose: Purpose,
): RememberedStatement | null {
  if (purpose !== 'approve' && purpose !== 'reject') return null;
  const own = memory.statements.filter((one) => one.proposal_digest === proposalDigest);
  const retracted = new Set(own.flatMap((one) => (one.retracts === undefined ? [] : [one.retracts])));
  const opposite = purpose === 'approve' ? 'reject' : 'approve';
  return own.find((one) => one.purpose === opposite && !retracted.has(one.digest)) ?? null;
}

/** The memory after a statement; entries over 400 days old are dropped. */
export function remember(memory: SignerMemory, statement: RememberedStatement, newest: Newest): SignerMemory {
  const oldest = fromTime(statement.at) - KEEP_MS;
  const seen = memory.newest?.checkpoint;
  const isLonger = seen !== undefined && seen.origin === newest.checkpoint.origin && seen.size > newest.checkpoint.size;
  const now = isLonger ? { ...newest, checkpoint: seen } : newest;
  const newer = memory.newest === null || newest.ledger_seq >= memory.newest.ledger_seq ? now : memory.newest;
  return {
    newest: newer,
    statements: [...memory.statements.filter((one) => fromTime(one.at) >= oldest), statement],
  };
}
