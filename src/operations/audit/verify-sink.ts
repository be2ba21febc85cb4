// `audit verify` of what a sink of a server wrote (log page 4.11): one file, or a directory with a file for each log. Streamed; keys
// come from this home. Records behind the last checkpoint of a file are counted as the unsigned tail: they are not final.

import { createLogVerifier, type LogVerifier, type VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import { FINDINGS, FINDINGS_LISTED, Findings, worstVerdict } from '../../audit/findings.ts';
import { isSinkLine, SinkStream } from '../../audit/sink-stream.ts';
import { decodeCanonical, object, string } from '../../bytes/decode.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { utf8 } from '../../bytes/text.ts';
import { RonError } from '../../errors.ts';
import type { Files } from '../../host.ts';
import { segmentLines } from '../../storage/audit-segment.ts';
import { checkedFiles } from '../../storage/checked-files.ts';
import { homePaths } from '../../storage/home.ts';
import { readRemembered } from '../../storage/trust-memory.ts';
import { checkpointSummary } from './checkpoint-summary.ts';
import { claimedOrigin, type ParsedOrigin, trustedOrigin } from './export-target.ts';
import { type AuditDeps, isGoverned } from './target.ts';
import type { AuditVerifyResult, EpochSummary } from './verify-result.ts';

type EpochFinding = AuditVerifyResult['findings'][number];

function firstLine(files: Files, path: string): Uint8Array | null {
  const file = files.open(path, 'read');
  try {
    const [first] = segmentLines(file);
    return first?.complete === true ? first.line.slice() : null;
  } finally {
    file.close();
  }
}

function isSinkFile(files: Files, path: string): boolean {
  const first = files.info(path)?.type === 'file' ? firstLine(files, path) : null;
  return first !== null && isSinkLine(first);
}

const filesIn = (files: Files, directory: string): string[] =>
  files
    .list(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => `${directory}/${name}`);

/** True for a file that a sink wrote, and for a directory of such files. */
export function isSink({ host: { files } }: Pick<AuditDeps, 'host'>, path: string): boolean {
  if (files.info(path)?.type !== 'directory') return isSinkFile(files, path);
  const inside = filesIn(files, path);
  return inside.length > 0 && inside.every((one) => isSinkFile(files, one));
}

interface Judge {
  readonly verifier: LogVerifier | null;
  readonly trust: AuditVerifyResult['trust'];
  readonly remembered: VerifiedCheckpoint | null;
}

/** Keys and memory of this home for the log of a note. */
async function judgeOf(deps: AuditDeps, of: ParsedOrigin): Promise<Judge> {
  const paths = homePaths(deps.home);
  const files = checkedFiles(deps.host.files, paths.trust);
  const crypto = await deps.crypto();
  const log = trustedOrigin({ files, crypto, paths }, of, isGoverned(files, paths));
  if (log === null) return { verifier: null, trust: 'none', remembered: null };
  const verifier = createLogVerifier(log, crypto);
  const remembered = readRemembered(files, paths.trustedLogs, verifier);
  return { verifier, trust: log.trust === 'pinned' ? 'pinned' : 'local', remembered };
}

/** The log that a file is of, by its first checkpoint; null before one. */
function originIn(files: Files, path: string): ParsedOrigin | null {
  const file = files.open(path, 'read');
  try {
    for (const { line, complete } of segmentLines(file)) {
      if (!complete || !isSinkLine(line) || line[2] !== 'c'.charCodeAt(0)) continue;
      const { checkpoint } = decodeCanonical(object({ checkpoint: string() }), line, path);
      return claimedOrigin(utf8(checkpoint), path);
    }
    return null;
  } finally {
    file.close();
  }
}

interface FileVerdict {
  readonly summary: EpochSummary;
  readonly findings: readonly EpochFinding[];
  readonly trust: AuditVerifyResult['trust'];
  readonly bytes: number;
}

async function verifyFile(deps: AuditDeps, path: string): Promise<FileVerdict> {
  const { files, clock } = deps.host;
  const findings = new Findings();
  const of = originIn(files, path);
  const judge = of === null ? null : await judgeOf(deps, of);
  const stream = new SinkStream(findings, of?.epoch === 0, (note) => judge?.verifier?.check(note) ?? null);
  const file = files.open(path, 'read');
  let torn = 0;
  const total = file.info().sizeBytes;
  try {
    let read = 0;
    for (const { line, offset, complete } of segmentLines(file)) {
      if (!complete) {
        torn = total - offset;
        findings.add('torn-tail', `${torn} bytes of an unfinished line`, { offset });
        break;
      }
      stream.push(line);
      if (++read % 16_384 === 0) {
        deps.onProgress({ phase: 'verify', done: offset, total, unit: 'bytes' });
        await clock.sleep(0);
      }
    }
  } finally {
    file.close();
  }
  if (of === null) findings.add('no-checkpoint', 'no checkpoint came yet: none of these records is final');
  else if (judge?.verifier === null) findings.add('no-trusted-key', `no trusted key is known here for ${of.origin}`);
  const { newest } = stream;
  const remembered = judge?.remembered ?? null;
  if (remembered !== null && newest !== null) {
    if (newest.size === remembered.size && !equalBytes(newest.root, remembered.root)) {
      findings.add('fork', `this home remembers another root at size ${remembered.size}`);
    } else if (newest.size < remembered.size) {
      const message = `this home remembers a checkpoint of size ${remembered.size}; the newest here is of ${newest.size}`;
      findings.add('older-copy', message);
    }
  }
  const epoch = of?.epoch ?? 0;
  return {
    summary: {
      epoch,
      origin: of?.origin ?? 'unknown',
      records: stream.records,
      covered: stream.final,
      unsigned_tail: stream.records - stream.final,
      torn_bytes: torn,
      checkpoints: stream.checkpoints,
      checkpoint: newest === null ? null : checkpointSummary(newest),
      remembered: remembered === null ? null : checkpointSummary(remembered),
      anchor: null,
      since: null,
    },
    findings: findings.list.map((one) => ({ epoch, ...one })),
    trust: judge?.trust ?? 'none',
    bytes: total,
  };
}

const ORDER = { tampered: 0, inconclusive: 1, note: 2 } as const;

/** `path` is absolute, and `isSink`. Throws Malformed for a checkpoint of a log that is not ours. */
export async function auditVerifySink(path: string, deps: AuditDeps): Promise<AuditVerifyResult> {
  const { files } = deps.host;
  const inside = files.info(path)?.type === 'directory' ? filesIn(files, path) : [path];
  const verdicts: FileVerdict[] = [];
  for (const one of inside) verdicts.push(await verifyFile(deps, one));
  if (verdicts.length === 0) throw new RonError('Malformed', `${path}: no file of a sink`);
  const found = verdicts.flatMap((one) => one.findings);
  const places = found.flatMap((one) => (one.index === undefined || FINDINGS[one.code] === 'note' ? [] : [one.index]));
  return {
    target: path,
    kind: 'sink',
    trust: verdicts.at(-1)!.trust,
    verdict: worstVerdict(found),
    semantic: true,
    head_checked: false,
    bytes: verdicts.reduce((sum, one) => sum + one.bytes, 0),
    epochs: verdicts.map((one) => one.summary),
    first_index: places.length === 0 ? null : Math.min(...places),
    findings: found.toSorted((a, b) => ORDER[FINDINGS[a.code]] - ORDER[FINDINGS[b.code]]).slice(0, FINDINGS_LISTED),
    findings_total: found.length,
    evidence: null,
    remembered: false,
  };
}
