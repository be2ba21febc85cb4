// Judges a native export with gaps (log page 4.8, 4.9): all hash tiles are there, so every root follows from them; each record
// that is there must have the hash at its place and name the one before it. A gap that the manifest declares is
// inconclusive; a record that is missing without is tampering.

import { RecordChain } from '../audit/chain.ts';
import { chainRecord } from '../audit/chain-record.ts';
import type { LogVerifier, VerifiedCheckpoint } from '../audit/checkpoint.ts';
import { presentRanges, type RecordRange } from '../audit/export-manifest.ts';
import { Findings } from '../audit/findings.ts';
import { leafHash, NO_PREVIOUS } from '../audit/leaf.ts';
import { parseRecord } from '../audit/record.ts';
import { TILE_WIDTH, tileHash, tilePath, tileWidth } from '../audit/tile.ts';
import { Frontier } from '../audit/tree.ts';
import { equalBytes } from '../bytes/equal.ts';
import { toHex } from '../bytes/hex.ts';
import { RonError } from '../errors.ts';
import type { Clock, Files, OnProgress, OpenFile } from '../host.ts';
import { readLadder } from './audit-ladder.ts';
import { type EpochPaths, segmentOf } from './audit-paths.ts';
import { type SegmentLine, segmentLines } from './audit-segment.ts';
import { TileBuilder, tileReader } from './audit-tiles.ts';
import type { EpochReport } from './audit-verify.ts';

const PROBLEMS_KEPT = 100;

export interface GappedExport {
  readonly epoch: number;
  readonly paths: EpochPaths;
  readonly verifier: LogVerifier;
  readonly remembered: VerifiedCheckpoint | null;
  /** A checkpoint that somebody kept elsewhere. */
  readonly anchor?: VerifiedCheckpoint | null;
  readonly semantic: boolean;
  /** The newest note that met a witness policy. */
  readonly witnessed?: VerifiedCheckpoint | null;
  /** What is declared to be left out, in order. */
  readonly gaps: readonly RecordRange[];
}

export interface GappedDeps {
  readonly files: Files;
  readonly clock: Clock;
  readonly onProgress: OnProgress;
}

/** The lines that are there, in order, whatever segment they stand in. */
class Lines {
  readonly #files: Files;
  readonly #paths: EpochPaths;
  #segment = -1;
  #file: OpenFile | null = null;
  #lines: Iterator<SegmentLine> | null = null;
  bytes = 0;

  constructor(files: Files, paths: EpochPaths) {
    this.#files = files;
    this.#paths = paths;
  }

  next(seq: number): Uint8Array | null {
    const segment = segmentOf(seq);
    if (segment !== this.#segment) {
      this.close();
      this.#segment = segment;
      const path = this.#paths.segment(segment);
      this.#file = this.#files.info(path) === null ? null : this.#files.open(path, 'read');
      this.#lines = this.#file === null ? null : segmentLines(this.#file);
    }
    const found = this.#lines?.next();
    if (found === undefined || found.done === true || !found.value.complete) return null;
    this.bytes += found.value.line.length + 1;
    return found.value.line;
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
    this.#lines = null;
  }
}

export function verifyGapped(deps: GappedDeps, request: GappedExport): EpochReport {
  const { files, clock } = deps;
  const { paths, remembered, anchor = null, witnessed = null } = request;
  const findings = new Findings();
  const checkpoints = readLadder({ ...request, from: null }, files, clock, findings);
  const newest = checkpoints.at(-1) ?? null;
  const covered = newest?.size ?? 0;
  const present = presentRanges(request.gaps, covered);
  if (newest === null && findings.list.length === 0) {
    findings.add('no-checkpoint', 'no checkpoint is known: nothing vouches for these records');
  }
  const lines = new Lines(files, paths);
  let problems = 0;
  const report = (code: Parameters<Findings['add']>[0], seq: number, message: string): void => {
    problems++;
    if (problems <= PROBLEMS_KEPT) findings.add(code, message, { index: seq });
  };
  const roots = new Map<number, Uint8Array>();
  const wanted = new Set([
    ...checkpoints.map((one) => one.size),
    remembered?.size ?? 0,
    anchor?.size ?? 0,
    witnessed?.size ?? 0,
  ]);
  const manifests = new Set(checkpoints.map((one) => one.size - 1));
  const frontier = new Frontier();
  const builder = TileBuilder.empty();
  const read = tileReader(files, paths);
  let chain: RecordChain | null = null;
  let before = NO_PREVIOUS;
  let found = 0;
  let range = 0;

  const judge = (seq: number, line: Uint8Array, leaf: Uint8Array): void => {
    found++;
    if (!equalBytes(leafHash(line), leaf)) {
      report('leaf-mismatch', seq, `record ${seq} is not the one that the tree was built from`);
      return;
    }
    if (!request.semantic) return;
    try {
      const record = parseRecord(line, `record ${seq}`);
      if (record.seq !== seq) report('record-invalid', seq, `seq is ${record.seq}`);
      if (record.prev !== before) report('prev-mismatch', seq, 'prev is not the leaf hash before it');
      if ('newer' in record) {
        report('newer-format', seq, `operation ${record.op} is not known to this ronctl`);
        return;
      }
      if (manifests.has(seq) && record.op !== 'manifest') {
        report('checkpoint-record', seq, `a checkpoint ends with ${record.op}, not with manifest`);
      }
      chain ??= new RecordChain(request.epoch === 0 && seq === 0, (one) => report(one.code, one.seq, one.message));
      chain.next(chainRecord(record), seq);
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      report('record-invalid', seq, error.message);
    }
  };

  const checkUpper = (): void => {
    for (const { tile, bytes } of builder.take()) {
      if (tile.level === 0 || (tile.width < TILE_WIDTH && builder.size < covered)) continue;
      const stored = read(tile);
      const file = tilePath(tile);
      if (stored === null) findings.add('tile-missing', `${file} is missing`, { file });
      else if (!equalBytes(stored, bytes))
        findings.add('tile-mismatch', `${file} does not fit those below it`, { file });
    }
  };

  try {
    for (let index = 0; index * TILE_WIDTH < covered; index++) {
      const tile = { level: 0, index, width: tileWidth(covered, 0, index) };
      const bytes = read(tile);
      if (bytes === null) {
        findings.add('tile-missing', `${tilePath(tile)} is missing`, { file: tilePath(tile) });
        break;
      }
      for (let at = 0; at < tile.width; at++) {
        const seq = index * TILE_WIDTH + at;
        const leaf = tileHash(bytes, at).slice();
        while (range < present.length && seq >= present[range]!.to) {
          range++;
          chain = null;
        }
        if (range < present.length && seq >= present[range]!.from) {
          const line = lines.next(seq);
          if (line === null)
            report('missing-records', seq, `record ${seq} is not there, and the manifest does not say so`);
          else judge(seq, line, leaf);
        }
        before = toHex(leaf);
        frontier.append(leaf);
        builder.append(leaf);
        if (wanted.has(seq + 1)) roots.set(seq + 1, frontier.root());
      }
      if (index % 64 === 63) {
        checkUpper();
        deps.onProgress({ phase: 'verify', done: (index + 1) * TILE_WIDTH, total: covered, unit: 'records' });
      }
    }
    if (frontier.size === covered) checkUpper();
  } finally {
    lines.close();
  }

  const differs = (one: { readonly size: number; readonly root: Uint8Array }): boolean => {
    const root = roots.get(one.size);
    return one.size > 0 && root !== undefined && !equalBytes(root, one.root);
  };
  const bad = checkpoints.find(differs);
  if (bad !== undefined) {
    findings.add('root-mismatch', `the tiles do not have the signed root at size ${bad.size}`, { index: bad.size - 1 });
  }
  let forked: VerifiedCheckpoint | null = null;
  for (const [kept, whose] of [
    [remembered, 'this home remembers'],
    [anchor, 'the anchor has'],
  ] as const) {
    if (kept === null) continue;
    if (bad === undefined && differs(kept)) {
      findings.add('fork', `${whose} another root at size ${kept.size}`, { index: kept.size - 1 });
      forked ??= kept;
    }
    if (kept.size > covered) {
      findings.add('older-copy', `${whose} ${kept.size} records; the export covers ${covered}`);
    }
  }
  for (const gap of request.gaps) {
    findings.add('declared-gap', `records ${gap.from} to ${gap.to - 1} are left out, as the manifest says`, {
      index: gap.from,
    });
  }
  return {
    findings: findings.list,
    uncounted: Math.max(0, problems - PROBLEMS_KEPT),
    records: found,
    covered: found,
    rootsMatch: bad === undefined,
    tornBytes: 0,
    checkpoints: checkpoints.length,
    ladder: checkpoints,
    newest,
    bytes: lines.bytes,
    kids: null,
    generation: null,
    forked,
    witnessedRoot: witnessed === null ? null : (roots.get(witnessed.size) ?? null),
  };
}
