// `audit verify FILE` for exports that are one file (log page 4.9): a redacted export, whose records are each proved to stand
// where they say, and a ron-audit chain, which nobody has signed. Files are streamed. What is shown of a redacted record is
// handed on as unproven.

import { createLogVerifier, type VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import { FINDINGS, FINDINGS_LISTED, type Finding, Findings, worstVerdict } from '../../audit/findings.ts';
import { leafHash } from '../../audit/leaf.ts';
import { verifyInclusion } from '../../audit/proof.ts';
import { parseRecord } from '../../audit/record.ts';
import { isRedactedHeader, parseHeader, parseItem, type RedactedHeader } from '../../audit/redacted.ts';
import { type HashRule, RULES } from '../../audit/ron-audit.ts';
import { RonAuditChain } from '../../audit/ron-audit-chain.ts';
import type { JsonObject } from '../../bytes/canonical-json.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { toHex } from '../../bytes/hex.ts';
import { fromUtf8, utf8 } from '../../bytes/text.ts';
import { RonError } from '../../errors.ts';
import { NOTE_BYTES_MAX } from '../../storage/audit-notes.ts';
import { segmentLines } from '../../storage/audit-segment.ts';
import { checkedFiles } from '../../storage/checked-files.ts';
import { homePaths, readHome } from '../../storage/home.ts';
import { readRemembered, writeForkEvidence } from '../../storage/trust-memory.ts';
import { checkpointSummary } from './checkpoint-summary.ts';
import { parseOrigin, trustedOrigin } from './export-target.ts';
import { type AuditDeps, isGoverned } from './target.ts';
import type { AuditVerifyResult } from './verify-result.ts';

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
  /** Under which rule the hashes are right; null when under none, or not the same one. */
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
  const rules = RULES.filter((rule) => verdict.rules[rule] > 0);
  const { records, writer_id, stream, first_seq, last_seq, head } = verdict;
  const bytes = deps.host.files.info(path)?.sizeBytes ?? 0;
  return {
    ...resultOf(path, 'ron-audit', 'none', { findings: found, total: verdict.findings_total, bytes }),
    ron_audit: {
      rule: rules.length === 1 ? rules[0]! : null,
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

interface Judged {
  readonly checkpoint: VerifiedCheckpoint | null;
  readonly trust: AuditVerifyResult['trust'];
  readonly remembered: VerifiedCheckpoint | null;
}

/** The checkpoint in the header, under the keys that this home trusts, and against what it remembers. */
async function judgeCheckpoint(deps: AuditDeps, header: RedactedHeader, findings: Findings): Promise<Judged> {
  const paths = homePaths(deps.home);
  const files = checkedFiles(deps.host.files, paths.trust);
  const crypto = await deps.crypto();
  const of = parseOrigin(header.origin, 'the header');
  const log = trustedOrigin({ files, crypto, paths }, of, isGoverned(files, paths));
  if (log === null) {
    findings.add('no-trusted-key', `no trusted key is known here for ${header.origin}`);
    return { checkpoint: null, trust: 'none', remembered: null };
  }
  const trust = log.trust === 'pinned' ? 'pinned' : 'local';
  const verifier = createLogVerifier(log, crypto);
  const answer = verifier.check(utf8(header.checkpoint));
  if (!answer.ok) {
    findings.add(answer.code, answer.message);
    return { checkpoint: null, trust, remembered: null };
  }
  const remembered = readRemembered(files, paths.trustedLogs, verifier);
  const { checkpoint } = answer;
  if (remembered !== null && checkpoint.size === remembered.size && !equalBytes(checkpoint.root, remembered.root)) {
    findings.add('fork', `this home remembers another root at size ${remembered.size}`);
  }
  if (remembered !== null && checkpoint.size < remembered.size) {
    findings.add(
      'older-copy',
      `this home remembers a checkpoint of size ${remembered.size}; here is one of ${checkpoint.size}`,
    );
  }
  return { checkpoint, trust, remembered };
}

/** `path` is absolute. Throws Malformed for a file whose header is none; a line that is none is a finding. */
export async function auditVerifyRedacted(path: string, deps: AuditDeps): Promise<AuditVerifyResult> {
  const findings = new Findings();
  let header: RedactedHeader | null = null;
  let judged: Judged = { checkpoint: null, trust: 'none', remembered: null };
  let next = 0;
  let whole = 0;
  let redacted = 0;
  let before: string | null = null;
  const unproven: ShownMembers[] = [];
  const lines = linesOf(deps, path, NOTE_BYTES_MAX + LINE_BYTES_MAX);
  for (const line of lines) {
    if (header === null) {
      header = parseHeader(line, `${path}, line 1`);
      judged = await judgeCheckpoint(deps, header, findings);
      if (judged.checkpoint !== null && header.to > judged.checkpoint.size) {
        findings.add(
          'missing-records',
          `the header says up to ${header.to}, the checkpoint covers ${judged.checkpoint.size}`,
        );
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
      const { checkpoint } = judged;
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
  if (header === null) throw new RonError('Malformed', `${path}: no redacted export: it is empty`);
  if (next < header.to) findings.add('missing-records', `the file ends before record ${next}`, { index: next });
  if (next > header.to) findings.add('record-invalid', `the header says up to ${header.to}`, { index: header.to });
  const epoch = parseOrigin(header.origin, 'the header').epoch;
  const all = findings.list.map((one) => ({ epoch, ...one }));
  const { checkpoint, remembered, trust } = judged;
  const bytes = deps.host.files.info(path)?.sizeBytes ?? 0;
  return {
    ...resultOf(path, 'redacted', trust, { findings: all, total: all.length, bytes }),
    epochs: [
      {
        epoch,
        origin: header.origin,
        records: whole + redacted,
        covered: whole + redacted,
        unsigned_tail: 0,
        torn_bytes: 0,
        checkpoints: checkpoint === null ? 0 : 1,
        checkpoint: checkpoint === null ? null : checkpointSummary(checkpoint),
        remembered: remembered === null ? null : checkpointSummary(remembered),
        anchor: null,
        since: null,
      },
    ],
    evidence: await keepFork(deps, all, judged),
    redacted: { from: header.from, to: header.to, whole, redacted, unproven },
  };
}

async function keepFork(
  deps: AuditDeps,
  findings: readonly Finding[],
  { checkpoint, remembered }: Judged,
): Promise<string | null> {
  if (checkpoint === null || remembered === null || !findings.some((one) => one.code === 'fork')) return null;
  const paths = homePaths(deps.home);
  if (readHome(deps.host.files, paths) === null) return null;
  const { files, random } = deps.host;
  return writeForkEvidence({ files, random, directory: paths.trustedLogs }, remembered, checkpoint);
}
