// Execution (governance page 10, R-03): judge once, commit the intent, carry out the effects, each under the op_id of the
// plan, commit `governance.execute` (which carries the change of V), sign the receipt, commit it. A crash anywhere is
// finished by the next open: it asks the log for each op_id, never judges again, and makes the same receipt digest, because
// the receipt is a function of the intent and of audit records only.
// Attack: a crash repeats or loses a root rotation.

import type { AuditRecord } from '../../audit/draft.ts';
import { anyObject } from '../../bytes/decode.ts';
import { type Envelope, type EnvelopeSignature, envelopeDigest } from '../../envelope/dsse.ts';
import { signDual } from '../../envelope/dual-signature.ts';
import { RonError } from '../../errors.ts';
import { planFor } from '../../governance/execution-plan.ts';
import type { Intent } from '../../governance/ledger.ts';
import { tallyOf } from '../../governance/ledger-admit.ts';
import { linesOfEntry } from '../../governance/ledger-load.ts';
import type { OpenProposal } from '../../governance/ledger-state.ts';
import { viewHashOf } from '../../governance/outcome.ts';
import {
  buildReceipt,
  coreOf,
  executionDetail,
  parseReceipt,
  type Receipt,
  receiptCore,
} from '../../governance/receipt.ts';
import { dualKeys } from '../../governance/signatures.ts';
import type { RefusedEntry } from '../admin-ports.ts';
import { effectMutation } from './governance-effects.ts';
import { behindError } from './governance-ingest.ts';
import { judgeExecution } from './governance-judge.ts';
import { servicePairFor } from './governance-keys.ts';
import type { LedgerWriter } from './governance-ledger.ts';

export interface ExecutionResult {
  readonly id: string;
  readonly receipt: Receipt;
  readonly receiptDigest: string;
  readonly envelope: Envelope;
  /** Executed before: nothing was changed now. */
  readonly replayed: boolean;
}

/**
 * Throws what judgeExecution throws, NotFound, EffectFailed. In a dry run it judges only and returns null. `behind`: files of
 * the inbox whose signers have seen more (LedgerBehind) or something else (Tampered); then nothing executes. `keysElsewhere`: a
 * server in memory, where nobody can sign the receipt; Unsupported.
 */
export async function execute(
  writer: LedgerWriter,
  id: string,
  actor: string,
  dryRun: boolean,
  behind: readonly RefusedEntry[] = [],
  keysElsewhere = false,
): Promise<ExecutionResult | null> {
  const entry = writer.state.index.get(id);
  if (entry?.execution === 'executed' || entry?.execution === 'closed') return recorded(writer, id);
  if (behind[0] !== undefined) throw behindError(behind[0]);
  if (entry === undefined) {
    throw new RonError('NotFound', `there is no proposal ${id} in the ledger`, {
      hint: 'See `ronctl governance list`.',
    });
  }
  if (entry.execution === 'failed')
    throw new RonError('EffectFailed', `${id} failed when it was executed`, { hint: 'Propose again.' });
  if (entry.decision === 'withdrawn') throw new RonError('Rejected', `${id} was withdrawn by its author`);
  const open = writer.state.open.get(id);
  if (open === undefined)
    throw new RonError('Expired', `${id} expired at ${entry.expires_at}`, { field: 'expires_at' });
  const judgedAt = writer.now();
  judgeExecution(writer, open, judgedAt);
  if (keysElsewhere) {
    throw new RonError(
      'Unsupported',
      `${id} may be executed, but not here: this server does not have the service keys`,
      {
        hint: 'Execute it in the home that keeps the ledger, then start this server again with the longer ledger.',
      },
    );
  }
  const { digest, body } = open.proposal;
  const action = body.actions[0] ?? null;
  const plan = planFor(digest, action);
  // A restored store takes another way (governance-restore.ts).
  if (action?.name === 'restore-accept') throw notRestored();
  if (action !== null) {
    await effectMutation({
      store: writer.store,
      crypto: writer.crypto,
      intent: { proposal_digest: digest, plan },
      action,
      actor,
    });
  }
  // A receipt that nobody can sign must not be found out after the effects.
  (await servicePairFor(writer.store, writer.crypto, writer.state.governed.serviceKeys)).release();
  if (dryRun) return null;
  const statements = tallyOf(writer.state, open).approvalDigests;
  const intent: Intent = { proposal_digest: digest, statements, judged_at: judgedAt, plan };
  await writer.append({ type: 'intent', body: intent }, actor);
  return finish(writer, actor);
}

const notRestored = (): RonError =>
  new RonError('Conflict', 'this store was neither restored nor rolled back: there is nothing to accept', {
    field: 'actions[0].name',
  });

/** Finishes the unfinished execution; null when there is none. Called by every open before anything else. */
export async function recover(writer: LedgerWriter, actor: string): Promise<ExecutionResult | null> {
  return writer.state.executing === null ? null : finish(writer, actor);
}

async function finish(writer: LedgerWriter, actor: string): Promise<ExecutionResult> {
  const { id, intent } = writer.state.executing!;
  const open = writer.state.open.get(id)!;
  const records = await applyEffects(writer, open, intent, actor);
  const last = records.at(-1)!;
  const core = receiptCore(anyObject(last.detail ?? {}, 'detail')['receipt']!, 'detail.receipt');
  const receipt: Receipt = { ...core, audit: { origin: writer.store.origin, index: last.seq } };
  const { payloadType, payload } = buildReceipt(receipt);
  const envelope = { payloadType, payload, signatures: await signAsService(writer, payloadType, payload) };
  await writer.append({ type: 'execution', body: envelope }, actor);
  return { id, receipt, receiptDigest: envelopeDigest(envelope), envelope, replayed: false };
}

/** Receipts are signed by the service keys that were in force before the execution. */
async function signAsService(
  writer: LedgerWriter,
  payloadType: string,
  payload: Uint8Array,
): Promise<EnvelopeSignature[]> {
  const { id, after } = writer.state.executing!;
  const isRestore = writer.state.open.get(id)?.proposal.body.kind === 'restore-accept';
  const wanted = (isRestore ? after : writer.state.governed).serviceKeys;
  const pair = await servicePairFor(writer.store, writer.crypto, wanted);
  try {
    return await signDual(writer.crypto, payloadType, payload, 'service', pair.keys, dualKeys(wanted));
  } finally {
    pair.release();
  }
}

async function applyEffects(
  writer: LedgerWriter,
  open: OpenProposal,
  intent: Intent,
  actor: string,
): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  const action = open.proposal.body.actions[0];
  const { store } = writer;
  for (const step of intent.plan) {
    const done = store.findOperation(step.op_id);
    if (done !== null) {
      demandOwn(done, intent);
      records.push(done);
      continue;
    }
    const isLast = step.n === intent.plan.length - 1;
    try {
      records.push(
        isLast
          ? await commitPolicy(writer, open, intent, records, actor)
          : await store.mutate(await effectMutation({ store, crypto: writer.crypto, intent, action: action!, actor })),
      );
    } catch (error) {
      await fail(writer, intent, records.length, error, actor);
    }
  }
  return records;
}

/** A record of something else under an op_id of the plan must not pass for its effect. */
function demandOwn(record: AuditRecord, intent: Intent): void {
  if (record.result === 'ok' && record.detail?.['proposal_digest'] === intent.proposal_digest) return;
  throw new RonError(
    'Tampered',
    `record ${record.seq} (${record.op}) has an operation id of the plan, and is no effect of it`,
    {
      field: 'op_id',
    },
  );
}

/** The last effect: the change of V, committed by `governance.execute`; the seq of its ledger line is known already. */
function commitPolicy(
  writer: LedgerWriter,
  open: OpenProposal,
  intent: Intent,
  before: readonly AuditRecord[],
  actor: string,
): Promise<AuditRecord> {
  const { state, store } = writer;
  const { scope } = open.proposal.body;
  const stateBefore = viewHashOf(state.governed, scope);
  const stateAfter = viewHashOf(state.executing!.after, scope);
  const changed = stateBefore !== stateAfter;
  return store.mutate({
    publicView: (current) => (changed ? { ...current, policy: { seq: state.seq + 1, hash: stateAfter } } : current),
    audit: (place) => {
      const core = coreOf(intent, {
        ledgerId: state.ledgerId,
        stateBefore,
        stateAfter,
        indexes: [...before.map((one) => one.seq), place.seq],
        executedBy: actor,
      });
      return {
        op: 'governance.execute',
        op_id: intent.plan.at(-1)!.op_id,
        actor,
        result: 'ok',
        detail: executionDetail(core),
      };
    },
  });
}

/** An impossible effect ends the execution; a storage fault or a bug does not, the next open tries again. */
async function fail(
  writer: LedgerWriter,
  intent: Intent,
  applied: number,
  error: unknown,
  actor: string,
): Promise<never> {
  if (!(error instanceof RonError) || error.kind !== 'operator' || error.exit === 10) throw error;
  const done = intent.plan.slice(0, applied).map((step) => step.n);
  await writer.store.append([
    {
      op: 'governance.failed',
      actor,
      result: error.code,
      detail: { proposal_digest: intent.proposal_digest, applied: done, code: error.code },
    },
  ]);
  const body = {
    proposal_digest: intent.proposal_digest,
    applied: done,
    reason: error.message.slice(0, 500),
    judged_at: writer.now(),
  };
  await writer.append({ type: 'failed', body }, actor);
  throw new RonError('EffectFailed', `an effect turned out to be impossible: ${error.message}`);
}

function recorded(writer: LedgerWriter, id: string): ExecutionResult {
  const entry = writer.state.index.get(id)!;
  const line = linesOfEntry(entry, (place) => writer.line(place.seq)).find((one) => one.type === 'execution');
  if (line?.type === 'execution') {
    const envelope = line.body;
    return { id, receipt: parseReceipt(envelope), receiptDigest: envelopeDigest(envelope), envelope, replayed: true };
  }
  throw new RonError('Tampered', `${id} is executed but its receipt is not in the ledger`, { field: 'ledger' });
}
