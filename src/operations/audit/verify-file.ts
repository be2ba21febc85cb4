// `audit verify FILE` for exports that are one file (log page 4.9): a redacted export, whose records are each proved to stand
// where they say, and a ron-audit chain, which nobody has signed. Files are streamed. What is shown of a redacted record is
// handed on as unproven.

import type { VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import { FINDINGS, FINDINGS_LISTED, type Finding, Findings, worstVerdict } from '../../audit/findings.ts';
import { leafHash } from '../../audit/leaf.ts';
import { verifyInclusion } from '../../audit/proof.ts';
import { parseRecord } from '../../audit/record.ts';
import { isRedactedHeader, parseHeader, parseItem, type RedactedHeader } from '../../audit/redacted.ts';
import { type HashRule, RULES } from '../../audit/ron-audit.ts';
import { RonAuditChain } from '../../audit/ron-audit-chain.ts';
import type { JsonObject } from '../../bytes/canonical-json.ts';
import { toHex } from '../../bytes/hex.ts';
import { fromUtf8, utf8 } from '../../bytes/text.ts';
import { RonError } from '../../errors.ts';
import { NOTE_BYTES_MAX } from '../../storage/audit-notes.ts';
import { segmentLines } from '../../storage/audit-segment.ts';
import { parseOrigin } from './export-target.ts';
import type { AuditDeps } from './target.ts';
import { type AskedPolicy, type NoteJudge, noteJudge } from './verify-note.ts';
import { type AuditVerifyResult, fileEpoch } from './verify-result.ts';

/** Longer lines are none of ours. */
const LINE_BYTES_MAX = 1024 * 1024;

export interface ShownMembers {
  readonly index: number;
  /** Members that are left out. */
  readonly redacted: readonly string[];
  /** What somebody says stands there; not proven. */
  readonly shown: JsonObject;
}

/** Of a redacted export. */
export interface RedactedSummary {
  readonly from: number;
  readonly to: number;
  /** Whole records, each proved. */
  readonly whole: number;
  /** Redacted ones, whose place is proved and whose content is not. */
  readonly redacted: number;
  /** The first 100 of them. */
  readonly unproven: readonly ShownMembers[];
}

/** Of a ron-audit chain. */
export interface RonAuditSummary {
  /** Under which rule the hashes of all lines are right; null when under none, or not the same one. */
  readonly rule: HashRule | null;
  readonly records: number;
  readonly writer_id: string | null;
  readonly stream: string | null;
  /** Decimal; seq has 64 bits. */
  readonly first_seq: string | null;
  readonly last_seq: string | null;
  readonly head: string | null;
  readonly signed: false;
}

/** Lines without LF; also a last one without. */
function* linesOf(deps: AuditDeps, path: string, maxBytes: number): Generator<Uint8Array> {
  const { files } = deps.host;
  const file = files.open(path, 'read');
  try {
    const total = file.info().sizeBytes;
    for (const { line, offset, complete } of segmentLines(file)) {
      if (line.length > maxBytes || (!complete && offset + line.length < total)) {
        throw new RonError('TooLarge', `${path}: a line of more than ${maxBytes} bytes, at offset ${offset}`);
      }
      yield line;
      if (offset % 65_536 === 0) deps.onProgress({ phase: 'verify', done: offset, total, unit: 'bytes' });
    }
  } finally {
    file.close();
  }
}

/** True for a file that begins with the header of a redacted export. */
export function isRedactedExport(deps: Pick<AuditDeps, 'host'>, path: string): boolean {
  const file = deps.host.files.open(path, 'read');
  try {
    const [first] = segmentLines(file);
    return first !== undefined && isRedactedHeader(first.line);
  } finally {
    file.close();
  }
}

const SORTED = { tampered: 0, inconclusive: 1, note: 2 } as const;

function resultOf(
  path: string,
  kind: 'redacted' | 'ron-audit',
  trust: AuditVerifyResult['trust'],
  found: {
    readonly findings: readonly (Finding & { readonly epoch: number })[];
    readonly total: number;
    readonly bytes: number;
  },
): AuditVerifyResult {
  const judged = found.findings.flatMap((one) =>
    one.index === undefined || FINDINGS[one.code] === 'note' ? [] : [one.index],
  );
  return {
    target: path,
    kind,
    trust,
    verdict: worstVerdict(found.findings),
    semantic: true,
    head_checked: false,
    bytes: found.bytes,
    epochs: [],
    first_index: judged.length === 0 ? null : Math.min(...judged),
    findings: found.findings
      .toSorted((a, b) => SORTED[FINDINGS[a.code]] - SORTED[FINDINGS[b.code]])
      .slice(0, FINDINGS_LISTED),
    findings_total: found.total,
    evidence: null,
    remembered: false,
  };
}

/** `path` is absolute. Throws Malformed for a file that is none. */
export async function auditVerifyRonAudit(path: string, deps: AuditDeps): Promise<AuditVerifyResult> {
  const chain = new RonAuditChain();
  for (const line of linesOf(deps, path, LINE_BYTES_MAX)) chain.push(fromUtf8(line));
  const verdict = chain.end();
  const found = verdict.findings.map((one) => ({ epoch: 0, ...one }));
  const rule = RULES.find((one) => verdict.rules[one] > 0 && verdict.rules[one] === verdict.lines) ?? null;
  const { records, writer_id, stream, first_seq, last_seq, head } = verdict;
  const bytes = deps.host.files.info(path)?.sizeBytes ?? 0;
  return {
    ...resultOf(path, 'ron-audit', 'none', { findings: found, total: verdict.findings_total, bytes }),
    ron_audit: {
      rule,
      records,
      writer_id,
      stream,
      first_seq,
      last_seq,
      head,
      signed: false,
    },
  };
}

/** `path` is absolute. Throws Malformed for a file whose header is none; a line that is none is a finding. */
export async function auditVerifyRedacted(
  path: string,
  policy: AskedPolicy | null,
  deps: AuditDeps,
): Promise<AuditVerifyResult> {
  const findings = new Findings();
  let header: RedactedHeader | null = null;
  let judge: NoteJudge | null = null;
  let checkpoint: VerifiedCheckpoint | null = null;
  let next = 0;
  let whole = 0;
  let redacted = 0;
  let before: string | null = null;
  const unproven: ShownMembers[] = [];
  const lines = linesOf(deps, path, NOTE_BYTES_MAX + LINE_BYTES_MAX);
  for (const line of lines) {
    if (header === null) {
      header = parseHeader(line, `${path}, line 1`);
      judge = await noteJudge(deps, parseOrigin(header.origin, 'the header'), policy);
      checkpoint = judge.check(utf8(header.checkpoint), findings);
      if (checkpoint !== null) judge.againstMemory(checkpoint, findings, false);
      if (checkpoint !== null && header.to > checkpoint.size) {
        const message = `the header says up to ${header.to}, the checkpoint covers ${checkpoint.size}`;
        findings.add('missing-records', message);
      }
      next = header.from;
      continue;
    }
    const index = next++;
    try {
      const item = parseItem(line, `record ${index}`);
      if (item.index !== index) {
        findings.add('missing-records', `record ${item.index} stands in the place of record ${index}`, { index });
        next = item.index + 1;
      }
      const leaf = 'line' in item ? leafHash(item.line) : item.leaf;
      if (checkpoint !== null && !verifyInclusion(item.index, checkpoint.size, leaf, item.proof, checkpoint.root)) {
        findings.add('leaf-mismatch', `record ${item.index} is not proved to stand there`, { index: item.index });
      }
      if ('line' in item) {
        whole++;
        const record = parseRecord(item.line, `record ${item.index}`);
        if (record.seq !== item.index || (before !== null && record.prev !== before)) {
          findings.add('prev-mismatch', `record ${item.index} does not follow the one before`, { index: item.index });
        }
      } else {
        redacted++;
        const { shown, redacted: names } = item;
        if (unproven.length < FINDINGS_LISTED) unproven.push({ index: item.index, redacted: [...names], shown });
      }
      before = toHex(leaf);
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      findings.add('record-invalid', error.message, { index });
      before = null;
    }
  }
  if (header === null || judge === null) throw new RonError('Malformed', `${path}: no redacted export: it is empty`);
  if (next < header.to) findings.add('missing-records', `the file ends before record ${next}`, { index: next });
  if (next > header.to) findings.add('record-invalid', `the header says up to ${header.to}`, { index: header.to });
  const hint = 'ask for an export made after the witnesses have cosigned';
  const witnessed = judge.witnessed(checkpoint, findings, hint);
  const { epoch } = judge.of;
  const all = findings.list.map((one) => ({ epoch, ...one }));
  const { remembered, trust } = judge;
  const bytes = deps.host.files.info(path)?.sizeBytes ?? 0;
  return {
    ...resultOf(path, 'redacted', trust, { findings: all, total: all.length, bytes }),
    epochs: [fileEpoch({ epoch, origin: header.origin, records: whole + redacted }, checkpoint, remembered)],
    evidence: await judge.keepFork(checkpoint, findings.list),
    redacted: { from: header.from, to: header.to, whole, redacted, unproven },
    ...(witnessed === undefined ? {} : { witnessed }),
  };
}
