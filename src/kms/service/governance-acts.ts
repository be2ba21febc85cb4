// Acts of the writer that need no quorum (governance pages 3, 10): a tune, the one use of a rollback clause, and the adoption
// of a genesis, which makes line 0 and ends the ungoverned state for ever.

import type { AuditRecord } from '../../audit/draft.ts';
import { fromTime, toTime } from '../../bytes/time.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { envelopeDigest } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import type { VerifiedGenesis } from '../../governance/genesis.ts';
import { buildLine } from '../../governance/ledger.ts';
import { startLedger } from '../../governance/ledger-apply.ts';
import { viewHashOf } from '../../governance/outcome.ts';
import { encodeState } from '../../governance/state-file.ts';
import { demandClause, demandRollback, demandTune, tunedValue, tuneRoom } from '../../governance/tuning.ts';
import type { Clock } from '../../host.ts';
import type { Grant } from '../../policy/overlay.ts';
import type { Scope } from '../../policy/state.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import type { LedgerWriter } from './governance-ledger.ts';

/** Who acts, under which operation id, and the keyed digest of the request (log page 4.10). */
export interface NamedAct {
  readonly actor: string;
  readonly opId: string;
  readonly req: string;
}

export interface TuneResult {
  readonly scope: Scope;
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly baseline: number;
  readonly min: number;
  readonly max: number;
}

export async function tune(
  writer: LedgerWriter,
  wanted: { readonly scope: Scope; readonly key: string; readonly to: number },
  by: NamedAct,
  dryRun: boolean,
): Promise<TuneResult> {
  const { actor, opId, req } = by;
  const { scope, key, to } = wanted;
  const judged = writer.judged();
  const judgedAt = judged.now;
  const room = demandTune(writer.state, scope, key, to, judged);
  const from = tunedValue(writer.state, scope, key);
  const result = { scope, key, from, to, baseline: room.baseline, min: room.min, max: room.max };
  if (dryRun) return result;
  const envelope = room.envelope === null ? {} : { envelope: room.envelope };
  const body = { scope, key, from, to, baseline: room.baseline, actor, judged_at: judgedAt, ...envelope };
  await writer.append({ type: 'tune', body }, actor);
  await writer.store.append([
    { op: 'tune', op_id: opId, req, actor, result: 'ok', detail: { key, scope, from, to, baseline: room.baseline } },
  ]);
  return result;
}

/** The result that a `tune` record stands for. */
export function recordedTune(
  writer: LedgerWriter,
  { scope, key, to }: { readonly scope: Scope; readonly key: string; readonly to: number },
  record: AuditRecord,
): TuneResult {
  const { baseline, min, max } = tuneRoom(writer.state, scope, key, writer.judged());
  return { scope, key, from: Number(record.detail?.['from']), to, baseline, min, max };
}

export interface RollbackResult {
  readonly scope: Scope;
  readonly proposal_id: string;
  readonly proposal_digest: string;
  readonly changes: readonly { readonly key: string; readonly from: unknown; readonly to: unknown }[];
  readonly duration_s: number;
  readonly until: string;
}

/** `durationS` null = the most that is allowed. `NotFound` when the scope has no clause. */
export async function rollback(
  writer: LedgerWriter,
  wanted: { readonly scope: Scope; readonly durationS: number | null; readonly proposalDigest: string | null },
  by: NamedAct,
  dryRun: boolean,
): Promise<RollbackResult> {
  const { actor, opId, req } = by;
  const judged = writer.judged();
  const judgedAt = judged.now;
  const clause = demandClause(writer.state, wanted.scope, judgedAt);
  if (wanted.proposalDigest !== null && wanted.proposalDigest !== clause.proposal_digest) {
    throw new RonError('Conflict', `the clause is that of ${clause.id}, not the one that was confirmed`, {
      field: 'proposal_digest',
    });
  }
  const { durationS } = demandRollback(writer.state, clause, judged, wanted.durationS);
  const until = toTime(fromTime(judgedAt.wall) + durationS * 1000);
  const result: RollbackResult = {
    scope: clause.scope,
    proposal_id: clause.id,
    proposal_digest: clause.proposal_digest,
    changes: clause.changeset,
    duration_s: durationS,
    until,
  };
  if (dryRun) return result;
  const { scope, proposal_digest } = clause;
  const body = { proposal_digest, scope, changes: clause.changeset, duration_s: durationS, actor, judged_at: judgedAt };
  await writer.append({ type: 'rollback', body }, actor);
  await writer.store.append([
    {
      op: 'rollback',
      op_id: opId,
      req,
      actor,
      result: 'ok',
      detail: { proposal_digest, scope, exception_until: until },
    },
  ]);
  return result;
}

/** The result that a `rollback` record stands for. */
export function recordedRollback(writer: LedgerWriter, scope: Scope, record: AuditRecord): RollbackResult {
  const text = (member: string): string => {
    const value = record.detail?.[member];
    return typeof value === 'string' ? value : '';
  };
  const digest = text('proposal_digest');
  const { state } = writer;
  const used = state.overlays.findLast((one): one is Grant => one.kind === 'rollback' && one.scope === scope);
  const entry = [...state.index.values()].find((one) => one.digest === digest);
  return {
    scope,
    proposal_id: entry?.id ?? '',
    proposal_digest: digest,
    changes: [],
    duration_s: used?.duration_s ?? 0,
    until: text('exception_until'),
  };
}

/** One mutation: ledger line 0, root record with the digest, `genesis.adopt`. The caller has checked that it fits. */
export async function adopt(
  store: CustodyStore,
  crypto: Crypto,
  clock: Clock,
  verified: VerifiedGenesis,
  actor: string,
): Promise<void> {
  const { genesis, digest, envelope } = verified;
  if (store.genesisDigest !== null) {
    throw new RonError('Conflict', `this store has adopted the genesis ${store.genesisDigest} already`, {
      field: 'genesis',
    });
  }
  if (envelopeDigest(envelope) !== digest) throw new TypeError('a verified genesis has the digest of its envelope');
  const { line, bytes } = buildLine(null, { ts: toTime(clock.now()), content: { type: 'genesis', body: envelope } });
  const state = startLedger(crypto, line, bytes.length);
  await store.mutate({
    adopt: { genesisDigest: digest, ledgerId: genesis.ledger_id },
    ledger: {
      ledgerId: genesis.ledger_id,
      lines: [bytes],
      head: { seq: 0, hash: line.hash },
      state: encodeState(state),
      actor,
    },
    publicView: (current) => ({ ...current, policy: { seq: 0, hash: viewHashOf(state.governed, 'global') } }),
    audit: {
      op: 'genesis.adopt',
      actor,
      result: 'ok',
      detail: { ledger_id: genesis.ledger_id, genesis_digest: digest },
    },
  });
}
