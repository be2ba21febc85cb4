// Audit record v1 (log page 4.3): one canonical JSON line of at most 16,384 bytes. It holds no free text and no string of
// a caller except tenant, purpose, kid, op_id and login. Refused: unknown members or results, a detail that does not fit
// its op, a mutation without its three heads, a kid without its counter.

import { canonicalBytes, canonicalText, type Json, type JsonObject, parseCanonical } from '../bytes/canonical-json.ts';
import {
  anyObject,
  bytesOf,
  type Decoder,
  hex64,
  integer,
  literal,
  malformed,
  object,
  sha256Digest,
  string,
  time,
} from '../bytes/decode.ts';
import { ascii } from '../bytes/text.ts';
import { ERROR_CODES, RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { AuditDraft, AuditRecord } from './draft.ts';
import { LineReader } from './line.ts';
import { AUDIT_OPS, checkDetail, isKnownOp } from './ops.ts';

export const ACTOR =
  /^(?:local:[0-9]{1,10}:[^\u0000-\u0020\u007f-\u009f:]{1,64}|cap:[0-9]{1,10}:[A-Za-z0-9._:-]{1,128}|system)$/u;
export const OP_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[478][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const TENANT = /^[a-z0-9][a-z0-9._-]{0,63}$/;
export const KID =
  /^[a-z0-9][a-z0-9._-]{0,63}\/[a-z0-9][a-z0-9._-]{0,63}\/[a-z0-9-]{1,16}\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}#v[1-9][0-9]{0,9}$/;
const WORD = /^[a-z0-9][a-z0-9.+_-]{0,63}$/;

const result: Decoder<string> = (value, path) =>
  typeof value === 'string' && (value === 'ok' || Object.hasOwn(ERROR_CODES, value))
    ? value
    : malformed(path, '`ok` or an error code is expected');

const required = {
  v: literal(1),
  seq: integer(0),
  r: bytesOf(16),
  prev: hex64,
  ts: time,
  mono: integer(0),
  boot: string({ pattern: /^[0-9a-f]{8}$/, what: '8 lower-case hex characters' }),
  op: string({ pattern: /^[a-z][a-z.-]{0,63}$/, what: 'an operation name' }),
  op_id: string({ pattern: OP_ID, what: 'a UUID of version 4, 7 or 8' }),
  actor: string({ pattern: ACTOR, what: '`local:<uid>:<login>`, `cap:<root>:<id>` or `system`' }),
  result,
};
const optional = {
  req: hex64,
  tenant: string({ pattern: TENANT, what: 'a tenant name' }),
  kid: string({ pattern: KID, what: 'a key id with its version' }),
  kid_seq: integer(1),
  alg: string({ pattern: WORD, what: 'algorithm names joined by +' }),
  purpose: string({ pattern: TENANT, what: 'a purpose name' }),
  input_hash: string({ pattern: /^b3:[0-9a-f]{64}$/, what: '`b3:` and 64 lower-case hex' }),
  attestation: object({ class: string({ pattern: WORD, what: 'an attestation class' }), evidence: sha256Digest }),
  generation: integer(0),
  manifest_sha256: hex64,
  public_sha256: hex64,
  detail: anyObject,
};
const shape = object(required, optional);

/** A record of a newer version or with an operation that this version does not know: shown, and judged `newer-format`. */
export interface NewerRecord {
  readonly newer: true;
  readonly v: number;
  readonly op: string;
  readonly seq: number;
  readonly prev: string;
  readonly value: JsonObject;
}

function checkRules(record: AuditRecord): void {
  if ((record.kid === undefined) !== (record.kid_seq === undefined)) {
    malformed('kid_seq', 'present exactly when kid is');
  }
  if (record.seq === 0 && record.op !== 'init' && record.op !== 'epoch.open') {
    malformed('op', 'the first record of a log is init or epoch.open');
  }
  if (record.seq !== 0 && (record.op === 'init' || record.op === 'epoch.open')) {
    malformed('op', `${record.op} stands at seq 0 only`);
  }
  const row = AUDIT_OPS[record.op];
  if ((row.mutation && record.result === 'ok') || record.op === 'manifest') {
    for (const member of ['generation', 'manifest_sha256', 'public_sha256'] as const) {
      if (record[member] === undefined) malformed(member, `missing member, which a ${record.op} record needs`);
    }
  }
  if (record.op === 'ledger.append' && record.result === 'ok' && record.public_sha256 === undefined) {
    malformed('public_sha256', 'missing member, which a ledger.append record needs');
  }
  if (record.result === 'ok' || record.detail !== undefined) checkDetail(record.op, record.detail);
}

/** Checks a whole record value. Throws Malformed with the member path. */
export function decodeRecord(value: Json): AuditRecord | NewerRecord {
  const source = anyObject(value, '');
  const v = source['v'];
  const op = source['op'];
  if (typeof v !== 'number' || v < 1) return malformed('v', 'a record version is expected');
  if (v > 1 || (typeof op === 'string' && required.op(op, 'op') === op && !isKnownOp(op))) {
    const seq = integer(0)(source['seq'] ?? null, 'seq');
    const prev = hex64(source['prev'] ?? null, 'prev');
    return { newer: true, v, op: typeof op === 'string' ? op : '', seq, prev, value: source };
  }
  const record = shape(source, '') as unknown as AuditRecord & { readonly r: unknown };
  const whole = { ...record, r: source['r'] as string } as AuditRecord;
  checkRules(whole);
  return whole;
}

/** Parses one line (without LF). Throws Malformed. */
export function parseRecord(line: Uint8Array, what: string): AuditRecord | NewerRecord {
  if (line.length > LIMITS.auditLineBytes) malformed('', `${what}: longer than ${LIMITS.auditLineBytes} bytes`);
  return decodeRecord(parseCanonical(line, what));
}

/** What the appender adds to a draft. */
export interface RecordPlace {
  readonly seq: number;
  /** 16 random bytes as base64url. Attack: else a redacted leaf is guessed from tenant and kid. */
  readonly r: string;
  readonly prev: string;
  readonly ts: string;
  readonly mono: number;
  readonly boot: string;
  readonly op_id: string;
  readonly kid_seq?: number;
}

/** Members in canonical order. */
const ORDER = [...Object.keys(required), ...Object.keys(optional)].sort() as readonly (keyof AuditRecord)[];

/** Canonical text of a record whose `detail` is canonical text already; checked by the caller. */
function quickText(record: AuditRecord): string {
  let out = '';
  for (const name of ORDER) {
    const value = record[name];
    if (value === undefined) continue;
    const text = typeof value === 'object' ? canonicalText(value) : JSON.stringify(value);
    out += `${out === '' ? '{' : ','}"${name}":${text}`;
  }
  return `${out}}`;
}

/** A draft that does not fit is a bug of the caller: Internal, naming the member. */
function checkRecord(record: AuditRecord): void {
  try {
    const decoded = decodeRecord(record as unknown as JsonObject);
    if ('newer' in decoded) malformed('op', `unknown operation ${decoded.op}`);
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    throw new RonError('Internal', `audit record ${record.op} refused: ${error.message}`, { cause: error });
  }
}

/**
 * Builds and checks a record. What `reader` takes is canonical and well typed; the rest goes through the full checks, which
 * say what is wrong. TooLarge beyond 16,384 bytes.
 */
export function buildRecord(
  draft: AuditDraft,
  place: RecordPlace,
  reader: LineReader = new LineReader(),
): { record: AuditRecord; line: Uint8Array } {
  const record: AuditRecord = { ...draft, ...place, v: 1 };
  const text = quickText(record);
  const quick = Object.keys(record).every((name) => KNOWN.has(name)) && reader.read(text) !== null;
  if (!quick) checkRecord(record);
  const line = quick ? ascii(text) : canonicalBytes(record);
  if (line.length > LIMITS.auditLineBytes) {
    throw new RonError('TooLarge', `audit record ${draft.op} has ${line.length} bytes, over ${LIMITS.auditLineBytes}`);
  }
  return { record, line };
}

const KNOWN: ReadonlySet<string> = new Set(ORDER);
