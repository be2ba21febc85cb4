// A request out of a home that holds the ledger (governance page 8): everything that an approver needs, taken from the
// authenticated state, the ledger lines, the inbox and the newest checkpoint. Used by `export`, and by `show` and `approve`
// in this home, so that an approver here sees exactly what one far away would see.

import { fromUtf8 } from '../../bytes/text.ts';
import type { Envelope } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import type { IndexEntry } from '../../governance/index-entry.ts';
import { linesOfEntry, ownLine, proposalLine } from '../../governance/ledger-load.ts';
import type { LedgerState, OpenProposal } from '../../governance/ledger-state.ts';
import { type Proposal, parseProposal } from '../../governance/proposal.ts';
import type { Request, RequestHead } from '../../governance/request.ts';
import { signerSetHash } from '../../governance/signer-set.ts';
import { describeSubmission, type Submission } from '../../governance/submission.ts';
import { viewOf } from '../../policy/view.ts';
import { readInbox } from '../../storage/inbox.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import { chainOfState } from './governance-chain.ts';
import { demandState, type GovernanceReading } from './governance-reader.ts';
import { formatHeadProof } from './head-proof.ts';

/** A proposal of this home: in the ledger, or waiting in the inbox. */
export interface LocatedProposal {
  readonly id: string;
  readonly envelope: Envelope;
  readonly body: Proposal;
  /** Null while not ingested. */
  readonly entry: IndexEntry | null;
  /** Null when it is closed or not ingested. */
  readonly open: OpenProposal | null;
}

/** Files of the inbox that have the form of a submission; the rest is not looked at here. */
export function waitingSubmissions(ctx: StoreContext): { readonly name: string; readonly submission: Submission }[] {
  return readInbox(ctx).flatMap(({ name, bytes }) => {
    if (bytes === null) return [];
    try {
      return [{ name, submission: describeSubmission(bytes, name) }];
    } catch (error) {
      if (error instanceof RonError) return [];
      throw error;
    }
  });
}

/** Ids that begin with the prefix: a full id, or 10 characters and more for reads. */
function matching(prefix: string, ids: readonly string[]): string[] {
  return ids.filter((id) => id.startsWith(prefix));
}

const MIN_PREFIX = 10;

/** By full id or, with `prefix`, by a unique beginning. NotFound, InvalidValue with the candidates. */
export function locateProposal(
  ctx: StoreContext,
  reading: GovernanceReading,
  id: string,
  prefix: boolean,
): LocatedProposal {
  const state = demandState(reading);
  const waiting = waitingSubmissions(ctx).filter(({ submission }) => submission.type === 'proposal');
  const ids = [
    ...new Set([...state.index.keys(), ...waiting.flatMap(({ submission }) => submission.proposalId ?? [])]),
  ];
  if (prefix && id.length < MIN_PREFIX) {
    throw new RonError('InvalidValue', `${JSON.stringify(id)}: at least ${MIN_PREFIX} characters of an id are needed`, {
      field: 'ID',
      hint: 'See `ronctl governance list`.',
    });
  }
  const found = prefix ? matching(id, ids) : ids.filter((one) => one === id);
  if (found.length === 0) {
    throw new RonError('NotFound', `there is no proposal ${id} in this home`, {
      field: 'ID',
      hint: 'See `ronctl governance list`.',
    });
  }
  if (found.length > 1) {
    throw new RonError('InvalidValue', `${id} begins several ids`, {
      field: 'ID',
      hint: found.join(', '),
    });
  }
  const entry = state.index.get(found[0]!) ?? null;
  if (entry === null) {
    const { submission } = waiting.find((one) => one.submission.proposalId === found[0])!;
    return { id: found[0]!, envelope: submission.envelope, body: submission.proposal!, entry: null, open: null };
  }
  const open = state.open.get(entry.id) ?? null;
  if (open !== null) return { id: entry.id, envelope: open.proposal.envelope, body: open.proposal.body, entry, open };
  const proposal = proposalLine(entry, reading.line);
  return { id: entry.id, envelope: proposal, body: parseProposal(proposal), entry, open: null };
}

/** Statements about a proposal that stand in the ledger, in order. */
export function ledgerStatements(reading: GovernanceReading, entry: IndexEntry | null): Envelope[] {
  if (entry === null) return [];
  return linesOfEntry(entry, reading.line).flatMap((line) => (line.type === 'statement' ? [line.body] : []));
}

/** The head that a checkpoint vouches for. NotAuthenticated without one. */
export function requestHead(reading: GovernanceReading): RequestHead {
  if (reading.missingHead !== null) return reading.missingHead;
  const { head, checkpoint } = reading.home;
  const ledger = head?.record.detail?.['ledger'] as { seq: number; hash: string } | null | undefined;
  if (head === null || checkpoint === null || ledger === null || ledger === undefined) {
    throw new RonError('NotAuthenticated', 'no checkpoint of this log covers the ledger yet', {
      hint: 'Run a command that unseals the store, such as `ronctl governance ingest`.',
    });
  }
  return {
    seq: ledger.seq,
    hash: ledger.hash,
    record: fromUtf8(head.line)!,
    tlog_proof: formatHeadProof(head.record.seq, head.proof, checkpoint.note),
  };
}

/** Rejected for a withdrawn proposal, Conflict for one that is executed or closed: there is nothing left to approve. */
export function buildRequest(reading: GovernanceReading, located: LocatedProposal): Request {
  const state = demandState(reading);
  const { entry, open, envelope, body } = located;
  if (entry?.decision === 'withdrawn') {
    throw new RonError('Rejected', `${located.id} was withdrawn by its author`);
  }
  if (entry !== null && open === null) {
    throw new RonError(
      'Conflict',
      `${located.id} is ${entry.execution === 'none' ? entry.decision : entry.execution}; there is nothing to approve`,
    );
  }
  const genesis = ownLine(reading.line({ seq: 0, offset: 0 }));
  if (genesis.type !== 'genesis') throw new RonError('Tampered', 'line 0 of the ledger is no genesis');
  return {
    genesis: genesis.body,
    key_chain: chainOfState(state, reading.line),
    proposal: envelope,
    statements: (open?.statements ?? []).map((one) => one.envelope),
    view: viewFor(state, body),
    head: requestHead(reading),
  };
}

const viewFor = (state: LedgerState, body: Proposal) =>
  viewOf({
    ledgerId: state.ledgerId,
    scope: body.scope,
    state: state.governed.policy,
    signerSetHash: signerSetHash(state.governed.set),
  });
