// Judges one epoch of a log from its scanned segments and verified checkpoints (log page 4.8): the roots decide what is
// right; tiles and links only say where it is wrong. The first index is the first leaf that differs from its tile, else the
// first record whose successor names another hash. Below a verified checkpoint nothing may be missing.

import { equalBytes } from '../bytes/equal.ts';
import { LIMITS } from '../limits.ts';
import { type ChainProblem, RecordChain } from './chain.ts';
import type { CheckpointBody } from './checkpoint.ts';
import type { KidCounters } from './counters.ts';
import { FINDINGS, type Finding } from './findings.ts';
import { NO_PREVIOUS } from './leaf.ts';
import type { SegmentReport } from './scan.ts';
import { Frontier, foldRoot } from './tree.ts';

const N = LIMITS.auditSegmentRecords;

export interface EpochEvidence {
  readonly epoch: number;
  /** Kid counters where this epoch begins; null = not known (an epoch without the one before it). */
  readonly initial: KidCounters | null;
  /** Scanned segments by number; a missing file has no entry. */
  readonly reports: ReadonlyMap<number, SegmentReport>;
  /** Own checkpoints, verified, by rising size. */
  readonly checkpoints: readonly CheckpointBody[];
  /** Checkpoints from elsewhere that the log must contain. */
  readonly known: readonly KnownCheckpoint[];
  /** Where reading began, when not at record 0. */
  readonly base: ScanBase | null;
  /** A live log, or a bare copy of one, which may honestly be older than what is remembered. */
  readonly live: boolean;
  /** The newest checkpoint of this epoch that a later one names: what lies behind the own ones was accepted as lost. */
  readonly lostUpTo: number;
  readonly semantic: boolean;
}

/** A verified checkpoint that somebody kept: this home (`remembered`), or a file (`anchor`). */
export interface KnownCheckpoint {
  readonly by: 'remembered' | 'anchor';
  readonly checkpoint: CheckpointBody;
}

/** What stands before the first record that is read, from tiles whose root is that of a verified checkpoint. */
export interface ScanBase {
  /** Records below are not read. */
  readonly start: number;
  /** Frontier hashes of the whole segments before the one with `start`. */
  readonly frontier: readonly Uint8Array[];
  /** Leaf hash before the first record of the segment with `start`; null when the segment is entered in the middle. */
  readonly lastLeaf: string | null;
  /** Roots from the tiles at sizes up to `start`. */
  readonly roots: ReadonlyMap<number, Uint8Array>;
}

export interface EpochVerdict {
  readonly findings: readonly Finding[];
  /** Problems that were counted and not kept by the scan. */
  readonly uncounted: number;
  /** Whole records without a gap from 0 on. */
  readonly records: number;
  /** Size of the newest own checkpoint. */
  readonly covered: number;
  /** Every own checkpoint has the root of the records. */
  readonly rootsMatch: boolean;
  readonly tornBytes: number;
  /** Roots of the records at the wanted sizes. */
  readonly roots: ReadonlyMap<number, Uint8Array>;
  /** Joined over all records without a gap; null without the semantic pass. */
  readonly chain: RecordChain | null;
  /** The kept checkpoint that cannot be of this log. */
  readonly forked: CheckpointBody | null;
}

/** The records that stand without a gap, and why they end. */
interface Stretch {
  readonly records: number;
  readonly roots: ReadonlyMap<number, Uint8Array>;
  readonly problems: readonly ChainProblem[];
  readonly chain: RecordChain | null;
  readonly missingFile: boolean;
  readonly beyondGap: boolean;
  readonly tornBytes: number;
}

function join(evidence: EpochEvidence): Stretch {
  const { reports, base } = evidence;
  const problems: ChainProblem[] = [];
  const roots = new Map<number, Uint8Array>(base?.roots);
  const begin = base === null ? 0 : Math.floor(base.start / N);
  const frontier = base === null ? new Frontier() : Frontier.restore(begin * N, base.frontier);
  // Behind records that were not read nothing is known of counters.
  const isComplete = base === null && ![...reports.values()].some((one) => one.archived === true);
  const begins = evidence.epoch === 0 && isComplete;
  const chain = evidence.semantic ? new RecordChain(begins, (problem) => problems.push(problem)) : null;
  if (evidence.initial !== null && isComplete) chain?.seedCounters(evidence.initial);
  const last = Math.max(-1, ...reports.keys());
  let lastLeaf: string | null = base === null ? NO_PREVIOUS : base.lastLeaf;
  let tornBytes = 0;
  let number = begin;
  let missingFile = false;
  for (; number <= last; number++) {
    const report = reports.get(number);
    if (report === undefined) {
      missingFile = true;
      break;
    }
    const { scan } = report;
    if (scan.firstPrev !== null && lastLeaf !== null && scan.firstPrev !== lastLeaf) {
      const message = number === 0 ? 'prev of the first record is not 64 zeros' : 'prev is not the leaf hash before it';
      problems.push({ code: 'prev-mismatch', seq: scan.first, message });
    }
    problems.push(...scan.problems);
    if (scan.ends !== null) chain?.join(scan.ends);
    const before = frontier.hashes();
    for (const { size, hash } of report.roots) roots.set(size, foldRoot([...before, hash]));
    if (scan.count === N) frontier.appendSubtree(report.all[0]!, 16);
    lastLeaf = report.archived === true ? null : (scan.lastLeaf ?? lastLeaf);
    tornBytes = scan.torn;
    if (scan.count < N) {
      number++;
      break;
    }
  }
  const ended = reports.get(number - 1)?.scan;
  const records = missingFile || ended === undefined ? number * N : ended.first + ended.count;
  const beyondGap = [...reports.values()].some(
    (report) => report.number >= number && report.scan.count + report.scan.torn > 0,
  );
  return { records, roots, problems, chain, missingFile, beyondGap, tornBytes: missingFile ? 0 : tornBytes };
}

export function judgeEpoch(evidence: EpochEvidence): EpochVerdict {
  const { checkpoints, known, reports } = evidence;
  const findings: Finding[] = [];
  const stretch = join(evidence);
  const { records } = stretch;
  const covered = checkpoints.at(-1)?.size ?? 0;
  const differs = (checkpoint: CheckpointBody): boolean => {
    const root = stretch.roots.get(checkpoint.size);
    return checkpoint.size > 0 && (root === undefined || !equalBytes(root, checkpoint.root));
  };
  const judged = checkpoints.filter((checkpoint) => checkpoint.size <= records);
  const bad = judged.find(differs);
  /** All leaves below are exactly those that were signed. */
  const good = judged.filter((one) => !differs(one)).at(-1)?.size ?? 0;

  /** Records from `good` on may be others than those signed: no root vouches for them. */
  const suspect = bad !== undefined || records < covered;
  if (records < covered) findings.push(missing(stretch, evidence, covered));
  if (suspect) findings.push(...changedRecords(evidence, stretch, good, bad));
  findings.push(...faultyTiles(evidence, suspect ? good : covered));

  let forked: CheckpointBody | null = null;
  for (const one of known) {
    const against = againstKnown(evidence, one, stretch, covered, suspect);
    findings.push(...against);
    if (against.some(({ code }) => code === 'fork')) forked ??= one.checkpoint;
  }

  for (const { code, seq, message } of stretch.problems) {
    const severity = FINDINGS[code];
    if (severity !== 'tampered') findings.push({ code, index: seq, message });
    else if (seq < covered && (!suspect || seq < good)) findings.push({ code, index: seq, message });
    else if (seq >= covered && (!suspect || code === 'record-invalid')) {
      findings.push({ code: 'tail-invalid', index: seq, message: `${code}: ${message}` });
    }
  }
  if (records >= covered && stretch.beyondGap) {
    findings.push({ code: 'tail-invalid', index: records, message: `records are missing from ${records} on` });
  }
  if (stretch.tornBytes > 0 && records >= covered && !stretch.beyondGap) {
    const message = `${stretch.tornBytes} bytes without a line feed behind record ${records - 1}: a write that was never acknowledged`;
    findings.push({ code: 'torn-tail', index: records, message });
  }
  const uncounted = [...reports.values()].reduce(
    (sum, one) => sum + one.scan.problemCount - one.scan.problems.length,
    0,
  );
  return {
    findings,
    uncounted,
    records,
    covered,
    rootsMatch: !suspect,
    tornBytes: stretch.tornBytes,
    roots: stretch.roots,
    chain: stretch.chain,
    forked,
  };
}

function missing(stretch: Stretch, { reports, base }: EpochEvidence, covered: number): Finding {
  const index = stretch.records;
  const what = `a verified checkpoint covers ${covered} records`;
  if (base === null && [...reports.values()].every((one) => one.scan.count === 0)) {
    return { code: 'log-missing', index: 0, message: `the records are gone; ${what}` };
  }
  if (stretch.missingFile) {
    return { code: 'missing-records', index, message: `the segment with record ${index} is missing; ${what}` };
  }
  return {
    code: stretch.beyondGap ? 'missing-records' : 'truncated',
    index,
    message: `records are missing from ${index} on; ${what}`,
  };
}

/** Records from `good` on that are not those signed: which ones, as well as tiles and links can say. */
function changedRecords(
  evidence: EpochEvidence,
  stretch: Stretch,
  good: number,
  bad: CheckpointBody | undefined,
): Finding[] {
  const faults = [...evidence.reports.values()]
    .flatMap((report) => report.tiles)
    .filter((fault) => fault.level === 0 && fault.seq !== null && fault.seq >= good)
    .sort((a, b) => a.index - b.index);
  // A removed or inserted line shifts every leaf behind it: only the first of neighbouring tiles is named.
  const first = faults.filter((fault, at) => faults[at - 1]?.index !== fault.index - 1);
  const changed = first.map((fault): Finding => {
    const message = `record ${fault.seq} is not the one that the tree was built from`;
    return { code: 'leaf-mismatch', index: fault.seq!, message };
  });
  const broken = stretch.problems.filter((problem) => problem.code === 'prev-mismatch' && problem.seq > good);
  if (changed.length === 0 && broken.length > 0) {
    // Two broken links in a row: the record between them changed in its own `prev`. One: the record before it changed.
    const seq = broken[0]!.seq;
    const index = broken.some((problem) => problem.seq === seq + 1) ? seq : seq - 1;
    const message = `record ${index} is not the one that record ${index + 1} follows`;
    changed.push({ code: 'leaf-mismatch', index, message });
  }
  if (changed.length > 0 || bad === undefined) return changed;
  return [
    {
      code: 'root-mismatch',
      index: bad.size - 1,
      message: `the records ${good} to ${bad.size - 1} do not have the signed root at size ${bad.size}`,
    },
  ];
}

/** Tiles that do not fit records which are right. */
function faultyTiles(evidence: EpochEvidence, below: number): Finding[] {
  return [...evidence.reports.values()]
    .flatMap((report) => report.tiles)
    .filter((fault) => fault.seq === null || fault.seq < below)
    .map((fault): Finding => {
      const file = `tile/${fault.level}/${fault.index}`;
      return fault.seq === null
        ? { code: 'tile-missing', file, message: `hash tile ${fault.level}/${fault.index} is missing` }
        : { code: 'tile-mismatch', file, message: `hash tile ${fault.level}/${fault.index} does not fit the records` };
    });
}

const KEPT: Readonly<Record<KnownCheckpoint['by'], string>> = {
  remembered: 'this home remembers',
  anchor: 'the anchor is',
};

function againstKnown(
  evidence: EpochEvidence,
  { by, checkpoint: kept }: KnownCheckpoint,
  stretch: Stretch,
  covered: number,
  changed: boolean,
): Finding[] {
  const root = stretch.roots.get(kept.size);
  const signed = evidence.checkpoints.find((one) => one.size === kept.size);
  const isSigned = signed !== undefined && !equalBytes(signed.root, kept.root);
  if (isSigned || (root !== undefined && !equalBytes(root, kept.root) && !changed)) {
    const whose = by === 'anchor' ? 'the anchor' : 'the checkpoint that this home remembers';
    const message = `the log has another root at size ${kept.size} than ${whose}`;
    return [{ code: 'fork', index: Math.max(0, kept.size - 1), message }];
  }
  if (covered >= kept.size || kept.size <= evidence.lostUpTo) return [];
  if (root !== undefined) {
    const message = `${KEPT[by]} a checkpoint of size ${kept.size}; the newest one here has size ${covered}`;
    // A copy made before that checkpoint was signed has its records already.
    return [{ code: evidence.live ? 'checkpoint-missing' : 'older-copy', message }];
  }
  const message = `${KEPT[by]} a checkpoint of ${kept.size} records; here are ${stretch.records}, ${covered} of them under a checkpoint`;
  return [{ code: evidence.live ? 'rolled-back' : 'older-copy', index: stretch.records, message }];
}
