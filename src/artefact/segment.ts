// Recognisers of the line formats, read line by line so that any length fits: audit segments (log page 4.3), ledger segments
// (governance page 9) and the list of checkpoints. Checked: every line is canonical and of its form, numbers and links follow one another, and
// in a ledger every signature whose key is known so far. A segment alone proves no signature of the log: that is in a
// checkpoint.

import { leafHash, NO_PREVIOUS } from '../audit/leaf.ts';
import { parseRecord } from '../audit/record.ts';
import { type JsonObject, parseCanonical } from '../bytes/canonical-json.ts';
import { toHex } from '../bytes/hex.ts';
import { fromUtf8 } from '../bytes/text.ts';
import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import { type Line, parseLine } from '../governance/ledger.ts';
import type { Artefact, ArtefactCheck, ArtefactMember, ArtefactSignature, KnownKey } from './artefact.ts';
import { CheckpointList } from './checkpoint-list.ts';
import { keysIn } from './known-keys.ts';
import { LISTED, type SegmentReader, tornNote } from './lines.ts';
import { describeSigned } from './signed.ts';

/** What both kinds count. */
class Counters {
  lines = 0;
  firstSeq = -1;
  lastSeq = -1;
  firstTime = '';
  lastTime = '';
  readonly #kinds = new Map<string, number>();
  readonly #defects: ArtefactCheck[] = [];
  #defectCount = 0;

  defect(what: string, found: string): void {
    if (this.#defects.length < LISTED) this.#defects.push({ what, ok: false, found });
    this.#defectCount++;
  }

  line(seq: number, time: string, kind: string): void {
    if (this.lines === 0) {
      this.firstSeq = seq;
      this.firstTime = time;
    }
    this.lines++;
    this.lastSeq = seq;
    this.lastTime = time;
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
  }

  members(unit: string): ArtefactMember[] {
    const kinds = [...this.#kinds].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      { name: unit, value: `${this.lines}, seq ${this.firstSeq} to ${this.lastSeq}` },
      { name: 'ts', value: `${this.firstTime} to ${this.lastTime}` },
      ...kinds.map(([kind, count]) => ({ name: kind, value: String(count) })),
    ];
  }

  checks(passed: readonly string[]): ArtefactCheck[] {
    if (this.#defectCount === 0) return passed.map((what) => ({ what, ok: true }));
    const more = this.#defectCount - this.#defects.length;
    return more === 0 ? this.#defects : [...this.#defects, { what: 'further defects', ok: false, found: String(more) }];
  }
}

class AuditSegment implements SegmentReader {
  readonly #count = new Counters();
  #previous = '';
  #readable = 0;

  push(line: Uint8Array): void {
    const expected = this.#count.lines === 0 ? null : this.#count.lastSeq + 1;
    const what = `record ${expected ?? 'at the start'}`;
    const hash = toHex(leafHash(line));
    try {
      const record = parseRecord(line, what);
      if (expected !== null && record.seq !== expected) this.#count.defect(`${what}: seq`, `seq ${record.seq}`);
      const linked = expected === null ? (record.seq === 0 ? NO_PREVIOUS : record.prev) : this.#previous;
      if (record.prev !== linked)
        this.#count.defect(`record ${record.seq}: prev is the leaf hash of the record before`, record.prev);
      const newer = 'newer' in record;
      this.#count.line(record.seq, newer ? '' : record.ts, `op ${record.op}`);
      if (newer) this.#readable++;
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      this.#count.defect(what, error.message);
      this.#count.line(expected ?? 0, '', 'not readable');
    }
    this.#previous = hash;
  }

  end(tornBytes: number): Artefact {
    const newer = this.#readable === 0 ? [] : [`${this.#readable} records of a newer version`];
    return {
      kind: 'audit segment',
      version: 1,
      type: null,
      digest: null,
      words: null,
      members: [...this.#count.members('records'), { name: 'last leaf', value: this.#previous }],
      signatures: [],
      checks: this.#count.checks(['every record is canonical and of its form', 'seq and prev follow one another']),
      unchecked: [
        ...tornNote(tornBytes),
        ...newer,
        'what comes before and after this segment, and the signed tree: `ronctl audit verify`',
      ],
    };
  }
}

class LedgerSegment implements SegmentReader {
  readonly #crypto: Crypto;
  readonly #keys: KnownKey[];
  readonly #count = new Counters();
  readonly #signatures: ArtefactSignature[] = [];
  readonly #verdicts = { valid: 0, invalid: 0, 'key unknown': 0 };
  #previous: { readonly seq: number; readonly hash: string } | null = null;

  constructor(crypto: Crypto, keys: readonly KnownKey[]) {
    this.#crypto = crypto;
    this.#keys = [...keys];
  }

  push(bytes: Uint8Array): void {
    const expected = this.#count.lines === 0 ? null : this.#count.lastSeq + 1;
    try {
      const raw = parseCanonical(bytes, 'ledger line') as JsonObject;
      const line = parseLine(bytes, this.#count.lines === 0 ? before(raw) : this.#previous);
      this.#previous = line;
      this.#count.line(line.seq, line.ts, line.type);
      this.#judge(line);
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      this.#count.defect(`line ${expected ?? 'at the start'}`, error.message);
      this.#count.line(expected ?? 0, '', 'not readable');
      const stated = statedPlace(bytes);
      if (stated !== null) this.#previous = stated;
    }
  }

  #judge(line: Line): void {
    if (!('payload' in line.body)) return;
    const envelope = line.body as Parameters<typeof keysIn>[0];
    const object = `line ${line.seq}`;
    const described = describeSigned(this.#crypto, envelope, this.#keys);
    this.#keys.push(...keysIn(envelope));
    if (described === null) {
      this.#count.defect(object, `an object of the type ${envelope.payloadType} does not belong into a ledger`);
      return;
    }
    for (const one of described.checks) if (!one.ok) this.#count.defect(`${object}: ${one.what}`, one.found ?? '');
    for (const one of described.signatures) {
      this.#verdicts[one.verdict]++;
      if (one.verdict === 'valid') continue;
      if (this.#signatures.length < LISTED) this.#signatures.push({ ...one, object });
    }
  }

  end(tornBytes: number): Artefact {
    const { valid, invalid } = this.#verdicts;
    return {
      kind: 'ledger segment',
      version: 1,
      type: null,
      digest: null,
      words: null,
      members: [
        ...this.#count.members('lines'),
        { name: 'last hash', value: this.#previous?.hash ?? '' },
        {
          name: 'signatures',
          value: `${valid} valid, ${invalid} invalid, ${this.#verdicts['key unknown']} key unknown`,
        },
      ],
      signatures: this.#signatures,
      checks: this.#count.checks(['every line is canonical and of its form', 'seq, prev and hash follow one another']),
      unchecked: [
        ...tornNote(tornBytes),
        'what comes before and after this segment, the quorums, and whether the log has committed it: `ronctl governance verify --all`',
      ],
    };
  }
}

/** The place that the first line of a later segment claims to follow. */
function before(raw: JsonObject): { seq: number; hash: string } | null {
  const seq = raw['seq'];
  const prev = raw['prev'];
  return typeof seq === 'number' && seq > 0 && typeof prev === 'string' ? { seq: seq - 1, hash: prev } : null;
}

/** Seq and hash as a bad line states them, so that one bad line is one finding. */
function statedPlace(bytes: Uint8Array): { seq: number; hash: string } | null {
  try {
    const raw = parseCanonical(bytes, 'ledger line') as JsonObject;
    return typeof raw['seq'] === 'number' && typeof raw['hash'] === 'string'
      ? { seq: raw['seq'], hash: raw['hash'] }
      : null;
  } catch {
    return null;
  }
}

/** A reader for the segment that begins with this line, or null when it is no segment. */
export function openSegment(crypto: Crypto, firstLine: Uint8Array, keys: readonly KnownKey[]): SegmentReader | null {
  const text = fromUtf8(firstLine);
  if (text === null || !text.startsWith('{')) return null;
  let members: Set<string>;
  try {
    const parsed: unknown = JSON.parse(text);
    if (parsed === null || typeof parsed !== 'object') return null;
    members = new Set(Object.keys(parsed));
  } catch {
    return null;
  }
  const has = (...names: readonly string[]): boolean => names.every((one) => members.has(one));
  if (has('seq', 'prev', 'ts', 'op', 'mono')) return new AuditSegment();
  if (has('size', 'note_b64') && members.size === 2) return new CheckpointList(crypto, keys);
  if (has('seq', 'prev', 'ts', 'type', 'body', 'hash')) return new LedgerSegment(crypto, keys);
  return null;
}
