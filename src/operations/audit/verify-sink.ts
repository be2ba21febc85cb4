// `audit verify` of what a sink of a server wrote (log page 4.11): one file, or a directory with a file for each log. Streamed; keys
// come from this home. Records behind the last checkpoint of a file are counted as the unsigned tail: they are not final.

import { FINDINGS, FINDINGS_LISTED, Findings, worstVerdict } from '../../audit/findings.ts';
import { isSinkLine, SinkStream } from '../../audit/sink-stream.ts';
import { decodeCanonical, object, string } from '../../bytes/decode.ts';
import { utf8 } from '../../bytes/text.ts';
import { RonError } from '../../errors.ts';
import type { Files } from '../../host.ts';
import { segmentLines } from '../../storage/audit-segment.ts';
import { checkpointSummary } from './checkpoint-summary.ts';
import { claimedOrigin, type ParsedOrigin } from './export-target.ts';
import type { AuditDeps } from './target.ts';
import { type AskedPolicy, noteJudge } from './verify-note.ts';
import type { AuditVerifyResult, EpochSummary, WitnessSummary } from './verify-result.ts';

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
  readonly witnessed: WitnessSummary | undefined;
}

async function verifyFile(deps: AuditDeps, path: string, policy: AskedPolicy | null): Promise<FileVerdict> {
  const { files, clock } = deps.host;
  const findings = new Findings();
  const of = originIn(files, path);
  const judge = of === null ? null : await noteJudge(deps, of, policy);
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
  if (newest !== null) judge?.againstMemory(newest, findings, false);
  const hint = 'a sink has a checkpoint before any witness: verify the log itself, or an export of it';
  const witnessed = judge?.witnessed(newest, findings, hint);
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
    witnessed,
  };
}

const ORDER = { tampered: 0, inconclusive: 1, note: 2 } as const;

/** `path` is absolute, and `isSink`. Throws Malformed for a checkpoint of a log that is not ours. */
export async function auditVerifySink(
  path: string,
  policy: AskedPolicy | null,
  deps: AuditDeps,
): Promise<AuditVerifyResult> {
  const { files } = deps.host;
  const inside = files.info(path)?.type === 'directory' ? filesIn(files, path) : [path];
  const verdicts: FileVerdict[] = [];
  for (const one of inside) verdicts.push(await verifyFile(deps, one, policy));
  if (verdicts.length === 0) throw new RonError('Malformed', `${path}: no file of a sink`);
  const found = verdicts.flatMap((one) => one.findings);
  const witnessed = verdicts.at(-1)!.witnessed;
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
    ...(witnessed === undefined ? {} : { witnessed }),
  };
}
