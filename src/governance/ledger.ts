// One line of the ledger (governance page 9): canonical JSON {seq, prev, ts, type, body, hash} in segments of 4,096 lines,
//   hash = H(gov.ledger-line.v1, line without hash), first prev = "sha256:" and 64 zeros.
// This module builds and parses lines and checks that they follow one another; what they do is ledger-state.ts. Refuses
// unknown types, bodies of another shape, a wrong hash or link.

import { canonicalBytes, type JsonObject, parseCanonical } from '../bytes/canonical-json.ts';
import {
  any,
  anyObject,
  array,
  type Decoder,
  integer,
  literal,
  malformed,
  object,
  sha256Digest,
  string,
  time,
} from '../bytes/decode.ts';
import { decodeEnvelope, type Envelope, envelopeJson } from '../envelope/dsse.ts';
import { digestH } from '../envelope/h.ts';
import type { Moment } from '../host.ts';
import type { Scope } from '../policy/state.ts';
import { LEDGER_LINE_TYPE, scope } from './names.ts';

export const FIRST_PREV = `sha256:${'0'.repeat(64)}`;

export type EnvelopeLineType =
  | 'genesis'
  | 'proposal'
  | 'statement'
  | 'possession'
  | 'roll-call'
  | 'dispute'
  | 'execution';
const ENVELOPE_TYPES: readonly EnvelopeLineType[] = [
  'genesis',
  'proposal',
  'statement',
  'possession',
  'roll-call',
  'dispute',
  'execution',
];

export interface PlannedEffect {
  readonly n: number;
  readonly effect: string;
  readonly op_id: string;
}

export interface Intent {
  readonly proposal_digest: string;
  /** Sorted. */
  readonly statements: readonly string[];
  readonly judged_at: Moment;
  readonly plan: readonly PlannedEffect[];
}

export interface Failed {
  readonly proposal_digest: string;
  readonly applied: readonly number[];
  readonly reason: string;
  readonly judged_at: Moment;
}

export interface Tune {
  readonly scope: Scope;
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly baseline: number;
  /** Ledger line of the execution whose live envelope allows more than 20 %. */
  readonly envelope?: number;
  readonly actor: string;
  readonly judged_at: Moment;
}

export interface Rollback {
  readonly proposal_digest: string;
  readonly scope: Scope;
  readonly changes: readonly { readonly key: string; readonly from: JsonValue; readonly to: JsonValue }[];
  readonly duration_s: number;
  readonly actor: string;
  readonly judged_at: Moment;
}

export interface Note {
  readonly kind: 'text' | 'evidence' | 'fallback';
  readonly data: JsonObject;
  readonly actor: string;
  readonly judged_at: Moment;
}

type JsonValue = ReturnType<typeof any>;

export type LineBody =
  | { readonly type: EnvelopeLineType; readonly body: Envelope }
  | { readonly type: 'intent'; readonly body: Intent }
  | { readonly type: 'failed'; readonly body: Failed }
  | { readonly type: 'tune'; readonly body: Tune }
  | { readonly type: 'rollback'; readonly body: Rollback }
  | { readonly type: 'note'; readonly body: Note }
  | { readonly type: 'escalation' | 'merge' | 'post-audit'; readonly body: JsonObject };

export type Line = LineBody & {
  readonly seq: number;
  readonly prev: string;
  readonly ts: string;
  readonly hash: string;
};

export const moment: Decoder<Moment> = object({
  wall: time,
  boot_id: string({ pattern: /^[\x21-\x7e]{1,64}$/, what: 'a boot id' }),
  boottime_ms: integer(0),
});

/** An action and the change of V; room for actions of several steps. */
export const MAX_EFFECTS = 8;

const plan = array(
  object({
    n: integer(0, MAX_EFFECTS),
    effect: string({ pattern: /^[a-z][a-z-]{0,31}$/, what: 'an effect name' }),
    op_id: string({
      pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      what: 'a UUIDv8',
    }),
  }),
  MAX_EFFECTS,
  1,
);
const actor = string({ maxBytes: 256 });

export const intentBody: Decoder<Intent> = object({
  proposal_digest: sha256Digest,
  statements: array(sha256Digest, 32, 1),
  judged_at: moment,
  plan,
});
const failed: Decoder<Failed> = object({
  proposal_digest: sha256Digest,
  applied: array(integer(0, MAX_EFFECTS), MAX_EFFECTS),
  reason: string({ maxBytes: 1024 }),
  judged_at: moment,
});
const tune: Decoder<Tune> = object(
  {
    scope,
    key: string({ maxBytes: 64 }),
    from: integer(0),
    to: integer(0),
    baseline: integer(0),
    actor,
    judged_at: moment,
  },
  { envelope: integer(0) },
);
const rollback: Decoder<Rollback> = object({
  proposal_digest: sha256Digest,
  scope,
  changes: array(object({ key: string({ maxBytes: 64 }), from: any, to: any }), 32, 1),
  duration_s: integer(1),
  actor,
  judged_at: moment,
});
const note: Decoder<Note> = object({
  kind: literal('text', 'evidence', 'fallback'),
  data: anyObject,
  actor,
  judged_at: moment,
});

const outer = object({
  seq: integer(0),
  prev: sha256Digest,
  ts: time,
  type: literal(...ENVELOPE_TYPES, 'intent', 'failed', 'tune', 'rollback', 'note', 'escalation', 'merge', 'post-audit'),
  body: anyObject,
  hash: sha256Digest,
});

export interface LineDraft {
  readonly ts: string;
  readonly content: LineBody;
}

/** A line without its place. Bodies that are envelopes keep their exact payload bytes inside. */
export function buildLine(
  previous: { readonly seq: number; readonly hash: string } | null,
  draft: LineDraft,
): { readonly line: Line; readonly bytes: Uint8Array } {
  const { ts, content } = draft;
  const place = { seq: previous === null ? 0 : previous.seq + 1, prev: previous === null ? FIRST_PREV : previous.hash };
  const body = isEnvelopeLine(content) ? envelopeJson(content.body) : content.body;
  const unhashed = { ...place, ts, type: content.type, body };
  const hash = digestH(LEDGER_LINE_TYPE, canonicalBytes(unhashed));
  const bytes = canonicalBytes({ ...unhashed, hash });
  return { line: { ...content, ...place, ts, hash }, bytes };
}

function isEnvelopeLine(content: LineBody): content is { type: EnvelopeLineType; body: Envelope } {
  return (ENVELOPE_TYPES as readonly string[]).includes(content.type);
}

/** Decodes exact line bytes (no LF) and recomputes the hash; says nothing about the line before it. */
export function decodeLine(bytes: Uint8Array): Line {
  const value = parseCanonical(bytes, 'ledger line');
  const raw = outer(value, '');
  const { hash: _stated, ...rest } = value as JsonObject & { hash: string };
  const hash = digestH(LEDGER_LINE_TYPE, canonicalBytes(rest));
  if (hash !== raw.hash) malformed('hash', `line ${raw.seq} of the ledger does not have the hash that it states`);
  return { ...decodeBody(raw.type, raw.body), seq: raw.seq, prev: raw.prev, ts: raw.ts, hash };
}

/** Decodes a line and checks that it follows `previous` (null: that it is line 0). */
export function parseLine(bytes: Uint8Array, previous: { readonly seq: number; readonly hash: string } | null): Line {
  const line = decodeLine(bytes);
  const seq = previous === null ? 0 : previous.seq + 1;
  if (line.seq !== seq) malformed('seq', `line ${seq} of the ledger is expected, found ${line.seq}`);
  if (line.prev !== (previous === null ? FIRST_PREV : previous.hash)) {
    malformed('prev', `line ${seq} of the ledger does not follow the line before it`);
  }
  return line;
}

function decodeBody(type: LineBody['type'], body: JsonObject): LineBody {
  switch (type) {
    case 'intent':
      return { type, body: intentBody(body, 'body') };
    case 'failed':
      return { type, body: failed(body, 'body') };
    case 'tune':
      return { type, body: tune(body, 'body') };
    case 'rollback':
      return { type, body: rollback(body, 'body') };
    case 'note':
      return { type, body: note(body, 'body') };
    case 'escalation':
    case 'merge':
    case 'post-audit':
      return { type, body };
    default:
      return { type, body: decodeEnvelope(body, 'body') };
  }
}
