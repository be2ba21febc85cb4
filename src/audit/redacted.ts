// A redacted export: JSON Lines, each canonical. The header {checkpoint, format:"ron-audit-redacted/1", from,
// origin, to}, then per record, in order, {index, line, proof} or {index, leaf_hash, proof, redacted:[members], shown:{...}}.
// proof = inclusion path, standard base64, from the leaf upwards; leaf_hash is hex. The place of every record is provable;
// `shown` is what somebody says. Attack: `r` shown with the rest makes a hidden member guessable by its leaf hash, so it is
// never shown; tenant and purpose stand in the kid, so they go together.

import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { canonicalFile, type JsonObject, parseCanonical } from '../bytes/canonical-json.ts';
import {
  anyObject,
  array,
  decodeCanonical,
  hex64,
  integer,
  literal,
  malformed,
  object,
  string,
} from '../bytes/decode.ts';
import { fromHex, toHex } from '../bytes/hex.ts';
import { utf8 } from '../bytes/text.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { HASH_BYTES } from './leaf.ts';

export const REDACTED_FORMAT = 'ron-audit-redacted/1';

/** Members of a record that may be left out. `r` goes with any of them. */
export const REDACTABLE = [
  'ts',
  'mono',
  'boot',
  'op',
  'op_id',
  'req',
  'actor',
  'tenant',
  'kid',
  'kid_seq',
  'alg',
  'purpose',
  'input_hash',
  'result',
  'attestation',
  'generation',
  'manifest_sha256',
  'public_sha256',
  'detail',
] as const;

/** What a member also stands in. */
const ALSO: Readonly<Partial<Record<string, readonly string[]>>> = {
  tenant: ['kid'],
  purpose: ['kid'],
  alg: ['kid'],
};

/** From `a,b`; throws InvalidValue naming `--redact`. */
export function parseRedactMembers(text: string): ReadonlySet<string> {
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    if ((REDACTABLE as readonly string[]).includes(name)) continue;
    throw new RonError('InvalidValue', `--redact: no member that can be left out: ${JSON.stringify(name)}`, {
      field: '--redact',
      hint: `Members: ${REDACTABLE.join(', ')}.`,
    });
  }
  return new Set(names.flatMap((name) => [name, ...(ALSO[name] ?? [])]));
}

export interface RedactedHeader {
  readonly origin: string;
  /** The exact note. */
  readonly checkpoint: string;
  readonly from: number;
  readonly to: number;
}

export type RedactedItem = {
  readonly index: number;
  readonly proof: readonly Uint8Array[];
} & (
  | { readonly line: Uint8Array }
  | { readonly leaf: Uint8Array; readonly redacted: readonly string[]; readonly shown: JsonObject }
);

export function formatHeader(header: RedactedHeader): Uint8Array {
  return canonicalFile({ format: REDACTED_FORMAT, ...header });
}

/** A record with everything of `members` left out; the whole line when it has none of them. */
export function redact(
  line: Uint8Array,
  place: { readonly index: number; readonly leaf: Uint8Array; readonly proof: readonly Uint8Array[] },
  members: ReadonlySet<string>,
): RedactedItem {
  const { index, proof, leaf } = place;
  const record = parseCanonical(line, `record ${index}`) as JsonObject;
  const names = Object.keys(record);
  const isHidden = (name: string): boolean =>
    members.has(name) || (name === 'detail' && members.has('tenant') && namesTenant(record));
  const hidden = names.filter(isHidden);
  if (hidden.length === 0) return { index, proof, line };
  const shown = Object.fromEntries(Object.entries(record).filter(([name]) => name !== 'r' && !hidden.includes(name)));
  return { index, proof, leaf, redacted: [...hidden, ...(names.includes('r') ? ['r'] : [])].sort(), shown };
}

/** The scope of a tune, for example, names the tenant. */
function namesTenant(record: JsonObject): boolean {
  const detail = JSON.stringify(record['detail'] ?? null);
  const tenant = record['tenant'];
  return detail.includes('tenant:') || (typeof tenant === 'string' && detail.includes(JSON.stringify(tenant)));
}

export function formatItem(item: RedactedItem): Uint8Array {
  const proof = item.proof.map(toBase64);
  const { index } = item;
  if ('line' in item) return canonicalFile({ index, line: Buffer.from(item.line).toString('utf8'), proof });
  return canonicalFile({ index, leaf_hash: toHex(item.leaf), redacted: [...item.redacted], shown: item.shown, proof });
}

const headerShape = object({
  format: literal(REDACTED_FORMAT),
  origin: string({ maxBytes: 255 }),
  checkpoint: string({ maxBytes: 256 * 1024 }),
  from: integer(0),
  to: integer(0),
});
const proofShape = array(string({ maxBytes: 64 }), 63);
const wholeShape = object({ index: integer(0), line: string({ maxBytes: LIMITS.auditLineBytes }), proof: proofShape });
const hiddenShape = object({
  index: integer(0),
  leaf_hash: hex64,
  redacted: array(string({ maxBytes: 64 }), 64, 1),
  shown: anyObject,
  proof: proofShape,
});

/** True when the first line of a file is the header of this format, in any version. */
export const isRedactedHeader = (line: Uint8Array): boolean =>
  Buffer.from(line.buffer, line.byteOffset, line.length).includes('"format":"ron-audit-redacted/');

/** Throws Malformed, naming `what`, or NewerVersion for another number of this format. */
export function parseHeader(line: Uint8Array, what: string): RedactedHeader {
  const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
  const format = /"format":"(ron-audit-redacted\/[0-9]+)"/.exec(text)?.[1];
  if (format !== undefined && format !== REDACTED_FORMAT) {
    throw new RonError('NewerVersion', `${what}: ${format} was written by a newer ronctl`, { field: 'format' });
  }
  const { format: _, ...header } = decodeCanonical(headerShape, line, what);
  if (header.to < header.from) malformed('to', `${what}: smaller than from`);
  return header;
}

/** Throws Malformed; also for a shown member that is said to be left out, and for a shown `r`. */
export function parseItem(line: Uint8Array, what: string): RedactedItem {
  const raw = parseCanonical(line, what);
  const isWhole = raw !== null && typeof raw === 'object' && 'line' in raw;
  const item = isWhole ? decodeCanonical(wholeShape, line, what) : decodeCanonical(hiddenShape, line, what);
  const proof = item.proof.map(
    (hash, at) => fromBase64(hash, HASH_BYTES) ?? malformed(`proof[${at}]`, `${what}: 32 bytes as base64 are expected`),
  );
  if ('line' in item) return { index: item.index, proof, line: utf8(item.line) };
  const { redacted, shown } = item;
  if (!redacted.includes('r') || 'r' in shown) malformed('shown.r', `${what}: r is never shown`);
  const both = redacted.find((name) => name in shown);
  if (both !== undefined) malformed(`shown.${both}`, `${what}: is said to be left out`);
  return { index: item.index, proof, leaf: fromHex(item.leaf_hash, HASH_BYTES)!, redacted, shown };
}
