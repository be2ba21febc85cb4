// One unsealing command (store page 6, X-15): open the custody store, open the ledger, finish an unfinished execution, ingest
// the inbox, hand out what the services need, close with a checkpoint. Nothing else of the command runs before the recovery.
// Refuses a store that only verifies, in a dry run too, and to write when the clock stands over 7 days beyond the newest
// entry, until that is confirmed.
// Attack: an entry of 2099 blocks governance for ever.

import type { AuditDraft } from '../../audit/draft.ts';
import { toTime } from '../../bytes/time.ts';
import { RonError } from '../../errors.ts';
import type { Moment } from '../../host.ts';
import { LIMITS } from '../../limits.ts';
import type { Judged } from '../../policy/overlay.ts';
import type { Profile } from '../../policy/profile.ts';
import { parseProfile } from '../../policy/profile.ts';
import { openCustodyStore } from '../../storage/custody-open.ts';
import { type CheckpointInfo, type CustodyStore, verifyOnlyError } from '../../storage/custody-port.ts';
import { type StoreContext, type StoreDeps, storeContext } from '../../storage/store-deps.ts';
import { listPins, writeChain, writePin } from '../../storage/trust-pin.ts';
import type { Held } from './custodian.ts';
import { chainOf, genesisOf } from './governance-chain.ts';
import { type ExecutionResult, recover } from './governance-execute.ts';
import { type IngestReport, ingest } from './governance-ingest.ts';
import { highWaterMs, LedgerWriter, momentNow } from './governance-ledger.ts';
import { acceptRestore } from './governance-restore.ts';
import { type GovernanceView, governedView, ungovernedView } from './governance-view.ts';

export interface SessionOptions {
  readonly dryRun?: boolean;
  /** The operator confirmed a clock far beyond the newest entry. */
  readonly confirmTime?: boolean;
  readonly onNotice?: (line: string) => void;
  /** Id of the restore-accept that this session executes; the only thing that is done with a restored store. */
  readonly accepts?: string;
}

export interface Session extends Held {
  /** `local:<uid>:<login>` */
  readonly actor: string;
  /** Null while ungoverned. */
  readonly ledger: LedgerWriter | null;
  /** As it is now; take it again after an append. */
  readonly governance: GovernanceView;
  now(): Moment;
  judgedNow(): Judged;
  /** Signs the log as it stands; null in a dry run. */
  checkpoint(): Promise<CheckpointInfo | null>;
  /** Writes a checkpoint where none covers everything (not in a dry run), then releases everything. */
  close(): Promise<CheckpointInfo | null>;
  /** After an error: signs what was appended before it, if the store still can, then releases everything. */
  abandon(): Promise<void>;
}

export async function openSession(deps: StoreDeps, options: SessionOptions = {}): Promise<Session> {
  const dryRun = options.dryRun === true;
  const context = await storeContext(deps);
  const store = await openCustodyStore(deps, { dryRun, acceptRestored: options.accepts !== undefined });
  try {
    return await start(deps, context, store, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Runs `use` in a session and closes it with a checkpoint, also when `use` throws (a refusal may follow an ingest). */
export async function withSession<T>(
  deps: StoreDeps,
  options: SessionOptions,
  use: (session: Session) => Promise<T>,
): Promise<{ readonly result: T; readonly checkpoint: CheckpointInfo | null }> {
  const session = await openSession(deps, options);
  let result: T;
  try {
    result = await use(session);
  } catch (error) {
    await session.abandon();
    throw error;
  }
  return { result, checkpoint: await session.close() };
}

export function actorOfHost(deps: Pick<StoreDeps, 'host'>): string {
  const { uid, login } = deps.host.env.user;
  return `local:${uid}:${login}`;
}

async function start(
  deps: StoreDeps,
  context: StoreContext,
  store: CustodyStore,
  options: SessionOptions,
): Promise<Session> {
  const { crypto, clock } = context;
  const { verifyOnly } = store;
  const accepts = verifyOnly?.code === 'RolledBack' ? options.accepts : undefined;
  if (verifyOnly !== null && (accepts === undefined || store.genesisDigest === null)) throw verifyOnlyError(verifyOnly);
  const dryRun = options.dryRun === true;
  const actor = actorOfHost(deps);
  const ledger = LedgerWriter.open(store, crypto, clock);
  if (ledger?.replayed === true)
    options.onNotice?.('ledger/state.json was missing or stale; the whole ledger was replayed');
  const profile = parseProfile(store.profile, 'profile');
  const markMs = (): number => highWaterMs(store, ledger?.state ?? null);
  // A store that only verifies records the confirmation in its new epoch.
  const confirmed: AuditDraft[] = [];
  const log = accepts === undefined ? store : recordLater(confirmed);
  await judgeClock(log, clock.now(), markMs(), { ...options, askYes: deps.askYes }, actor);
  let recovered: ExecutionResult | null = null;
  let ingested: IngestReport | null = null;
  if (ledger !== null && accepts !== undefined) {
    ({ executed: recovered, ingested } = await acceptRestore(ledger, context, accepts, actor, dryRun));
    if (confirmed.length > 0 && !dryRun) await store.append(confirmed);
    if (recovered !== null) options.onNotice?.(`the log goes on as ${store.origin}`);
  } else if (ledger !== null && !dryRun) recovered = await recover(ledger, actor);
  if (ledger !== null && accepts === undefined && ledger.state.executing === null) {
    ingested = await ingest(ledger, context, actor, dryRun);
  }
  for (const { message, name } of ingested?.behind ?? []) {
    options.onNotice?.(`inbox/${name} waits, nothing is taken in and nothing executes: ${message}`);
  }
  if (recovered !== null && accepts === undefined)
    options.onNotice?.(`finished the execution of ${recovered.id} that was interrupted`);
  if (ledger !== null && !dryRun) await keepPin(context, ledger);
  let signed: CheckpointInfo | null = null;
  const checkpoint = async (): Promise<CheckpointInfo | null> => {
    if (dryRun) return null;
    if (ledger !== null) await keepPin(context, ledger);
    if (signed === null || signed.size < store.logSize) signed = await store.checkpoint();
    return signed;
  };
  return {
    store,
    crypto,
    context,
    actor,
    ledger,
    get governance() {
      return viewOf(ledger, profile);
    },
    ingested,
    recovered,
    judgedRestore: dryRun ? (accepts ?? null) : null,
    now: () => momentNow(clock),
    judgedNow: () => ({ now: momentNow(clock), highWaterMs: markMs() }),
    demandLedger: () => demandLedger(ledger),
    checkpoint,
    close: async () => {
      try {
        return await checkpoint();
      } finally {
        await store.close();
      }
    },
    abandon: async () => {
      try {
        if (!dryRun && store.logSize > store.newestCheckpoint().size) await store.checkpoint();
      } catch {
        // The error that ended the command is the one to report; a store that failed stays as it is for the next open.
      } finally {
        await store.close();
      }
    },
  };
}

/** Ungoverned (4) when there is no genesis. */
export function demandLedger(ledger: LedgerWriter | null): LedgerWriter {
  if (ledger !== null) return ledger;
  throw new RonError('Ungoverned', 'no genesis is adopted in this home', {
    hint: 'Run `ronctl governance init --members ... --threshold N`.',
  });
}

export function viewOf(ledger: LedgerWriter | null, profile: Profile): GovernanceView {
  return ledger === null ? ungovernedView(profile) : governedView(ledger.state);
}

/** Pin and key chain of the own ledger follow from line 0 and the executions; rewritten when missing (decided here). */
export async function keepPin(context: StoreContext, ledger: LedgerWriter): Promise<void> {
  const { ledgerId } = ledger.state;
  if (!listPins(context).some((pin) => pin.ledger_id === ledgerId)) {
    await writePin(context, genesisOf(ledger), toTime(context.clock.now()));
  }
  await writeChain(context, ledgerId, chainOf(ledger));
}

/** A log that takes nothing yet: what was to be recorded is kept in `drafts`. */
export function recordLater(drafts: AuditDraft[]): Pick<CustodyStore, 'append'> {
  return {
    append: async (fresh) => {
      drafts.push(...fresh);
      return [];
    },
  };
}

export async function judgeClock(
  store: Pick<CustodyStore, 'append'>,
  nowMs: number,
  markMs: number,
  options: SessionOptions & Pick<StoreDeps, 'askYes'>,
  actor: string,
): Promise<void> {
  if (nowMs <= markMs + LIMITS.timeJumpMs) return;
  const jump = `the clock says ${toTime(nowMs)}, over 7 days after the newest entry (${toTime(markMs)})`;
  if (options.confirmTime === true || (await options.askYes?.(`${jump}. Is the clock right?`)) === true) {
    if (options.dryRun !== true)
      await store.append([{ op: 'time.confirm', actor, result: 'ok', detail: { mark: toTime(markMs) } }]);
    return;
  }
  throw new RonError('MissingAnswer', jump, {
    field: '--confirm-time',
    hint: 'Check the clock; if it is right, give --confirm-time.',
  });
}
