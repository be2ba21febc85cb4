// The fast path of the semantic pass: one expression that matches the lines that this version writes, whose match proves
// canonical form and the types of every member outside `detail`; `detail` is checked by its schema. What it does not match
// is judged by the full parser (record.ts): the fast path only ever accepts, and accepts nothing that the parser refuses.

import type { Json, JsonObject } from '../bytes/canonical-json.ts';
import { ERROR_CODES, RonError } from '../errors.ts';
import type { ChainRecord } from './chain-record.ts';
import type { AuditOp } from './draft.ts';
import { LineShape, pairClasses } from './line-shape.ts';
import { AUDIT_OPS, checkDetail, isKnownOp } from './ops.ts';

const NAME = '[a-z0-9][a-z0-9._-]{0,63}';
const HEX64 = '[0-9a-f]{64}';
const COUNT = '(0|[1-9][0-9]{0,14})';
const POSITIVE = '([1-9][0-9]{0,14})';

/** A fixed count is written out: the engine then compiles straight code instead of a counting loop. */
const unrolled = (source: string): string =>
  source.replaceAll(/(\[[^\]\\]+\])\{(\d+)\}/g, (_, set: string, count: string) => set.repeat(Number(count)));

const LINE = new RegExp(
  unrolled(
    [
      '^\\{"actor":"(?:local:[0-9]{1,10}:[!#-9;-\\[\\]-~]{1,64}|cap:[0-9]{1,10}:[A-Za-z0-9._:-]{1,128}|system)",',
      '(?:"alg":"[a-z0-9][a-z0-9.+_-]{0,63}",)?',
      '"boot":"([0-9a-f]{8})",',
      '(?:"detail":(\\{[ -\\[\\]-~]*?\\}),)?',
      `(?:"generation":${COUNT},)?`,
      `(?:"input_hash":"b3:${HEX64}",)?`,
      `(?:"kid":"(${NAME}/${NAME}/[a-z0-9-]{1,16}/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})#v[1-9][0-9]{0,9}","kid_seq":${POSITIVE},)?`,
      `(?:"manifest_sha256":"(${HEX64})",)?`,
      `"mono":${COUNT},`,
      '"op":"([a-z][a-z.-]{0,63})",',
      '"op_id":"[0-9a-f]{8}-[0-9a-f]{4}-[478][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",',
      `"prev":"${HEX64}",`,
      `(?:"public_sha256":"(${HEX64})",)?`,
      `(?:"purpose":"${NAME}",)?`,
      '"r":"[A-Za-z0-9_-]{21}[AQgw]",',
      `(?:"req":"${HEX64}",)?`,
      '"result":"([A-Za-z]{1,40})",',
      `"seq":${COUNT},`,
      `(?:"tenant":"${NAME}",)?`,
      '"ts":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z)","v":1\\}$',
    ].join(''),
  ),
);

/** True for a parsed value whose `JSON.stringify` is its canonical text: members sorted, integers only. */
function isSorted(value: Json): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (value === null || typeof value !== 'object') return true;
  if (Array.isArray(value)) return value.every(isSorted);
  let previous: string | null = null;
  for (const [name, inner] of Object.entries(value as JsonObject)) {
    if ((previous !== null && name <= previous) || !isSorted(inner)) return false;
    previous = name;
  }
  return true;
}

const DETAILS_KEPT = 512;
const SHAPES_KEPT = 256;
/** A line that fits no shape is learned at most this often, so that a log without repetition costs little. */
const LEARN_EVERY = 8;
const NO_DETAIL = '';
const PREV = '"prev":"';
/** No detail text looks like this. */
const NEVER = 'never';

/** The same for all. */
let classes: Uint8Array | null = null;

export class LineReader {
  /** Details that have passed their schema, by op and text. */
  readonly #details = new Map<string, JsonObject | undefined>();
  /** By length. */
  readonly #shapes = new Map<number, LineShape>();
  #misses = 0;
  #chunk: Buffer | null = null;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #second = '';
  #op: AuditOp = 'init';
  #mutation = AUDIT_OPS.init.mutation;
  #lastDetail: string | undefined = NEVER;
  #lastOk = true;
  #detailValue: JsonObject | undefined;

  /** Where the value of `prev` begins in the chunk of the last line that was read. */
  prevAt = -1;

  /** The line at [start, end) of a chunk: by the shapes of lines before it, else in full. Null as in `read`. */
  readLine(chunk: Buffer, start: number, end: number): ChainRecord | null {
    const shape = this.#shapes.get(end - start);
    if (shape !== undefined && chunk !== this.#chunk) {
      this.#chunk = chunk;
      this.#view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    }
    const quick = shape?.read(chunk, this.#view, start) ?? null;
    if (quick !== null) {
      this.prevAt = start + shape!.prevAt;
      return quick;
    }
    const text = chunk.toString('latin1', start, end);
    const record = this.read(text);
    // No member behind it has members of its own.
    this.prevAt = start + text.lastIndexOf(PREV) + PREV.length;
    if (record !== null && this.#misses++ % LEARN_EVERY === 0) this.#learn(text, record);
    return record;
  }

  #learn(text: string, record: ChainRecord): void {
    // Records with heads are rare, and their digests are not among the fields of a shape.
    if (record.generation !== undefined || text.includes('"public_sha256"')) return;
    if (this.#shapes.size >= SHAPES_KEPT) this.#shapes.clear();
    classes ??= pairClasses();
    const detail = record.detail === undefined ? '' : `"detail":${this.#lastDetail},`;
    const rest = detail === '' ? 0 : text.indexOf(detail) + detail.length;
    this.#shapes.set(text.length, new LineShape(text, record, rest, classes));
  }

  /** `text` is the line as latin1. Null when the full parser must decide. */
  read(text: string): ChainRecord | null {
    const match = LINE.exec(text);
    if (match === null) return null;
    const [, boot, detailText, generation, kid, kidSeq, manifest, mono, op, publicSha256, result, seq, ts] = match;
    // Neighbours are mostly alike: the tables are asked only when something changes.
    if (op !== this.#op) {
      if (!isKnownOp(op!)) return null;
      this.#op = op;
      this.#mutation = AUDIT_OPS[op].mutation;
      this.#lastDetail = NEVER;
    }
    const ok = result === 'ok';
    if (!ok && !Object.hasOwn(ERROR_CODES, result!)) return null;
    const heads = generation !== undefined && manifest !== undefined && publicSha256 !== undefined;
    if (((this.#mutation && ok) || op === 'manifest') && !heads) return null;
    if (op === 'ledger.append' && ok && publicSha256 === undefined) return null;
    if ((seq === '0') !== (op === 'init' || op === 'epoch.open')) return null;
    if (!this.#time(ts!)) return null;
    if (detailText !== this.#lastDetail || ok !== this.#lastOk) {
      const checked = this.#detail(this.#op, ok, detailText);
      if (checked === null) return null;
      this.#lastDetail = detailText;
      this.#lastOk = ok;
      this.#detailValue = checked;
    }
    return {
      seq: Number(seq),
      ts: ts!,
      mono: Number(mono),
      boot: boot!,
      op: this.#op,
      ok,
      kid,
      kidSeq: kidSeq === undefined ? 0 : Number(kidSeq),
      generation: generation === undefined ? undefined : Number(generation),
      detail: this.#detailValue,
    };
  }

  #time(ts: string): boolean {
    const second = ts.slice(0, 19);
    if (second === this.#second) return true;
    const millis = Date.parse(ts);
    if (Number.isNaN(millis) || new Date(millis).toISOString() !== ts) return false;
    this.#second = second;
    return true;
  }

  /** Undefined when there is none; null when it is not canonical or does not fit. */
  #detail(op: AuditOp, ok: boolean, text: string | undefined): JsonObject | undefined | null {
    const key = `${op} ${ok ? '' : '!'}${text ?? NO_DETAIL}`;
    const known = this.#details.get(key);
    if (known !== undefined || this.#details.has(key)) return known;
    let detail: JsonObject | undefined;
    try {
      if (text !== undefined) {
        const value = JSON.parse(text) as JsonObject;
        if (JSON.stringify(value) !== text || !isSorted(value)) return null;
        detail = value;
      }
      if (ok || detail !== undefined) checkDetail(op, detail);
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof RonError) return null;
      throw error;
    }
    if (this.#details.size >= DETAILS_KEPT) this.#details.clear();
    this.#details.set(key, detail);
    return detail;
  }
}
