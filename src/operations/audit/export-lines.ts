// `audit export --redact` and `--format ron-audit` (log page 4.9): one file of JSON Lines, made from lines that are each proved
// under the newest checkpoint. The file appears when the last line was written, or not at all.

import { inclusionProof } from '../../audit/proof.ts';
import { formatHeader, formatItem, parseRedactMembers, redact } from '../../audit/redacted.ts';
import {
  formatRonAudit,
  GENESIS_PREV,
  hashRonAudit,
  type RonAuditKind,
  type RonAuditRecord,
} from '../../audit/ron-audit.ts';
import type { JsonObject } from '../../bytes/canonical-json.ts';
import { parseCanonical } from '../../bytes/canonical-json.ts';
import { toHex } from '../../bytes/hex.ts';
import { fromUtf8, utf8 } from '../../bytes/text.ts';
import { fromTime } from '../../bytes/time.ts';
import { RonError } from '../../errors.ts';
import { joined } from '../../storage/audit-export-native.ts';
import { type ProvenLine, provenLines, treeReader } from '../../storage/audit-proven-lines.ts';
import { writeStream } from '../../storage/durable-file.ts';
import { homePaths, readHome } from '../../storage/home.ts';
import { checkpointSummary } from './checkpoint-summary.ts';
import type { AuditExportResult } from './export.ts';
import {
  demandAtHand,
  type ExportDeps,
  type ExportSource,
  exportHead,
  refuseInside,
  type SignedHead,
} from './export-source.ts';
import { parseOrigin } from './export-target.ts';

export interface LinesRequest extends ExportSource {
  /** Absolute. */
  readonly out: string;
  /** First record, and the one behind the last; null = from 0, up to the checkpoint. */
  readonly from: number | null;
  readonly to: number | null;
}

/** Throws InvalidValue for a range that is not below the checkpoint. */
export function rangeOf(
  request: Pick<LinesRequest, 'from' | 'to'>,
  size: number,
): { readonly from: number; readonly to: number } {
  const from = request.from ?? 0;
  const to = request.to ?? size;
  for (const [value, field] of [
    [from, '--from'],
    [to, '--to'],
  ] as const) {
    if (value <= size) continue;
    throw new RonError('InvalidValue', `${field}: the newest checkpoint covers ${size} records, not ${value}`, {
      field,
    });
  }
  if (from > to) throw new RonError('InvalidValue', `--to ${to} is before --from ${from}`, { field: '--to' });
  return { from, to };
}

async function write(
  deps: ExportDeps,
  request: LinesRequest,
  head: SignedHead,
  kind: AuditExportResult['kind'],
  range: { readonly from: number; readonly to: number },
  pieces: (lines: Iterable<ProvenLine>, hashes: ReturnType<typeof treeReader>) => Iterable<Uint8Array>,
): Promise<AuditExportResult> {
  const { from, to } = range;
  const { checkpoint } = head;
  refuseInside(deps, request.out, '--out');
  demandAtHand(head, from, to);
  const hashes = treeReader(head.uncachedTiles, checkpoint.size);
  function* lines(): Generator<ProvenLine> {
    for (const one of provenLines({ files: head.files, paths: head.paths, checkpoint, hashes }, from, to)) {
      yield one;
      const done = one.seq + 1 - from;
      if (done % 4096 === 0 || done === to - from)
        deps.onProgress({ phase: 'export', done, total: to - from, unit: 'records' });
    }
  }
  const writing = { files: deps.host.files, random: deps.host.random };
  const bytes = await writeStream(writing, request.out, joined(pieces(lines(), hashes)));
  return {
    kind,
    out: request.out,
    origin: head.origin,
    epoch: head.epoch,
    trust: head.trust === 'authenticated' ? 'pinned' : 'local',
    checkpoint: checkpointSummary(checkpoint),
    from,
    to,
    records: to - from,
    files_written: 1,
    bytes_written: bytes,
    gaps: [],
    redacted: null,
  };
}

export async function auditExportRedacted(
  request: LinesRequest & { readonly redact: string },
  deps: ExportDeps,
): Promise<AuditExportResult> {
  const members = parseRedactMembers(request.redact);
  const head = await exportHead(deps, request);
  const { size, note } = head.checkpoint;
  const range = rangeOf(request, size);
  let redacted = 0;
  const result = await write(deps, request, head, 'redacted', range, function* (lines, hashes) {
    yield formatHeader({ origin: head.origin, checkpoint: fromUtf8(note)!, ...range });
    for (const { seq, line, leaf } of lines) {
      const item = redact(line, { index: seq, leaf, proof: inclusionProof(seq, size, hashes) }, members);
      if (!('line' in item)) redacted++;
      yield formatItem(item);
    }
  });
  return { ...result, redacted };
}

const KIND_OF: Readonly<Partial<Record<string, RonAuditKind>>> = {
  mint: 'cap_issued',
  revoke: 'cap_revoked',
  'governance.execute': 'policy_changed',
  tune: 'policy_changed',
};

const text = (record: JsonObject, name: string): string => {
  const value = record[name];
  return typeof value === 'string' ? value : '';
};

/** `cap:<root>:<id>` is the only actor that the crate has a member for. */
function actorOf(record: JsonObject): RonAuditRecord['actor'] {
  const id = /^cap:\d+:(.+)$/.exec(text(record, 'actor'))?.[1];
  return {
    members: new Map<string, string | boolean>([id === undefined ? ['anon', true] : ['cap_id', id]]),
    repeated: [],
  };
}

function ronAuditOf(
  line: ProvenLine,
  place: { readonly writerId: string; readonly stream: string },
  prev: string,
): RonAuditRecord {
  const record = parseCanonical(line.line, `record ${line.seq}`) as JsonObject;
  const op = text(record, 'op');
  const input = text(record, 'input_hash');
  const attrs = new Map<string, string | bigint>([
    ['op', op],
    ['index', BigInt(line.seq)],
    ['leaf', toHex(line.leaf)],
  ]);
  const made = {
    v: 1n,
    ts_ms: BigInt(fromTime(text(record, 'ts'))),
    writer_id: place.writerId,
    seq: BigInt(line.seq) + 1n,
    stream: place.stream,
    kind: KIND_OF[op] ?? 'unknown',
    actor: actorOf(record),
    subject: { members: new Map(input === '' ? [] : [['content_id', input]]), repeated: [] },
    reason: text(record, 'result'),
    attrs: { members: attrs, repeated: [] },
    prev,
  } as const;
  return { ...made, self_hash: hashRonAudit(made, 'sorted') };
}

/** The id of the home that the log lies in; of its store where no home says one (a server elsewhere, a bare audit directory). */
function writerOf(deps: ExportDeps, head: SignedHead, source: string | null): string {
  const { files } = deps.host;
  const isOwn = files.published === undefined || files.published.own;
  const home =
    source === null ? (isOwn ? readHome(files, homePaths(deps.home)) : null) : readHome(files, homePaths(source));
  return home?.home_id ?? parseOrigin(head.origin, 'the log').storeId;
}

/** The whole epoch: a chain begins at its first record. */
export async function auditExportRonAudit(request: LinesRequest, deps: ExportDeps): Promise<AuditExportResult> {
  const head = await exportHead(deps, request);
  const range = rangeOf({ from: null, to: request.to }, head.checkpoint.size);
  const place = { writerId: writerOf(deps, head, request.source), stream: head.origin };
  return write(deps, request, head, 'ron-audit', range, function* (lines) {
    let prev = GENESIS_PREV;
    for (const line of lines) {
      const record = ronAuditOf(line, place, prev);
      prev = record.self_hash;
      yield utf8(`${formatRonAudit(record)}\n`);
    }
  });
}
