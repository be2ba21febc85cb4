// What one ledger line does to the state (governance pages 9, 10). `startLedger` takes line 0, `applyLine` every further
// line, in order; both judge the line first (ledger-admit.ts), so that a replay refuses what an ingest would have refused.
// The state is changed in place: it belongs to one reader or writer.

import { canonicalText } from '../bytes/canonical-json.ts';
import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { pqDirectionOf } from '../policy/change.ts';
import type { Overlay } from '../policy/overlay.ts';
import { type Scope, scopePqOf } from '../policy/state.ts';
import { admitDispute } from './dispute.ts';
import { genesisSet, type VerifiedGenesis, verifyGenesis } from './genesis.ts';
import { type Decision, type IndexEntry, isClosed, type LinePlace, trailOf } from './index-entry.ts';
import type { Failed, Intent, Line } from './ledger.ts';
import {
  admitExecution,
  admitFailed,
  admitIntent,
  admitPossession,
  admitProposal,
  admitStatement,
  tallyOf,
} from './ledger-admit.ts';
import type { LedgerState, OpenProposal } from './ledger-state.ts';
import { type Governed, viewHashOf } from './outcome.ts';
import type { VerifiedProposal } from './proposal.ts';
import type { Receipt } from './receipt.ts';
import { signerSetHash } from './signer-set.ts';
import { admitRollback, admitTune } from './tuning.ts';

export function stateOfGenesis(
  verified: VerifiedGenesis,
  line: { readonly hash: string; readonly ts: string },
): LedgerState {
  const { genesis, digest } = verified;
  const set = genesisSet(genesis);
  return {
    ledgerId: genesis.ledger_id,
    genesis: { digest, name: genesis.name, profile: genesis.profile, nonce: genesis.nonce },
    seq: 0,
    hash: line.hash,
    nextOffset: 0,
    mark: line.ts,
    wroteAt: line.ts,
    clockReset: null,
    governed: {
      profile: genesis.profile,
      policy: genesis.policy,
      set,
      serviceKeys: genesis.service_keys,
      logKeys: genesis.log_keys,
    },
    sets: [set],
    overlays: [],
    bases: { global: 0, otherTenants: 0, tenants: new Map() },
    raises: new Map(),
    pqChanges: [],
    clauses: [],
    chain: [],
    executing: null,
    disputes: [],
    index: new Map(),
    open: new Map(),
  };
}

/** Line 0. `lineBytes` = length of the exact line without LF. */
export function startLedger(crypto: Crypto, line: Line, lineBytes: number): LedgerState {
  if (line.type !== 'genesis' || line.seq !== 0)
    throw new RonError('Malformed', 'the ledger does not begin with a genesis', { field: 'type' });
  const state = stateOfGenesis(verifyGenesis(crypto, line.body), line);
  state.nextOffset = lineBytes + 1;
  return state;
}

/** Judges and applies the next line. Throws without having changed anything. */
export function applyLine(state: LedgerState, line: Line, lineBytes: number, crypto: Crypto): void {
  if (line.seq !== state.seq + 1 || line.prev !== state.hash)
    throw new RonError('Malformed', `ledger line ${line.seq} does not follow line ${state.seq}`);
  if (state.executing !== null && line.type !== 'execution' && line.type !== 'failed') {
    throw new RonError('Conflict', 'no other line stands between an intent and its end', { field: 'type' });
  }
  const newSegment = line.seq % LIMITS.ledgerSegmentLines === 0;
  const place: HashedPlace = { seq: line.seq, offset: newSegment ? 0 : state.nextOffset, hash: line.hash };
  const resetTo = applyBody(state, line, place, crypto);
  state.seq = line.seq;
  state.hash = line.hash;
  state.nextOffset = place.offset + lineBytes + 1;
  state.mark = resetTo ?? (line.ts > state.mark ? line.ts : state.mark);
  state.wroteAt = line.ts;
  if (resetTo !== null) state.clockReset = line.seq;
}

interface HashedPlace extends LinePlace {
  readonly hash: string;
}

/** Returns the time that a clock-reset sets the mark to, else null. */
function applyBody(state: LedgerState, line: Line, place: HashedPlace, crypto: Crypto): string | null {
  switch (line.type) {
    case 'genesis':
      throw new RonError('Malformed', 'a second genesis in one ledger', { field: 'type' });
    case 'proposal':
      addProposal(state, admitProposal(state, line.body, line.ts, crypto), place);
      return null;
    case 'statement': {
      const { statement, id, late } = admitStatement(state, line.body, line.ts, crypto);
      const open = state.open.get(id);
      if (!late && open !== undefined) open.statements = [...open.statements, statement];
      note(state, id, place);
      if (open !== undefined) recount(state, open);
      return null;
    }
    case 'possession': {
      const { possession, id } = admitPossession(state, line.body, crypto);
      const open = state.open.get(id)!;
      open.possessions = [...open.possessions, possession];
      note(state, id, place);
      return null;
    }
    case 'intent':
      applyIntent(state, line.body, place);
      return null;
    case 'execution':
      return applyExecution(state, admitExecution(state, line.body, crypto), place);
    case 'failed':
      admitFailed(state, line.body);
      applyFailed(state, line.body, place);
      return null;
    case 'dispute':
      state.disputes = [...state.disputes, { ...admitDispute(state, line.body, line.ts, crypto), seq: line.seq }];
      return null;
    case 'tune': {
      const overlay = admitTune(state, line.body, line.seq);
      state.overlays = [
        ...state.overlays.filter(
          (one) => !(one.kind === 'tune' && one.scope === overlay.scope && one.key === overlay.key),
        ),
        overlay,
      ];
      return null;
    }
    case 'rollback': {
      const { overlay, clause } = admitRollback(state, line.body, line.seq);
      state.overlays = [...state.overlays, overlay];
      state.clauses = state.clauses.filter((one) => one !== clause);
      return null;
    }
    default:
      return null;
  }
}

function addProposal(state: LedgerState, proposal: VerifiedProposal, place: HashedPlace): void {
  const { body, digest } = proposal;
  if (state.index.has(body.id)) throw new RonError('Conflict', `${body.id} is already in the ledger`);
  state.open.set(body.id, { proposal, statements: [], possessions: [] });
  state.index.set(body.id, {
    id: body.id,
    seq: place.seq,
    offset: place.offset,
    digest,
    decision: 'open',
    execution: 'none',
    approvals: [],
    rejects: [],
    decide_by: body.decide_by,
    expires_at: body.expires_at,
    lines: [],
    trail: trailOf(null, place.hash),
  });
}

function update(state: LedgerState, id: string, change: Partial<IndexEntry>): void {
  const next = { ...state.index.get(id)!, ...change };
  state.index.set(id, next);
  if (isClosed(next)) state.open.delete(id);
}

function note(state: LedgerState, id: string, place: HashedPlace): void {
  const entry = state.index.get(id)!;
  const { seq, offset, hash } = place;
  state.index.set(id, { ...entry, lines: [...entry.lines, { seq, offset }], trail: trailOf(entry.trail, hash) });
}

function recount(state: LedgerState, open: OpenProposal): void {
  const votes = tallyOf(state, open);
  const decision: Decision = votes.withdrawn
    ? 'withdrawn'
    : votes.reached
      ? 'approved'
      : votes.unreachable
        ? 'rejected'
        : 'open';
  update(state, open.proposal.body.id, { decision, approvals: votes.approvals, rejects: votes.rejects });
}

function applyIntent(state: LedgerState, intent: Intent, place: HashedPlace): void {
  const { open, after } = admitIntent(state, intent);
  const id = open.proposal.body.id;
  note(state, id, place);
  update(state, id, { execution: 'executing' });
  state.executing = { id, intent, after };
}

const CHAIN_ACTIONS: readonly string[] = [
  'signer-set-change',
  'service-key-rotate',
  'log-key-rotate',
  'restore-accept',
];

function applyExecution(state: LedgerState, receipt: Receipt, place: HashedPlace): string | null {
  const { id, intent, after } = state.executing!;
  const { body } = state.open.get(id)!.proposal;
  const before = state.governed;
  state.governed = after;
  if (after.set !== before.set) state.sets = [...state.sets, after.set];
  rebase(state, before, after, place.seq);
  state.overlays = overlaysAfter(state.overlays, body, intent, place.seq);
  const executed = { judged_at: intent.judged_at, audit_seq: receipt.audit.index, origin: receipt.audit.origin };
  const direction = pqDirectionOf(body.changeset);
  if (direction === 'raise') state.raises.set(body.scope, executed);
  if (direction !== 'none') {
    const from = scopePqOf(before.policy, body.scope);
    state.pqChanges = [
      ...state.pqChanges,
      { scope: body.scope, from, to: scopePqOf(after.policy, body.scope)!, ...executed },
    ];
  }
  const touched = new Set(body.changeset.map((one) => one.key));
  state.clauses = state.clauses.filter(
    (one) => one.scope !== body.scope || !one.changeset.some((change) => touched.has(change.key)),
  );
  if (body.rollback !== 'none') {
    state.clauses.push({
      id,
      proposal_digest: intent.proposal_digest,
      scope: body.scope,
      changeset: body.rollback.changeset,
      valid_for_s: body.rollback.valid_for_s,
      judged_at: intent.judged_at,
    });
  }
  if (CHAIN_ACTIONS.includes(body.kind)) state.chain = [...state.chain, id];
  state.executing = null;
  note(state, id, place);
  update(state, id, { execution: 'executed' });
  const action = body.actions[0];
  return action?.name === 'clock-reset' ? action.to : null;
}

/** Moves the base of every scope whose V differs. */
function rebase(state: LedgerState, before: Governed, after: Governed, seq: number): void {
  if (after.policy === before.policy && after.set === before.set) return;
  const named = new Set([
    ...state.bases.tenants.keys(),
    ...[before, after].flatMap((one) => [
      ...Object.keys(one.policy.tenants),
      ...Object.values(one.policy.ceilings).flatMap((ceiling) => [...ceiling.tenants]),
    ]),
  ]);
  const changed = (scope: Scope): boolean => viewHashOf(before, scope) !== viewHashOf(after, scope);
  for (const tenant of named) {
    const old = state.bases.tenants.get(tenant) ?? state.bases.otherTenants;
    state.bases.tenants.set(tenant, changed(`tenant:${tenant}`) ? seq : old);
  }
  if (changed('global')) state.bases.global = seq;
  const others =
    canonicalText(before.policy.global) !== canonicalText(after.policy.global) ||
    signerSetHash(before.set) !== signerSetHash(after.set);
  if (others) state.bases.otherTenants = seq;
}

function overlaysAfter(
  overlays: readonly Overlay[],
  body: VerifiedProposal['body'],
  intent: Intent,
  seq: number,
): Overlay[] {
  const touched = new Set(body.changeset.map((one) => one.key));
  const kept = overlays.filter(
    (one) => !(one.kind === 'tune' && touched.has(one.key) && (one.scope === body.scope || body.scope === 'global')),
  );
  const action = body.actions[0];
  const timed = { seq, scope: body.scope, judged_at: intent.judged_at };
  if (action?.name === 'exception') {
    kept.push({
      kind: 'exception',
      ...timed,
      duration_s: action.valid_for_s,
      changes: [{ key: action.key, to: action.to }],
    });
  }
  if (action?.name === 'envelope') {
    kept.push({
      kind: 'envelope',
      ...timed,
      duration_s: action.valid_for_s,
      bounds: new Map(Object.entries(action.bounds)),
    });
  }
  return kept;
}

/** No undo: what was applied stays. Keys of service and log are in force from their effect on. */
function applyFailed(state: LedgerState, failed: Failed, place: HashedPlace): void {
  const { id, intent, after } = state.executing!;
  const last = intent.plan.length - 1;
  if (failed.applied.includes(last)) {
    const before = state.governed;
    state.governed = after;
    rebase(state, before, after, place.seq);
  } else if (failed.applied.includes(0)) {
    state.governed = { ...state.governed, serviceKeys: after.serviceKeys, logKeys: after.logKeys };
  }
  state.executing = null;
  note(state, id, place);
  update(state, id, { execution: 'failed' });
}
