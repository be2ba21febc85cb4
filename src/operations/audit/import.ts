// `audit import DIR` (log page 4.9): judges an export, or a copy of a home, like `audit verify`, under a trusted checkpoint. A
// range that this home's own log lost in a restore is kept read-only beside it, for verify and look-ups. Nothing is appended.
// Refuses what is tampered with (10), what no trusted key vouches for (11), and an export that does not hold the lost range.

import { createLogVerifier } from '../../audit/checkpoint.ts';
import { fromUtf8 } from '../../bytes/text.ts';
import { RonError } from '../../errors.ts';
import { formatHeadProof } from '../../kms/service/head-proof.ts';
import { firstKept, importRange, isImported, type LostRange, lostRange } from '../../storage/audit-imported.ts';
import { epochPaths } from '../../storage/audit-paths.ts';
import { knownRecord, newestVerifiedCheckpoint, provenRecord } from '../../storage/audit-store.ts';
import { holdHome } from '../../storage/holder.ts';
import { homePaths, readHome } from '../../storage/home.ts';
import { ledgerLineRef, ledgerLines } from '../../storage/ledger-segments.ts';
import { keepMissing, type MissingLedger } from '../../storage/missing-ledger.ts';
import { readPublicView } from '../../storage/public-reader.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { readLinks } from './epochs.ts';
import { type AuditTarget, auditTarget } from './target.ts';
import { auditVerify } from './verify.ts';
import { type AuditVerifyResult, verdictError } from './verify-result.ts';

export interface AuditImportResult {
  readonly dry_run: boolean;
  readonly from: string;
  readonly kind: AuditVerifyResult['kind'];
  readonly trust: AuditVerifyResult['trust'];
  readonly epochs: readonly { readonly epoch: number; readonly origin: string; readonly size: number | null }[];
  /** Lost ranges of the own log that are now in audit/e<N>/imported/. */
  readonly kept: readonly {
    readonly epoch: number;
    readonly from: number;
    /** Behind the last. */
    readonly to: number;
    /** False when it was there already. */
    readonly fresh: boolean;
  }[];
  /** Ledger lines that the restored home lacked; they are committed with the acceptance. */
  readonly ledger: { readonly from: number; readonly to: number } | null;
  /** This home now remembers the newest checkpoint of it. */
  readonly remembered: boolean;
}

/** What may be open about an export without anything being wrong with what is in it. */
const HARMLESS: readonly string[] = ['declared-gap', 'older-copy', 'epoch-unproven', 'archived'];

function demandSound(result: AuditVerifyResult): void {
  const other = result.findings.find((one) => !HARMLESS.includes(one.code));
  if (result.verdict === 'consistent' || (result.verdict === 'inconclusive' && other === undefined)) return;
  throw verdictError(result) ?? new RonError('Inconclusive', 'the export could not be judged');
}

/** Lost ranges of the own log, by epoch; none while the store was never restored. */
function lostHere(own: AuditTarget): Map<number, { readonly origin: string; readonly range: LostRange }> {
  const links = readLinks(own);
  const out = new Map<number, { origin: string; range: LostRange }>();
  for (const { n, origin } of own.file?.epochs ?? []) {
    const next = links.get(n + 1);
    const range = next?.state === 'accepted' ? lostRange(next.link) : null;
    if (range !== null) out.set(n, { origin, range });
  }
  return out;
}

function demandWhole(given: AuditTarget, size: number, range: LostRange): void {
  const first = firstKept(range);
  const gap = given.manifest?.gaps.find((one) => one.from < range.to && one.to > first);
  if (gap === undefined && size >= range.to) return;
  const why =
    gap === undefined ? `it ends at record ${size}` : `records ${gap.from} to ${gap.to - 1} are left out of it`;
  throw new RonError('Conflict', `the export does not hold the lost records ${range.from} to ${range.to - 1}: ${why}`, {
    field: 'DIR',
    hint: `Export from record ${first} on: whole segments are kept.`,
  });
}

/**
 * Lines of the ledger of a copy that went on, behind those of this restored home: proved by the newest `manifest` record of
 * the copy's log, which is the log that was restored here. Null when nothing is missing.
 */
function missingLedger(ctx: StoreContext, given: AuditTarget, copy: string): MissingLedger | null {
  const { view, home, behind } = readPublicView(ctx, { mayBeOld: true });
  if (behind === null && readHome(ctx.files, ctx.paths)?.restored === undefined) return null;
  const epoch = given.file?.epochs.find((one) => one.origin === home.log.origin);
  const log = epoch === undefined ? null : given.trusted(epoch.n);
  if (view.ledger === null || epoch === undefined || log === null) return null;
  const paths = given.epochPaths(epoch.n);
  const checkpoint = newestVerifiedCheckpoint(given.files, paths, createLogVerifier(log, given.crypto));
  if (checkpoint === null) return null;
  const proven = provenRecord(given.files, paths, checkpoint, checkpoint.size - 1);
  const stated = knownRecord(proven.record).detail?.['ledger'] as { seq: number; hash: string } | null | undefined;
  if (stated === null || stated === undefined || stated.seq <= view.ledger.seq) return null;
  const lines = [...ledgerLines(given.files, homePaths(copy).ledger, view.ledger.seq + 1, stated.seq + 1)];
  if (ledgerLineRef(lines.at(-1)!).hash !== stated.hash) {
    throw new RonError('Tampered', `line ${stated.seq} of the ledger is not the one that its log names`, {
      field: 'ledger',
    });
  }
  const text = fromUtf8(proven.line)!;
  const tlogProof = formatHeadProof(checkpoint.size - 1, proven.proof, checkpoint.note);
  return { head: { ...stated, record: text, tlog_proof: tlogProof }, lines };
}

export async function auditImport(
  request: { /** Absolute. */ readonly target: string },
  deps: OperationDeps,
): Promise<AuditImportResult> {
  const { dryRun, onProgress } = deps;
  const given = await auditTarget(deps, request.target);
  if (given.kind !== 'export' && given.kind !== 'copy') {
    throw new RonError('Unsupported', `${request.target}: a native export or a copy of a home is expected`, {
      field: 'DIR',
      hint: 'Make one with `ronctl audit export --out DIR`; judge others with `ronctl audit verify`.',
    });
  }
  const result = await auditVerify({ target: request.target, fast: false, headKeys: null }, deps);
  demandSound(result);
  const ctx = await storeContext(deps);
  const own = ctx.files.info(ctx.paths.audit) === null ? null : await auditTarget(deps, null);
  const lost = own === null ? new Map<number, never>() : lostHere(own);
  const kept: AuditImportResult['kept'][number][] = [];
  let ledger: AuditImportResult['ledger'] = null;
  const missing = given.kind === 'copy' && own !== null ? missingLedger(ctx, given, request.target) : null;
  const hold = (lost.size === 0 && missing === null) || dryRun ? null : await holdHome(deps, ctx, 'cli');
  try {
    if (missing !== null) {
      ledger = { from: missing.head.seq - missing.lines.length + 1, to: missing.head.seq + 1 };
      if (!dryRun) await keepMissing(ctx, missing);
    }
    for (const epoch of result.epochs) {
      const mine = lost.get(epoch.epoch);
      if (mine === undefined || mine.origin !== epoch.origin) continue;
      const paths = epochPaths(ctx.paths.audit, epoch.epoch);
      const { from, to } = mine.range;
      demandWhole(given, epoch.checkpoint?.size ?? 0, mine.range);
      const fresh = !isImported(ctx.files, paths);
      if (fresh && !dryRun) {
        const files = { files: ctx.files, source: given.files, onProgress };
        await importRange(files, given.epochPaths(epoch.epoch), paths, mine.range);
      }
      kept.push({ epoch: epoch.epoch, from, to, fresh });
    }
  } finally {
    hold?.release();
  }
  return {
    dry_run: dryRun,
    from: request.target,
    kind: result.kind,
    trust: result.trust,
    epochs: result.epochs.map(({ epoch, origin, checkpoint }) => ({ epoch, origin, size: checkpoint?.size ?? null })),
    kept,
    ledger,
    remembered: result.remembered,
  };
}
