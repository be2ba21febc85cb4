// The execution of `restore-accept` (log page 4.7, R-08): the one act that a restored store carries out. What waits in the
// inbox is judged on top of the restored ledger, without a word in the old log; the lines, the intent and the new epoch are
// one mutation (storage/custody-epoch.ts); from there on it is an execution like every other, which the next open finishes.
// Refuses: what a signer has seen beyond prev_checkpoint or beyond the ledger (LedgerBehind, 11), a proposal that names
// another log or another restored checkpoint (Stale), less than what this home remembers (Stale), another root (Tampered).
// Attack: a restored log that goes on under its origin is a fork for every witness, and signers removed since the backup
// approve their own restore.

import { createLogVerifier } from '../../audit/checkpoint.ts';
import { canonicalText } from '../../bytes/canonical-json.ts';
import { toHex } from '../../bytes/hex.ts';
import { wipe } from '../../bytes/wipe.ts';
import { envelopeDigest } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import type { RestoreAccept } from '../../governance/actions.ts';
import { planFor } from '../../governance/execution-plan.ts';
import { type ChainLink, chainLinkJson } from '../../governance/key-chain.ts';
import { tallyOf } from '../../governance/ledger-admit.ts';
import type { OpenProposal } from '../../governance/ledger-state.ts';
import { viewHashOf } from '../../governance/outcome.ts';
import type { CheckpointRef } from '../../governance/statement.ts';
import type { SealedPut } from '../../storage/custody-port.ts';
import { removeFromInbox } from '../../storage/inbox.ts';
import { dropMissing, readMissing } from '../../storage/missing-ledger.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import { readRemembered } from '../../storage/trust-memory.ts';
import { readChain } from '../../storage/trust-pin.ts';
import { homeLog } from '../../storage/trusted-log.ts';
import { chainOf } from './governance-chain.ts';
import { type ExecutionResult, recover } from './governance-execute.ts';
import { behindError, type InboxJudge, type IngestReport, judgeInbox } from './governance-ingest.ts';
import { judgeExecution } from './governance-judge.ts';
import type { LedgerWriter } from './governance-ledger.ts';
import { waitingSubmissions } from './governance-request.ts';
import { acceptedKeys } from './restore-keys.ts';

export interface AcceptedRestore {
  /** Null in a dry run. */
  readonly executed: ExecutionResult | null;
  readonly ingested: IngestReport;
}

/** The action of a proposal of the ledger or the inbox; Conflict for every other one. */
function actionOf(writer: LedgerWriter, context: StoreContext, id: string): RestoreAccept {
  const body =
    writer.state.open.get(id)?.proposal.body ??
    waitingSubmissions(context).find(({ submission }) => submission.proposalId === id && submission.type === 'proposal')
      ?.submission.proposal;
  const action = body?.actions[0];
  if (action?.name === 'restore-accept') return action;
  throw new RonError(
    body === undefined ? 'NotFound' : 'RolledBack',
    body === undefined
      ? `there is no proposal ${id} in this home`
      : 'a restored store carries out nothing but a restore-accept',
    { hint: 'Run: ronctl governance propose --action restore-accept --rationale TEXT' },
  );
}

/** Throws what judgeExecution throws, and what the head of this file names. */
export async function acceptRestore(
  writer: LedgerWriter,
  context: StoreContext,
  id: string,
  actor: string,
  dryRun: boolean,
): Promise<AcceptedRestore> {
  const action = actionOf(writer, context, id);
  for (const line of readMissing(context, writer.state.seq)?.lines ?? []) writer.extend(line);
  demandChain(writer, context);
  abandonUnfinished(writer);
  // Signers may have seen as much of the log as the proposal says that there was.
  const here = { ...seenUpTo(writer, action), line: (seq: number) => writer.line(seq) };
  const judge: InboxJudge = {
    state: writer.state,
    crypto: writer.crypto,
    clock: writer.clock,
    add: (content) => writer.add(content),
    highWaterMs: () => writer.highWaterMs(),
    ...here,
  };
  const ingested = judgeInbox(judge, context);
  const [behind] = ingested.behind;
  if (behind !== undefined) throw behindError(behind);
  const open = writer.state.open.get(id);
  if (open === undefined) throw refusedProposal(ingested, id);
  const judgedAt = writer.now();
  judgeExecution(writer, open, judgedAt, here);
  demandFacts(writer, context, action);
  const newKeys = await acceptedKeys(writer.store, writer.crypto, writer.state.governed, action.new_keys);
  if (dryRun) {
    wipe(...newKeys.map((one) => one.secret));
    return { executed: null, ingested };
  }
  const executed = await carryOut(writer, open, { action, newKeys }, judgedAt, actor);
  dropMissing(context);
  await removeFromInbox(
    context,
    [...ingested.ingested, ...ingested.known].map((one) => one.name),
  );
  return { executed, ingested };
}

/** Attack: a signer who was removed after the backup approves under the restored set, which still has him. */
function demandChain(writer: LedgerWriter, context: StoreContext): void {
  const known = readChain(context, writer.state.ledgerId);
  const here = chainOf(writer);
  const later = known.findIndex((link, at) => here[at] === undefined || textOf(link) !== textOf(here[at]));
  if (later < 0) return;
  const [link] = known.slice(later);
  throw new RonError(
    here[later] === undefined ? 'LedgerBehind' : 'Tampered',
    `this home knows the executed proposal ${envelopeDigest(link!.proposal)}, a change of signers or keys that the restored ledger does not have`,
    {
      field: 'ledger',
      hint: 'Bring the missing lines back from a copy of the home that went on: `ronctl audit import DIR`. Without one: a new genesis with --supersedes.',
    },
  );
}

const textOf = (link: ChainLink): string => canonicalText(chainLinkJson(link));

async function carryOut(
  writer: LedgerWriter,
  open: OpenProposal,
  { action, newKeys }: { readonly action: RestoreAccept; readonly newKeys: readonly SealedPut[] },
  judgedAt: ReturnType<LedgerWriter['now']>,
  actor: string,
): Promise<ExecutionResult> {
  const { digest } = open.proposal;
  const plan = planFor(digest, action);
  const statements = tallyOf(writer.state, open).approvalDigests;
  const { governed, bases } = writer.state;
  const policy = { seq: bases.global, hash: viewHashOf(governed, 'global') };
  writer.add({ type: 'intent', body: { proposal_digest: digest, statements, judged_at: judgedAt, plan } });
  await writer.commit(actor, (ledger) =>
    writer.store.openEpoch({
      actor,
      opId: plan[0]!.op_id,
      prevCheckpoint: action.prev_checkpoint,
      accepted: { proposalDigest: digest, statements, ledger, policy, newKeys },
    }),
  );
  return (await recover(writer, actor))!;
}

function seenUpTo(writer: LedgerWriter, { prev_origin: origin, prev_checkpoint: prev }: RestoreAccept) {
  return { place: () => ({ ledgerSeq: writer.state.seq, origin, logSize: prev.size }) };
}

/** An execution that the backup holds half done: what it did is in the old log, the rest is not done any more. */
function abandonUnfinished(writer: LedgerWriter): void {
  const { executing } = writer.state;
  if (executing === null) return;
  const { intent } = executing;
  const applied = intent.plan.filter((step) => writer.store.findOperation(step.op_id) !== null).map((step) => step.n);
  const body = {
    proposal_digest: intent.proposal_digest,
    applied,
    reason: 'the store was restored before the execution was finished',
    judged_at: writer.now(),
  };
  writer.add({ type: 'failed', body });
}

function refusedProposal(ingested: IngestReport, id: string): RonError {
  const refused = ingested.refused.find((one) => one.id === id);
  if (refused !== undefined) return new RonError(refused.code, refused.message);
  return new RonError('NotFound', `there is no open proposal ${id} in this home`);
}

const isSame = (a: CheckpointRef, b: CheckpointRef): boolean =>
  a.origin === b.origin && a.size === b.size && a.root === b.root;

/** What was approved must be what lies here, and at least what this home knows. */
function demandFacts(writer: LedgerWriter, context: StoreContext, action: RestoreAccept): void {
  const { store } = writer;
  const stale = (member: string, message: string): never => {
    throw new RonError('Stale', message, {
      field: `actions[0].${member}`,
      hint: 'Propose again: ronctl governance propose --action restore-accept --rationale TEXT',
    });
  };
  if (action.prev_origin !== store.origin) stale('prev_origin', `the newest log here is ${store.origin}`);
  const { origin, size, root } = store.newestCheckpoint();
  if (!isSame(action.restored_checkpoint, { origin, size, root })) {
    stale('restored_checkpoint', `the newest checkpoint of the restored log has size ${size}`);
  }
  const { log } = homeLog(context);
  const remembered = readRemembered(context.files, context.paths.trustedLogs, createLogVerifier(log, context.crypto));
  if (remembered === null || remembered.size < action.prev_checkpoint.size) return;
  if (remembered.size > action.prev_checkpoint.size) {
    stale('prev_checkpoint', `this home remembers a checkpoint of size ${remembered.size}`);
  }
  if (toHex(remembered.root) !== action.prev_checkpoint.root) {
    throw new RonError('Tampered', `this home remembers another root at size ${remembered.size}`, { field: 'fork' });
  }
}
