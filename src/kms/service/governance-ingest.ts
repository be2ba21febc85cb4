// Ingest (governance page 9): what waits in the inbox is verified and becomes ledger lines, in the order proposals,
// possessions, statements, rest, each by (own time, digest), so that the order in which files arrived decides nothing. The
// ts is the writer's. Known files are deleted, unknown proposals' statements stay, refused files are moved aside with the
// code that refused them. While a statement waits whose signer has seen more, or something else, nothing is taken in: the
// lines would stand where the missing ones belong. Attack: an unauthenticated ts back-dates a late approval.

import { fromTime, toTime } from '../../bytes/time.ts';
import { type Envelope, envelopeDigest } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import type { IndexEntry } from '../../governance/index-entry.ts';
import { type AdmittedStatement, admitStatement } from '../../governance/ledger-admit.ts';
import { linesOfEntry } from '../../governance/ledger-load.ts';
import { type SignerSet, signerSetHash } from '../../governance/signer-set.ts';
import { verifyStatement } from '../../governance/statement.ts';
import { describeSubmission, type Submission } from '../../governance/submission.ts';
import { type InboxDeps, inboxName, readInbox, refuseInbox, removeFromInbox } from '../../storage/inbox.ts';
import type { InboxEntry, RefusedEntry } from '../admin-ports.ts';
import { demandSeenHere } from './governance-judge.ts';
import type { LedgerWriter } from './governance-ledger.ts';

export interface IngestReport {
  readonly ingested: readonly InboxEntry[];
  /** In the ledger already. */
  readonly known: readonly InboxEntry[];
  /** About a proposal that is not here; while a file is `behind`, every other one. */
  readonly waiting: readonly InboxEntry[];
  /** Signed by somebody who has seen more than this ledger or log: they stay, nothing is taken in and nothing executes. */
  readonly behind: readonly RefusedEntry[];
  readonly refused: readonly RefusedEntry[];
}

/** What a command that cannot go on says of the first such file: LedgerBehind (11), or Tampered (10) for a fork. */
export function behindError({ code, message, name }: RefusedEntry): RonError {
  return new RonError(code, message, {
    field: 'seen',
    hint: `Import the missing ledger lines, or find out why this home is older; the statement waits as inbox/${name}.`,
  });
}

interface Waiting {
  readonly name: string;
  readonly submission: Submission;
}

const TYPE_ORDER: readonly Submission['type'][] = ['proposal', 'possession', 'statement', 'dispute'];

const label = (name: string, one: Submission): InboxEntry => ({
  name,
  type: one.type,
  id: one.proposalId,
  by: one.by,
  purpose: one.purpose,
});

/** What judges files: a writer, or a reader whose state is its own to try them on. */
export type InboxJudge = Pick<LedgerWriter, 'state' | 'crypto' | 'clock' | 'add' | 'line' | 'highWaterMs' | 'place'>;

/** Lines are collected and committed together; nothing is written in a dry run. */
export async function ingest(
  writer: LedgerWriter,
  deps: InboxDeps,
  actor: string,
  dryRun: boolean,
): Promise<IngestReport> {
  const report = judgeInbox(writer, deps);
  if (dryRun) return report;
  await writer.flush(actor);
  await removeFromInbox(
    deps,
    [...report.ingested, ...report.known].map((one) => one.name),
  );
  await refuseInbox(
    deps,
    report.refused.map((one) => one.name),
  );
  return report;
}

/** Judges every waiting file in the order of ingest and adds what is taken to the state. */
export function judgeInbox(judge: InboxJudge, deps: Pick<InboxDeps, 'files' | 'paths'>): IngestReport {
  const report = {
    ingested: [] as InboxEntry[],
    known: [] as InboxEntry[],
    waiting: [] as InboxEntry[],
    behind: [],
    refused: [] as RefusedEntry[],
  };
  const all = sorted(deps, report.refused);
  const behind = all.flatMap((one) => aheadOf(judge, one));
  if (behind.length > 0) {
    const names = new Set(behind.map((one) => one.name));
    const waiting = all.filter(({ name }) => !names.has(name)).map(({ name, submission }) => label(name, submission));
    return { ...report, waiting, behind };
  }
  for (const { name, submission } of all) {
    const file = label(name, submission);
    try {
      if (isKnown(judge, submission)) {
        report.known.push(file);
        continue;
      }
      take(judge, submission);
      report.ingested.push(file);
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      const refusal = { ...file, code: error.code, message: error.message };
      if (error.code === 'NotFound') report.waiting.push(file);
      else report.refused.push(refusal);
    }
  }
  return report;
}

/** A valid statement that has seen another or a longer ledger than the one here; whatever it is about. */
function aheadOf(judge: InboxJudge, { name, submission }: Waiting): RefusedEntry[] {
  const { statement, envelope } = submission;
  if (statement === undefined || statement.ledger_id !== judge.state.ledgerId) return [];
  try {
    demandSeenHere(statement, judge);
    return [];
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    const set = judge.state.sets.find((one) => signerSetHash(one) === statement.signer_set_hash);
    if (set === undefined || !isValid(judge, envelope, set)) return [];
    return [{ ...label(name, submission), code: error.code, message: error.message }];
  }
}

function isValid(judge: InboxJudge, envelope: Envelope, set: SignerSet): boolean {
  try {
    verifyStatement(judge.crypto, envelope, set, signerSetHash(set));
    return true;
  } catch (error) {
    if (error instanceof RonError) return false;
    throw error;
  }
}

function sorted(deps: Pick<InboxDeps, 'files' | 'paths'>, refused: RefusedEntry[]): Waiting[] {
  const waiting: Waiting[] = [];
  for (const { name, bytes, problem } of readInbox(deps)) {
    try {
      if (bytes === null) throw problem ?? new RonError('Malformed', `${name} cannot be read`);
      const submission = describeSubmission(bytes, name);
      if (inboxName(submission.digest) !== name)
        throw new RonError('Malformed', `${name} does not hold what its name says`);
      waiting.push({ name, submission });
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      refused.push({
        name,
        type: 'unknown',
        id: null,
        by: null,
        purpose: null,
        code: error.code,
        message: error.message,
      });
    }
  }
  const rank = (one: Waiting): number => TYPE_ORDER.indexOf(one.submission.type);
  const order = (a: Waiting, b: Waiting): number =>
    rank(a) - rank(b) ||
    (a.submission.time < b.submission.time ? -1 : a.submission.time > b.submission.time ? 1 : 0) ||
    (a.submission.digest < b.submission.digest ? -1 : 1);
  return waiting.sort(order);
}

function isKnown(writer: InboxJudge, submission: Submission): boolean {
  const { state } = writer;
  if (submission.type === 'proposal') return state.index.get(submission.proposalId ?? '')?.digest === submission.digest;
  if (submission.type === 'dispute') return state.disputes.some((one) => one.digest === submission.digest);
  const entry = [...state.index.values()].find((one) => one.digest === submission.proposalDigest);
  return entry !== undefined && linesOf(writer, entry).includes(submission.digest);
}

function linesOf(writer: InboxJudge, entry: IndexEntry): string[] {
  return linesOfEntry(entry, (place) => writer.line(place.seq)).flatMap((line) =>
    line.type === 'statement' || line.type === 'possession' ? [envelopeDigest(line.body)] : [],
  );
}

/** A clock set back does not reopen a decision; the clock-reset that repairs it is judged without the mark. */
function isLate(writer: InboxJudge, { id, late }: AdmittedStatement): boolean {
  if (late || writer.state.open.get(id)?.proposal.body.kind === 'clock-reset') return late;
  return writer.highWaterMs() > fromTime(writer.state.index.get(id)!.decide_by);
}

/** Adds one line; throws what refuses it, without having changed the state. */
function take(writer: InboxJudge, submission: Submission): void {
  const { state, crypto } = writer;
  const { type, envelope } = submission;
  const ts = toTime(writer.clock.now());
  const admitted = type === 'statement' ? admitStatement(state, envelope, ts, crypto) : null;
  if (admitted !== null && isLate(writer, admitted)) {
    throw new RonError(
      'TooLate',
      `decide_by has passed, or ${submission.proposalId} is decided; the statement has no effect`,
      {
        field: 'signed_at',
      },
    );
  }
  writer.add({ type, body: envelope });
}
