// AuditRecord of the ron-audit crate as JSON Lines (I-50): {v, ts_ms, writer_id, seq, stream, kind, actor, subject, reason,
// attrs, prev, self_hash}. self_hash = "b3:" + BLAKE3 of the record without it, string values in NFC, under one of two rules:
// `sorted` (keys by UTF-8 bytes at every level, what the crate computes) or `declared` (the order that its documents name).
// The hash has no key and no signature: who can write the file can write all of it. Refused: unknown, missing or repeated
// members, another kind, fractions, integers beyond 64 bits.

import { utf8 } from '../bytes/text.ts';
import { blake3Hex } from '../crypto/blake3.ts';
import { RonError } from '../errors.ts';
import { isObject, type Lossless, type LosslessObject, parseLossless } from './lossless-json.ts';

export const KINDS = [
  'unknown',
  'cap_issued',
  'cap_revoked',
  'policy_changed',
  'index_write',
  'get_served',
  'quota_reject',
] as const;
export type RonAuditKind = (typeof KINDS)[number];

export type HashRule = 'sorted' | 'declared';
export const RULES: readonly HashRule[] = ['sorted', 'declared'];

export const GENESIS_PREV = 'b3:0';
export const ATTRS_BYTES_MAX = 1024;
export const RECORD_BYTES_MAX = 4096;

export interface RonAuditRecord {
  readonly v: bigint;
  readonly ts_ms: bigint;
  readonly writer_id: string;
  readonly seq: bigint;
  readonly stream: string;
  readonly kind: RonAuditKind;
  readonly actor: LosslessObject;
  readonly subject: LosslessObject;
  readonly reason: string;
  readonly attrs: Lossless;
  readonly prev: string;
  readonly self_hash: string;
}

const ORDER = [
  'v',
  'ts_ms',
  'writer_id',
  'seq',
  'stream',
  'kind',
  'actor',
  'subject',
  'reason',
  'attrs',
  'prev',
] as const;
const MEMBERS: readonly string[] = [...ORDER, 'self_hash'];
const U16 = 2n ** 16n - 1n;
const U64 = 2n ** 64n - 1n;

const ACTOR = { cap_id: 'string', key_fpr: 'string', passport_id: 'string', anon: 'boolean' } as const;
const SUBJECT = { content_id: 'string', ledger_txid: 'string', name: 'string' } as const;

function refuse(what: string, member: string, why: string): never {
  throw new RonError('Malformed', `${what}: ${member}: ${why}`, { field: member });
}

/** Known members that are not null, in declared order; the others are dropped, as the crate does. */
function known(value: Lossless, shape: Readonly<Record<string, string>>, what: string, member: string): LosslessObject {
  if (!isObject(value)) return refuse(what, member, 'an object is expected');
  const members = new Map<string, Lossless>();
  for (const [name, type] of Object.entries(shape)) {
    if (value.repeated.includes(name)) refuse(what, `${member}.${name}`, 'stands twice');
    const one = value.members.get(name);
    if (one === undefined || one === null) continue;
    if (typeof one !== type) refuse(what, `${member}.${name}`, `a ${type} is expected`);
    members.set(name, one);
  }
  return { members, repeated: [] };
}

/** Throws Malformed naming `what` and the member. */
export function parseRonAudit(text: string, what: string): RonAuditRecord {
  const value = parseLossless(text, what);
  if (!isObject(value)) throw new RonError('Malformed', `${what}: an object is expected`);
  const { members, repeated } = value;
  for (const name of members.keys()) if (!MEMBERS.includes(name)) refuse(what, name, 'unknown member');
  for (const name of repeated) refuse(what, name, 'stands twice');
  const get = (name: string): Lossless =>
    members.get(name) ?? (members.has(name) ? null : refuse(what, name, 'is missing'));
  const string = (name: string): string => {
    const one = get(name);
    return typeof one === 'string' ? one : refuse(what, name, 'a string is expected');
  };
  const integer = (name: string, max: bigint): bigint => {
    const one = get(name);
    return typeof one === 'bigint' && one >= 0n && one <= max
      ? one
      : refuse(what, name, `an integer up to ${max} is expected`);
  };
  const kind = string('kind');
  return {
    v: integer('v', U16),
    ts_ms: integer('ts_ms', U64),
    writer_id: string('writer_id'),
    seq: integer('seq', U64),
    stream: string('stream'),
    kind: KINDS.find((one) => one === kind) ?? refuse(what, 'kind', `one of ${KINDS.join(', ')} is expected`),
    actor: known(get('actor'), ACTOR, what, 'actor'),
    subject: known(get('subject'), SUBJECT, what, 'subject'),
    reason: string('reason'),
    attrs: get('attrs'),
    prev: string('prev'),
    self_hash: string('self_hash'),
  };
}

const object = (entries: readonly (readonly [string, Lossless])[]): LosslessObject => ({
  members: new Map(entries),
  repeated: [],
});

const ABOVE_SURROGATES = /[\ud800-\uffff]/;

/** Not always the order of `sort()`, which puts U+1F600 before U+E000. */
function byUtf8(a: string, b: string): number {
  if (ABOVE_SURROGATES.test(a) || ABOVE_SURROGATES.test(b)) return Buffer.compare(utf8(a), utf8(b));
  return a < b ? -1 : Number(a > b);
}

/** String values in NFC; names stay as they are. */
function print(value: Lossless, rule: HashRule | 'as written'): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return JSON.stringify(rule === 'as written' ? value : value.normalize('NFC'));
  if (!isObject(value)) return `[${value.map((one) => print(one, rule)).join(',')}]`;
  const names = [...value.members.keys()];
  if (rule === 'sorted') names.sort(byUtf8);
  return `{${names.map((name) => `${JSON.stringify(name)}:${print(value.members.get(name)!, rule)}`).join(',')}}`;
}

const declared = (record: Omit<RonAuditRecord, 'self_hash'>): LosslessObject =>
  object(ORDER.map((name) => [name, record[name]]));

/** What is hashed. */
export function canonicalRonAudit(record: Omit<RonAuditRecord, 'self_hash'>, rule: HashRule): string {
  return print(declared(record), rule);
}

export function hashRonAudit(record: Omit<RonAuditRecord, 'self_hash'>, rule: HashRule): string {
  return `b3:${blake3Hex(utf8(canonicalRonAudit(record, rule)))}`;
}

/** The rule under which self_hash is right; null for none. */
export function matchingRule(record: RonAuditRecord): HashRule | null {
  return RULES.find((rule) => hashRonAudit(record, rule) === record.self_hash) ?? null;
}

/** As the crate writes it: declared order, one line without LF. */
export function formatRonAudit(record: RonAuditRecord): string {
  const { members } = declared(record);
  return print(object([...members, ['self_hash', record.self_hash]]), 'as written');
}

/** Which of the optional bounds of the crate a record exceeds. */
export function exceededBounds(record: RonAuditRecord): string[] {
  const attrs = Buffer.byteLength(print(record.attrs, 'as written'));
  const whole = Buffer.byteLength(formatRonAudit(record));
  return [
    ...(attrs > ATTRS_BYTES_MAX ? [`attrs has ${attrs} bytes, at most ${ATTRS_BYTES_MAX} are allowed`] : []),
    ...(whole > RECORD_BYTES_MAX ? [`the record has ${whole} bytes, at most ${RECORD_BYTES_MAX} are allowed`] : []),
  ];
}
