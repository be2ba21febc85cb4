// `audit verify` of one epoch on disk (log page 4.8): reads the checkpoint files first, then scans the segments, in worker
// threads when there is much to read, and leaves the judging to audit/verify.ts. Takes no lock, writes nothing.

import type { CheckpointBody, LogVerifier, VerifiedCheckpoint } from '../audit/checkpoint.ts';
import type { KidCounters } from '../audit/counters.ts';
import { Findings } from '../audit/findings.ts';
import { currentHead, HEAD_FILE_BYTES } from '../audit/head.ts';
import { emptyRoot } from '../audit/leaf.ts';
import type { SegmentReport } from '../audit/scan.ts';
import { type EpochVerdict, judgeEpoch, type KnownCheckpoint } from '../audit/verify.ts';
import type { Clock, Files, OnProgress, Workers } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { archivedElsewhere, archivedReport } from './audit-archived.ts';
import { readLadder } from './audit-ladder.ts';
import { type EpochPaths, segmentNumber } from './audit-paths.ts';
import { type KeptReport, type ProgressDeps, VerifyProgress } from './audit-progress.ts';
import { type ScanRequest, scanSegments, type Unchanged } from './audit-scan.ts';
import { scanBase } from './audit-scan-base.ts';
import { checkCounters, checkHead, checkHints, checkState, checkUpperTiles, located } from './audit-verify-files.ts';

const N = LIMITS.auditSegmentRecords;
/** Below this a worker thread costs more than it saves. */
const WORKER_BYTES = 24 * 1024 * 1024;
/** Below this a log is read again sooner than it is worth to keep what was done. */
export const RESUME_BYTES = 1024 * 1024 * 1024;

export interface VerifyDeps {
  readonly files: Files;
  readonly clock: Clock;
  readonly workers: Workers;
  readonly onProgress: OnProgress;
  /** Where what is done of a log of at least `fromBytes` is kept, so that an interrupted run goes on; null = nowhere. */
  readonly resume?:
    | (Omit<ProgressDeps, 'key'> & {
        readonly fromBytes: number;
        /** Null where this session has none: then nothing is kept. */
        readonly key: () => Promise<Uint8Array | null>;
      })
    | null;
}

export interface VerifyEpoch {
  readonly epoch: number;
  readonly paths: EpochPaths;
  readonly verifier: LogVerifier;
  readonly remembered: VerifiedCheckpoint | null;
  /** Directory of the archived segments of this epoch, or null: what was archived is then not read. */
  readonly archive: string | null;
  /** Kid counters where it begins; null = not known. Epoch 0 begins with none. */
  readonly initial: KidCounters | null;
  /** Up to which size the end of this epoch was accepted as lost; 0 = nothing. */
  readonly lostUpTo: number;
  /** What witnesses cosigned, to be compared with the records by the caller; null = nothing. */
  readonly witnessed?: VerifiedCheckpoint | null;
  /** A checkpoint that somebody kept elsewhere, which the log must contain. */
  readonly anchor: VerifiedCheckpoint | null;
  /** Reads only what follows this checkpoint: the tree before it comes from the tiles, whose root must be its own. */
  readonly from: VerifiedCheckpoint | null;
  /** False for a bare copy of an audit directory. */
  readonly live: boolean;
  readonly semantic: boolean;
  /** Head keys of the unsealed store (`--unseal`), or null. */
  readonly headKeys: readonly Uint8Array[] | null;
  /** A tlog-tiles directory: entry bundles, one note, no counters.json. `files` shows its segments. */
  readonly bundles?: boolean;
}

export interface EpochReport extends Omit<EpochVerdict, 'chain' | 'roots'> {
  readonly checkpoints: number;
  /** All of them that verified, by rising size. */
  readonly ladder: readonly CheckpointBody[];
  readonly newest: VerifiedCheckpoint | null;
  readonly bytes: number;
  /** Segments whose report an interrupted run had made already, and whose bytes are the same still. */
  readonly resumed?: number;
  /** Kid counters behind the last record; null when they are not all known. */
  readonly kids: KidCounters | null;
  /** Of the last record that names one; null without the semantic pass. */
  readonly generation: number | null;
  /** Of the records here, at the size that witnesses cosigned; null when fewer are here, or nothing was. */
  readonly witnessedRoot: Uint8Array | null;
}

interface SegmentFile {
  readonly number: number;
  readonly bytes: number;
}

const sizeOf = (segments: readonly SegmentFile[]): number => segments.reduce((sum, one) => sum + one.bytes, 0);

/** Whoever is free takes the next segment; results in any order. */
async function scanAll(
  deps: VerifyDeps,
  request: Omit<ScanRequest, 'segments' | 'begun'>,
  segments: readonly SegmentFile[],
  progress: VerifyProgress | null,
): Promise<SegmentReport[]> {
  const total = sizeOf(segments);
  const bytes = new Map(segments.map((one) => [one.number, one.bytes]));
  const kept = new Map<number, KeptReport>();
  for (const { number } of progress === null ? [] : segments) {
    const one = progress!.read(number);
    if (one !== null) kept.set(number, one);
  }
  const shared: ScanRequest = {
    ...request,
    segments: segments.map((one) => one.number),
    begun: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
    digests: progress !== null,
    kept: new Map([...kept].map(([number, { digest }]) => [number, digest])),
  };
  const reports: SegmentReport[] = [];
  let done = 0;
  const report = (): void => deps.onProgress({ phase: 'verify', done, total, unit: 'bytes' });
  const take = async (found: SegmentReport | Unchanged): Promise<void> => {
    const one = 'unchanged' in found ? { ...kept.get(found.number)!.report, resumed: true } : found;
    kept.delete(one.number);
    reports.push(one);
    await progress?.keep(one);
    done += bytes.get(one.number) ?? 0;
    report();
  };
  report();
  const arrived: (SegmentReport | Unchanged)[] = [];
  const takeArrived = async (): Promise<void> => {
    for (let one = arrived.shift(); one !== undefined; one = arrived.shift()) await take(one);
  };
  const threads = total < WORKER_BYTES ? 0 : Math.min(deps.workers.parallelism, segments.length) - 1;
  const others = Array.from({ length: threads }, () =>
    deps.workers.run('audit.scan', shared, (part) => arrived.push(part as SegmentReport | Unchanged)),
  );
  // This thread scans too, and looks after the others, and signals, between two segments.
  const own = async (): Promise<void> => {
    for (const one of scanSegments(deps.files, shared)) {
      await take(one);
      await deps.clock.sleep(0);
      await takeArrived();
    }
  };
  await Promise.all([...others, own()]);
  await takeArrived();
  return reports;
}

/** Verifies one epoch; finds everything it can and throws only for an unreadable disk or a bug. */
export async function verifyEpoch(deps: VerifyDeps, request: VerifyEpoch): Promise<EpochReport> {
  const { files } = deps;
  const { paths, remembered, anchor, from } = request;
  const findings = new Findings();
  let isSeeded = request.epoch === 0 || request.initial !== null;
  const headFile = request.headKeys === null ? null : files.read(paths.head, HEAD_FILE_BYTES);
  const head = headFile === null ? null : currentHead(headFile, request.headKeys!, request.verifier.log.origin);
  const here = files
    .list(paths.segments)
    .map(segmentNumber)
    .filter((number) => number !== null)
    .map((number) => ({ number, bytes: files.info(paths.segment(number))?.sizeBytes ?? 0 }));
  // Threads start while this one verifies the checkpoints.
  if (from === null && sizeOf(here) >= WORKER_BYTES) deps.workers.prepare('audit.scan');
  const checkpoints = readLadder(request, files, deps.clock, findings);
  const newest = checkpoints.at(-1) ?? null;
  const covered = newest?.size ?? 0;
  const known: KnownCheckpoint[] = [];
  if (remembered !== null) known.push({ by: 'remembered', checkpoint: remembered });
  if (anchor !== null) known.push({ by: 'anchor', checkpoint: anchor });
  const compared = [...known.map((one) => one.checkpoint), ...(request.witnessed == null ? [] : [request.witnessed])];
  const base = from === null ? null : scanBase(files, paths, { from, newest, known: compared });
  if (base !== null && 'finding' in base) {
    findings.list.push(base.finding);
    const read = { records: covered, covered, rootsMatch: false, tornBytes: 0, uncounted: 0, bytes: 0 };
    const forked = base.finding.code === 'fork' ? from : null;
    const unknown = { ladder: checkpoints, kids: null, generation: null, witnessedRoot: null };
    return { ...read, ...unknown, findings: findings.list, checkpoints: checkpoints.length, newest, forked };
  }
  const start = base?.start ?? 0;
  const away = archivedElsewhere(files, request, newest, findings, Math.floor(start / N));
  const isRead = (number: number): boolean => number >= Math.floor(start / N);
  const segments = [...here, ...away.readable].filter((one) => isRead(one.number)).sort((a, b) => a.number - b.number);
  const kept = known.map((one) => one.checkpoint.size);
  const wanted = [...checkpoints.map((one) => one.size), ...kept, head?.size ?? 0, request.witnessed?.size ?? 0];
  const sizes = [...new Set(wanted)].sort((a, b) => a - b);
  const scanned = {
    directory: paths.directory,
    semantic: request.semantic,
    complete: request.epoch === 0,
    tiledSize: covered,
    sizes,
    start,
    checkpoints: checkpoints.map((one) => one.size),
    bundles: request.bundles === true,
    ...(request.archive === null
      ? {}
      : { archive: { directory: request.archive, numbers: away.readable.map((one) => one.number) } }),
  };
  const { resume = null } = deps;
  const isLarge = resume !== null && sizeOf(segments) >= resume.fromBytes;
  const log = { auditDir: paths.directory, origin: request.verifier.log.origin };
  const key = isLarge ? await resume.key() : null;
  const progress = isLarge && key !== null ? new VerifyProgress({ ...resume, key }, log, scanned) : null;
  const found = await scanAll(deps, scanned, segments, progress);
  progress?.clear();
  const reports = new Map(found.map((one) => [one.number, one]));
  if (away.unread.length > 0) isSeeded = false;
  for (const number of away.unread.filter(isRead)) {
    const report = archivedReport(files, paths, covered, number, sizes);
    if (report !== null) reports.set(number, report);
  }
  const verdict = judgeEpoch({
    epoch: request.epoch,
    initial: request.initial,
    lostUpTo: request.lostUpTo,
    reports,
    checkpoints,
    known,
    base,
    live: request.live,
    semantic: request.semantic,
  });
  if (newest === null && known.length === 0 && findings.list.length === 0) {
    findings.add('no-checkpoint', 'no checkpoint is known: nothing vouches for these records');
  }
  if (newest === null && known.length > 0) {
    const size = Math.max(...kept);
    findings.add('checkpoint-missing', `a checkpoint of size ${size} is known; the log has none`);
  }
  findings.list.push(...verdict.findings.map((finding) => located(files, paths, finding)));
  if (verdict.rootsMatch) {
    checkUpperTiles(files, paths, reports, covered, findings, Math.floor(start / N));
    if (request.semantic) {
      // Without what comes before, kids that were not used since are not known.
      if (isSeeded && base === null) checkState(verdict, covered, findings);
      if (request.bundles !== true) checkCounters(files, paths, verdict, covered, findings);
    }
    checkHints(files, paths, verdict.records, reports, findings, start);
  }
  if (request.headKeys !== null) checkHead(head, verdict, findings);
  const { chain, roots, ...rest } = verdict;
  const { witnessed = null } = request;
  const emptyTree = witnessed?.size === 0 ? emptyRoot() : null;
  return {
    ...rest,
    findings: findings.list,
    checkpoints: checkpoints.length,
    ladder: checkpoints,
    newest,
    witnessedRoot: witnessed === null ? null : (emptyTree ?? roots.get(witnessed.size) ?? null),
    bytes: sizeOf(segments),
    resumed: found.filter((one) => one.resumed === true).length,
    kids: isSeeded && base === null ? (chain?.kids ?? null) : null,
    generation: chain?.generation ?? null,
  };
}
