// `audit reconcile`: completeness of the log against governance ledger and key store, both ways, with a verdict of its own
// (log page 4.11). One pass over the records in step with the ledger; memory goes by keys and living capabilities. Reads
// without a passphrase; with --unseal the sealed manifest is compared too. Writes nothing.

import { createLogVerifier, type VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import type { AuditRecord } from '../../audit/draft.ts';
import { epochLink } from '../../audit/epoch-link.ts';
import { AUDIT_OPS } from '../../audit/ops.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import { RonError } from '../../errors.ts';
import type { PublicView } from '../../keys/public-view.ts';
import { LIMITS } from '../../limits.ts';
import { importedPaths, isImported, lostRange, provenRange } from '../../storage/audit-imported.ts';
import { epochPaths } from '../../storage/audit-paths.ts';
import { newestVerifiedCheckpoint } from '../../storage/audit-store.ts';
import { decodePublicView } from '../../storage/public-view.ts';
import type { OperationDeps } from '../deps.ts';
import { type ReconcileFinding, ReconcileFindings, type ReconcileVerdict } from './reconcile-findings.ts';
import { RecordedKeys } from './reconcile-keys.ts';
import { CommittedLedger, type RecordPlace } from './reconcile-ledger.ts';
import { compareManifest } from './reconcile-manifest.ts';
import { RecordedMints } from './reconcile-mints.ts';
import { type PlainRecord, plainOf, RecordWalk } from './reconcile-walk.ts';
import { type AuditTarget, auditTarget } from './target.ts';

export interface ReconcileRequest {
  /** What opens the store, whose sealed manifest is compared too; null = without. */
  readonly sealed: OperationDeps | null;
  /** Absolute path of the directory that archived segments lie in; null = they are not read. */
  readonly archive: string | null;
  /** Name of the server whose published files stand in the place of this home's. */
  readonly server?: string | undefined;
}

export interface ReconcileResult {
  /** The audit directory, or the server as --kms names it. */
  readonly target: string;
  readonly verdict: ReconcileVerdict;
  readonly trust: 'pinned' | 'local' | 'none';
  /** True with --unseal: the sealed manifest was compared. */
  readonly unsealed: boolean;
  readonly epochs: readonly {
    readonly epoch: number;
    readonly origin: string;
    readonly records: number;
    /** Records under the newest checkpoint. */
    readonly covered: number;
  }[];
  readonly counts: {
    readonly records: number;
    readonly ledger_lines: number;
    readonly executed: number;
    readonly effects: number;
    readonly tunes: number;
    readonly keys: number;
    readonly mints: number;
  };
  readonly findings: readonly ReconcileFinding[];
  /** All, of which at most 100 are listed. */
  readonly findings_total: number;
}

interface EpochRun extends RecordPlace {
  readonly walk: RecordWalk;
  readonly checkpoint: VerifiedCheckpoint | null;
}

const PROGRESS_RECORDS = 16_384;
/** public.json and a log that grows are read until they are of one moment. */
const ATTEMPTS = 20;

class Reconciliation {
  readonly findings = new ReconcileFindings();
  readonly keys: RecordedKeys;
  readonly mints: RecordedMints;
  readonly ledger: CommittedLedger;
  readonly #target: AuditTarget;
  readonly #archived: { epoch: number; from: number; to: number }[] = [];
  #generation = 0;
  /** Digest of public.json in the newest record that names one. */
  publicSha256: string | null = null;

  constructor(target: AuditTarget) {
    this.#target = target;
    this.keys = new RecordedKeys(this.findings);
    this.mints = new RecordedMints(this.findings);
    const { files, crypto, paths } = target;
    this.ledger = new CommittedLedger({ files, crypto, ledgerDir: paths.ledger, findings: this.findings });
  }

  get generation(): number {
    return this.#generation;
  }

  /** Every record, of whatever kind. */
  plain(record: PlainRecord, place: RecordPlace, seq: number): void {
    const { op, actor, kid } = record;
    if (kid !== undefined && op !== 'create') this.keys.used(kid, op, place.epoch, seq);
    if (actor.startsWith('cap:') && op !== 'reject') this.mints.acted(actor.slice('cap:'.length), place.epoch, seq);
  }

  full(record: AuditRecord, place: RecordPlace): void {
    this.plain(plainOf(record), place, record.seq);
    const ok = record.result === 'ok';
    this.#heads(record, place, ok);
    const { op } = record;
    if (op === 'governance.failed') this.ledger.failure(record, place);
    if (!ok) return;
    if (op === 'genesis.adopt') this.ledger.adopted(record, place);
    else if (op === 'ledger.append') this.ledger.appended(record, place);
    else if (op === 'tune') this.ledger.tuned(record, place);
    else if (op === 'rollback') this.ledger.rolledBack(record, place);
    else if (op === 'mint') this.mints.minted(record, place.epoch, this.ledger.policy);
    else if (op === 'revoke') this.mints.revoked(record);
    else if (op === 'cap.rotate') this.mints.rotated(record);
    else if (op === 'archive') this.#archive(record, place);
    else if (op === 'create' || op === 'rotate') this.keys.take(record, place.epoch, null);
    else if (op === 'epoch.open') this.#lost(record, place);
    if (isGoverned(record)) {
      const action = this.ledger.effect(record, place);
      if (op === 'retire' || op === 'compromised') this.keys.take(record, place.epoch, action);
    }
  }

  #archive(record: AuditRecord, { epoch }: RecordPlace): void {
    const { from, to } = record.detail as { from: number; to: number };
    this.#archived.push({ epoch, from, to });
  }

  #lost(record: AuditRecord, { epoch }: RecordPlace): void {
    const lost = lostRange(epochLink(record));
    if (lost === null) return;
    const before = { epoch: epoch - 1, origin: epochLink(record)!.prev_origin };
    const at = { epoch: before.epoch, index: lost.from };
    const what = `records ${lost.from} to ${lost.to - 1} of epoch ${before.epoch} were lost to a restore`;
    const { files } = this.#target;
    const paths = this.#target.epochPaths(before.epoch);
    if (!isImported(files, paths)) {
      this.findings.dataElsewhere();
      this.findings.add('lost-range', what, at);
      return;
    }
    try {
      for (const one of provenRange(files, importedPaths(paths), lost)) {
        if (!('newer' in one.record)) this.#foundAgain(one.record, before);
      }
      this.findings.add('lost-imported', `${what}, and are imported`, at);
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      this.findings.add('missing-records', `the imported range: ${error.message}`, at);
    }
  }

  /** What it did to the store is lost; what it did to ledger and capabilities is not. */
  #foundAgain(record: AuditRecord, place: RecordPlace): void {
    if (record.result !== 'ok') return;
    if (record.op === 'mint') this.mints.minted(record, place.epoch, this.ledger.policy);
    else if (isGoverned(record)) this.ledger.foundAgain(record, place);
  }

  #heads({ seq, op, generation, public_sha256: sha256 }: AuditRecord, { epoch }: RecordPlace, ok: boolean): void {
    this.publicSha256 = sha256 ?? this.publicSha256;
    if (generation === undefined) return;
    const last = this.#generation;
    this.#generation = generation;
    const raised = AUDIT_OPS[op].mutation && ok;
    const fits = op === 'epoch.open' ? generation > last : generation === (raised ? last + 1 : last);
    if (fits || last < 0) return;
    this.findings.add('generation-hole', `generation ${generation} follows ${last}`, { epoch, index: seq });
  }

  /** Ranges that are not here: archived ones are elsewhere, others are missing. */
  absent({ epoch, walk }: EpochRun): void {
    for (const { from, to } of walk.missing) {
      const at = { epoch, index: from };
      if (this.#archived.some((one) => one.epoch === epoch && one.from <= from && to <= one.to)) {
        this.findings.dataElsewhere();
        this.findings.add('archived', `records ${from} to ${to - 1} are archived`, at);
      } else this.findings.add('missing-records', `records ${from} to ${to - 1} are missing`, at);
    }
  }

  /** After a gap the next generation is taken as it comes. */
  gap(): void {
    this.#generation = -1;
  }
}

const isGoverned = ({ op, op_id: opId, detail }: AuditRecord): boolean =>
  op !== 'governance.failed' && op !== 'rollback' && (detail?.['proposal_digest'] !== undefined || opId[14] === '8');

function readRecords(run: Reconciliation, epoch: EpochRun, onRecord: () => void): void {
  const { walk } = epoch;
  let gaps = walk.missing.length;
  for (const record of walk.read(epoch.checkpoint?.size ?? 0)) {
    if (walk.missing.length > gaps) {
      gaps = walk.missing.length;
      run.gap();
    }
    const at = { epoch: epoch.epoch, index: record.seq };
    if ('error' in record) run.findings.add('record-invalid', record.error, at);
    else if ('plain' in record) run.plain(record.plain, epoch, record.seq);
    else if (!('newer' in record.full)) run.full(record.full, epoch);
    else run.findings.add('newer-format', `${record.full.op} is of a newer ronctl`, at);
    onRecord();
  }
}

/** The newest checkpoint of an epoch; what is wrong with it is a finding. */
function checkpointOf(target: AuditTarget, epoch: number, findings: ReconcileFindings): VerifiedCheckpoint | null {
  const log = target.trusted(epoch);
  if (log === null) {
    findings.add('no-trusted-key', `no trusted key is known here for epoch ${epoch}`, { epoch });
    return null;
  }
  try {
    const verifier = createLogVerifier(log, target.crypto);
    const found = newestVerifiedCheckpoint(target.files, target.epochPaths(epoch), verifier);
    if (found === null) findings.add('no-checkpoint', 'nothing vouches for these records', { epoch });
    return found;
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    findings.add('checkpoint-invalid', error.message, { epoch });
    return null;
  }
}

function judgeRoot({ epoch, walk, checkpoint }: EpochRun, findings: ReconcileFindings): void {
  if (checkpoint === null || walk.missing.length > 0) return;
  const root = walk.root(checkpoint.size);
  if (root !== undefined && equalBytes(root, checkpoint.root)) return;
  const message = `the ${checkpoint.size} records do not have the signed root; \`ronctl audit verify\` says where`;
  findings.add('root-mismatch', message, { epoch });
}

/** Reads public.json when it is the one that the newest record names; reads on while a writer is at work. */
async function readView(
  deps: Pick<OperationDeps, 'host'>,
  target: AuditTarget,
  run: Reconciliation,
  newest: EpochRun,
): Promise<PublicView | null> {
  const file = 'store/public.json';
  for (let attempt = 0; ; attempt++) {
    const bytes = target.files.read(target.paths.publicView, LIMITS.stateFileBytes);
    if (bytes !== null && sha256Hex(bytes) === run.publicSha256) return decodePublicView(bytes, file);
    const before = newest.walk.records;
    readRecords(run, newest, () => undefined);
    if (newest.walk.records > before && attempt < ATTEMPTS) continue;
    // A writer renames public.json a moment after its record.
    if (attempt < 3) {
      await deps.host.clock.sleep(20);
      continue;
    }
    if (bytes === null) {
      run.findings.add('view-missing', 'public.json is missing', { file });
      return null;
    }
    run.findings.add('view-different', 'public.json is not the one that the newest record names', { file });
    try {
      return decodePublicView(bytes, file);
    } catch (error) {
      if (error instanceof RonError) return null;
      throw error;
    }
  }
}

/** Throws only for what cannot be read at all; everything found is in the result. */
export async function auditReconcile(request: ReconcileRequest, deps: OperationDeps): Promise<ReconcileResult> {
  const target = await auditTarget(deps, null);
  const run = new Reconciliation(target);
  const { findings } = run;
  const runs: EpochRun[] = [];
  const listed = target.file?.epochs ?? [];
  if (listed.length === 0)
    findings.add('log-missing', 'audit/log.json is missing or cannot be read', { file: 'audit' });
  if (target.foreign !== null) findings.add('log-missing', `the log of store ${target.foreign} is missing`);
  let records = 0;
  const report = (): void => {
    if (++records % PROGRESS_RECORDS === 0) deps.onProgress({ phase: 'reconcile', done: records, unit: 'records' });
  };
  const { archive } = request;
  const archived = (n: number) => (archive === null ? null : epochPaths(archive, n));
  for (const { n, origin } of listed) {
    const checkpoint = checkpointOf(target, n, findings);
    const sizes = checkpoint === null ? [] : [checkpoint.size];
    const walk = new RecordWalk(target.files, target.epochPaths(n), sizes, archived(n));
    const epoch: EpochRun = { epoch: n, origin, walk, checkpoint };
    runs.push(epoch);
    readRecords(run, epoch, report);
    judgeRoot(epoch, findings);
    await deps.host.clock.sleep(0);
  }
  const newest = runs.at(-1);
  const view = newest === undefined ? null : await readView(deps, target, run, newest);
  for (const one of runs) run.absent(one);
  if (view !== null) {
    run.keys.compare(view);
    run.ledger.compare(view);
    if (run.generation >= 0 && view.generation !== run.generation) {
      const message = `public.json is of generation ${view.generation}, the newest record of ${run.generation}`;
      findings.add('generation-hole', message, { file: 'store/public.json' });
    }
    if (request.sealed !== null) await compareManifest(request.sealed, view, findings);
  }
  const log = newest === undefined ? null : target.trusted(newest.epoch);
  const { lines, executed, effects, tunes } = run.ledger.counts;
  return {
    target: request.server ?? target.auditDir,
    verdict: findings.verdict,
    trust: log === null || log.trust === 'claimed' ? 'none' : log.trust,
    unsealed: request.sealed !== null && view !== null,
    epochs: runs.map(({ epoch, origin, walk, checkpoint }) => ({
      epoch,
      origin,
      records: walk.records,
      covered: checkpoint?.size ?? 0,
    })),
    counts: {
      records: runs.reduce((sum, one) => sum + one.walk.records, 0),
      ledger_lines: lines,
      executed,
      effects,
      tunes,
      keys: run.keys.size,
      mints: run.mints.count,
    },
    findings: findings.listed(),
    findings_total: findings.total,
  };
}

/** The error of a verdict that is not `complete`; it decides the exit code. */
export function reconcileError(result: ReconcileResult): RonError | undefined {
  const first = result.findings[0];
  if (result.verdict === 'complete' || first === undefined) return undefined;
  const where = first.index === undefined ? '' : `record ${first.index}: `;
  const message = `${result.verdict}: ${where}${first.code}: ${first.message}`;
  if (result.verdict === 'unexplained') return new RonError('Tampered', message, { field: first.code });
  return new RonError(first.code === 'no-trusted-key' ? 'NoTrustedKey' : 'Inconclusive', message, {
    field: first.code,
  });
}
