// The next epoch of the log of a restored store (log page 4.7, R-08). What is written, in this order: the rest of a commit
// that the backup holds half done; audit/e<N+1>/ (whatever an earlier attempt left there goes); ledger lines, public.next,
// manifest.next; the records `epoch.open` and `ledger.append` of the new epoch; log.json, whose replacement is the commit
// point; the renames; home.json without its mark. Until log.json names the epoch the store is the restored one as before;
// from then on an open finishes the rest. Nothing is appended or signed under the origin before.
// The generation is above all that the lost records can have had: each raises it by one at most.

import { countersDigest, countersFile, type KidCounters, kidWithoutVersion, parseCounters } from '../audit/counters.ts';
import type { AuditDraft, AuditRecord } from '../audit/draft.ts';
import type { JsonObject } from '../bytes/canonical-json.ts';
import { toTime } from '../bytes/time.ts';
import { fail, RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type AuditAppender, createEpoch } from './audit-appender.ts';
import { endOfRecords, recordsBackwards } from './audit-lines.ts';
import { logFileBytes, requireLogFile } from './audit-log-file.ts';
import { type EpochPaths, epochPaths, logFilePath } from './audit-paths.ts';
import { cutTail } from './audit-recovery.ts';
import { logHead, nextPublic, prepareMutation, supersededFiles } from './custody-change.ts';
import { destroyLogKeys, headKey, importLogKeys, type LogKeySet } from './custody-keys.ts';
import type { EpochOpening, Mutation, SealedPut } from './custody-port.ts';
import type { CustodyPaths, CustodyState } from './custody-state.ts';
import { removeFilesNow, removeTree, renameFilesNow, writeFile, writeFiles } from './durable-file.ts';
import { readHome, writeHome } from './home.ts';
import { appendLedgerLines, cutLedger } from './ledger-segments.ts';
import { dropStaged } from './staged-keys.ts';
import type { StoreContext } from './store-deps.ts';

export interface OpenedEpoch {
  readonly state: CustodyState;
  readonly appender: AuditAppender;
  /** `epoch.open`. */
  readonly record: AuditRecord;
}

/** home.json of a store whose new epoch is open is no longer that of a restored one. */
export async function clearRestored(ctx: StoreContext): Promise<void> {
  const home = readHome(ctx.files, ctx.paths);
  if (home?.restored === undefined) return;
  const { restored: _restored, ...rest } = home;
  await writeHome(ctx, ctx.paths, rest);
}

/** The counters behind the last record: counters.json at the newest record that names its digest, and what came after. */
export function countersAt(files: Files, paths: EpochPaths, size: number, firstEpoch: boolean): KidCounters {
  const file = files.read(paths.counters, LIMITS.stateFileBytes);
  const newest = new Map<string, number>();
  for (const record of recordsBackwards(files, paths, size)) {
    if ((record.op === 'state' || record.op === 'epoch.open') && file !== null) {
      if (countersDigest(file) === record.detail?.['counters']) return new Map([...parseCounters(file), ...newest]);
    }
    const kid = record.kid === undefined ? null : kidWithoutVersion(record.kid);
    if (kid !== null && !newest.has(kid)) newest.set(kid, record.kid_seq!);
  }
  if (firstEpoch) return newest;
  return fail('Tampered', `${paths.counters} does not have the digest of any state record`, { field: 'counter' });
}

/** Throws Stale for a checkpoint that is not the newest known one's; storage errors end the store. */
export async function openNextEpoch(
  ctx: StoreContext,
  paths: CustodyPaths,
  state: CustodyState,
  opening: EpochOpening,
): Promise<OpenedEpoch> {
  const { files } = ctx;
  const log = requireLogFile(files, paths.audit);
  const before = log.epochs.at(-1)!;
  const { checkpoint: restored, scannedSize } = state;
  const { prevCheckpoint: prev, accepted } = opening;
  if (restored === null) throw new RonError('NotAuthenticated', 'no checkpoint covers the restored log');
  if (prev.origin !== before.origin || prev.size < restored.size) {
    throw new RonError('Stale', `the checkpoint before is not one of ${before.origin} from size ${restored.size} on`, {
      field: 'prev_checkpoint',
    });
  }
  const n = before.n + 1;
  const counters = countersAt(files, state.epoch, scannedSize, before.n === 0);
  await cutTail(files, state.epoch, endOfRecords(files, state.epoch, scannedSize));
  await cutLedger(files, paths.ledger, state.ledgerEnd);
  const fresh = epochPaths(paths.audit, n);
  removeTree(files, fresh.directory);
  const logKeys = await newLogKeys(ctx, accepted?.newKeys ?? []);
  const keys = logKeys ?? state.logKeys;
  const { writer, listed } = await createEpoch(ctx, {
    auditDir: paths.audit,
    storeId: state.storeId,
    base: log.base,
    epoch: n,
    counters,
    logKeys: keys.current,
    headKey: headKey(state.rootKey),
  });
  try {
    const place = {
      epoch: n,
      seq: 0,
      generation: state.manifest.generation + (prev.size - restored.size) + 1,
      ts: toTime(ctx.clock.now()),
    };
    const detail: JsonObject = {
      prev_origin: before.origin,
      prev_checkpoint: { ...prev },
      restored_checkpoint: { origin: restored.origin, size: restored.size, root: restored.root },
      lost: prev.size === restored.size ? null : { from: restored.size, to: prev.size },
      counters: countersDigest(countersFile(counters)),
      ...(accepted === null
        ? { governed: false }
        : { proposal_digest: accepted.proposalDigest, statements: accepted.statements }),
    };
    const audit: AuditDraft = {
      op: 'epoch.open',
      ...(opening.opId === undefined ? {} : { op_id: opening.opId }),
      actor: opening.actor,
      result: 'ok',
      detail,
    };
    const mutation: Mutation = { audit, ...(accepted === null ? {} : committed(accepted)) };
    const next = nextPublic(mutation, place, state.view);
    const change = await prepareMutation(ctx, paths, state, {
      mutation,
      place,
      rootKey: state.rootKey,
      view: next.view,
      audit: logHead(writer),
    });
    let { ledgerEnd } = state;
    if (accepted !== null) {
      ledgerEnd = await appendLedgerLines(files, paths.ledger, ledgerEnd, accepted.ledger.lines);
      await writeFiles(ctx, [{ path: paths.ledgerStateNext, bytes: accepted.ledger.state }]);
    }
    await writeFiles(ctx, [{ path: paths.publicNext, bytes: next.bytes }, ...change.writes]);
    state.hold.check();
    const heads = {
      generation: place.generation,
      manifest_sha256: change.manifestSha256,
      public_sha256: next.sha256,
    };
    const [record] = await writer.append([{ ...audit, ...heads }, ...ledgerAppend(opening, next.sha256)], place.ts);
    await writeFile(ctx, logFilePath(paths.audit), logFileBytes({ ...log, epochs: [...log.epochs, listed] }));
    renameFilesNow(files, [
      { from: paths.publicNext, to: paths.publicView },
      ...(accepted === null ? [] : [{ from: paths.ledgerStateNext, to: paths.ledgerState }]),
      { from: paths.manifestNext, to: paths.manifest },
    ]);
    removeFilesNow(files, supersededFiles(paths, state.manifest, change.manifest));
    await clearRestored(ctx);
    dropStaged(files, paths);
    if (logKeys !== null) destroyLogKeys(state.logKeys);
    const opened: CustodyState = {
      ...state,
      epoch: fresh,
      origin: listed.origin,
      appender: writer,
      scannedSize: writer.size,
      checkpoint: null,
      manifest: change.manifest,
      view: next.view,
      publicSha256: next.sha256,
      ledgerEnd,
      logKeys: keys,
      verifyOnly: null,
    };
    return { state: opened, appender: writer, record: record! };
  } catch (error) {
    writer.close();
    if (logKeys !== null) destroyLogKeys(logKeys);
    throw error;
  }
}

function committed({
  ledger,
  newKeys,
  policy,
}: NonNullable<EpochOpening['accepted']>): Pick<Mutation, 'ledger' | 'publicView' | 'puts'> {
  return { ledger, puts: newKeys, publicView: (current) => ({ ...current, policy }) };
}

/** Null when the pair of the restored store goes on. */
async function newLogKeys(ctx: StoreContext, newKeys: readonly SealedPut[]): Promise<LogKeySet | null> {
  const put = newKeys.find(({ id }) => id === 'log-keys');
  return put === undefined ? null : importLogKeys(ctx.crypto, put);
}

/** The lines that the mutation brings stand under a record of their own, as every batch does. */
function ledgerAppend({ accepted, actor }: EpochOpening, publicSha256: string): AuditDraft[] {
  if (accepted === null) return [];
  const { ledgerId, head } = accepted.ledger;
  const detail: JsonObject = { ledger_id: ledgerId, ...head };
  return [{ op: 'ledger.append', actor, result: 'ok', public_sha256: publicSha256, detail }];
}
