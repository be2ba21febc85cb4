// The closed list of audit operations with their `detail` schemas (log page 4.4). `mutation`: raises the generation of the
// custody store and carries the three heads; `checkpoint`: a checkpoint follows at once. Writers refuse an unknown
// op or a wrong detail; readers show an unknown op and answer `newer-format`.

import type { Json, JsonObject } from '../bytes/canonical-json.ts';
import {
  any,
  anyObject,
  array,
  boolean,
  type Decoder,
  HEX_64,
  hex64,
  integer,
  literal,
  malformed,
  map,
  nullable,
  object,
  sha256Digest,
  string,
  time,
} from '../bytes/decode.ts';
import type { AuditOp } from './draft.ts';

export interface OpRow {
  readonly mutation: boolean;
  readonly checkpoint: boolean;
  /** True when no member of `detail` is required, so that `detail` may be absent. */
  readonly bare: boolean;
  /** Checks `detail` (governed included). Throws Malformed. */
  readonly detail: Decoder<unknown>;
}

type Shape = Readonly<Record<string, Decoder<unknown>>>;

const word = string({ pattern: /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$/, what: 'a plain word' });
const name = string({ pattern: /^[A-Za-z0-9._:/#+-]{1,256}$/, what: 'a plain name' });
const count = integer(0);
const seqRef = integer(0);
const digest = sha256Digest;
/** Hash of a ledger line, as `sha256:` or plain hex. */
const hash = string({ pattern: /^(?:sha256:)?[0-9a-f]{64}$/, what: 'a SHA-256 digest' });
const uuid = string({ pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, what: 'a UUID' });
const digests = array(digest, 64);
/** The actor that an identifier names. */
const actor = string({ pattern: /^[^\p{Cc}\p{Z}]{1,160}$/u, what: 'an actor' });
const scope = name;
const capRef = object({ root: integer(0), id: name });
const range = object({ from: seqRef, to: seqRef });
const logRef = object({ origin: name, size: integer(0), root: hex64 });
const pub = map(/^[a-z0-9_]{1,32}$/, string({ pattern: HEX_64, what: '64 lower-case hex' }), 8);
const kdf: Decoder<unknown> = (value: Json, path: string) =>
  typeof value === 'string'
    ? literal('scrypt', 'argon2id', 'age')(value, path)
    : object(
        { alg: literal('scrypt', 'argon2id', 'age') },
        { n: integer(1), r: integer(1), p: integer(1), m_kib: integer(1), t: integer(1) },
      )(value, path);

function row(flags: 'M' | 'C' | 'MC' | '', required: Shape, optional: Shape = {}): OpRow {
  const decode = object(required, { ...optional, governed: literal(false) });
  return {
    mutation: flags.includes('M'),
    checkpoint: flags.includes('C'),
    bare: Object.keys(required).length === 0,
    detail: decode,
  };
}

const governedEffect = (extra: Shape = {}): OpRow =>
  row('MC', { proposal_digest: digest, n: integer(0), args: digest }, extra);
const keyMaking: Shape = { tracks: array(word, 4, 1), pub };

export const AUDIT_OPS: Readonly<Record<AuditOp, OpRow>> = {
  init: row('MC', { profile: word, version: word }),
  'epoch.open': row(
    'MC',
    {
      prev_origin: name,
      prev_checkpoint: nullable(logRef),
      restored_checkpoint: nullable(logRef),
      lost: nullable(range),
      counters: digest,
    },
    { proposal_digest: digest, statements: digests },
  ),
  'genesis.adopt': row('MC', { ledger_id: name, genesis_digest: digest }),
  manifest: row('', { state_seq: seqRef }, { ledger: nullable(object({ seq: seqRef, hash })) }),
  state: row('', { generation: integer(0), keys: count, counters: digest }),
  gap: row(
    '',
    { kind: literal('log-tail', 'ledger-tail', 'events', 'verify-spool', 'tiles') },
    { bytes: count, count, from: seqRef, to: seqRef },
  ),
  archive: row('C', {
    from: seqRef,
    to: seqRef,
    segments: array(object({ n: integer(0), bytes: count, sha256: hex64 }), 100, 1),
  }),
  start: row('', { role: word, version: word, build: word, provider: word, config_sha256: hex64 }),
  stop: row('', { reason: word }),
  config: row('', { changed: array(name, 256), config_sha256: hex64 }),
  'time.confirm': row('', { mark: time }),
  interlock: row('C', { kind: literal('attestation', 'integrity'), state: literal('on', 'off') }),
  'store.passphrase': row('MC', { kdf }),
  'store.reseal': row('MC', { kdf }),
  create: row('M', keyMaking, { suite: integer(1, 255), proposal_digest: digest, n: integer(0) }),
  rotate: row(
    'M',
    { ...keyMaking, continuity: digest },
    { suite: integer(1, 255), proposal_digest: digest, n: integer(0) },
  ),
  retire: row('MC', { proposal_digest: digest, n: integer(0) }),
  compromised: row('MC', { proposal_digest: digest, n: integer(0), from_seq: seqRef, epoch: integer(0) }),
  sign: row('', {}, { suite: integer(1, 255), repeat: boolean }),
  wrap: row('', {}, { suite: integer(1, 255), repeat: boolean }),
  unwrap: row('', {}, { suite: integer(1, 255), repeat: boolean }),
  verify: row('', { count, second: seqRef, inputs_sha256: hex64 }),
  reject: row('', { op: word, count, second: seqRef }),
  attest: row('', { class: word, evidence_sha256: hex64 }),
  mint: row(
    'C',
    { cap: capRef, by: actor, caveats: array(string({ maxBytes: 512 }), 32, 1), once: boolean },
    { minted_at: time, sub: name, ceiling: name },
  ),
  revoke: row('MC', { cap: capRef }),
  'cap.rotate': row('MC', { root: integer(0) }),
  'ledger.append': row(
    '',
    { ledger_id: name, seq: seqRef, hash },
    { reqs: array(object({ op_id: uuid, req: hex64, seq: seqRef }), 64) },
  ),
  freeze: governedEffect(),
  unfreeze: governedEffect(),
  'signer-set-change': governedEffect(),
  'service-key-rotate': governedEffect(),
  'log-key-rotate': row('MC', {
    proposal_digest: digest,
    n: integer(0),
    args: digest,
    vkeys: array(string({ maxBytes: 4096 }), 2, 2),
  }),
  'root-rotate': governedEffect(),
  'backend-change': governedEffect(),
  exception: governedEffect(),
  ceiling: governedEffect(),
  envelope: governedEffect(),
  'clock-reset': governedEffect(),
  appeal: governedEffect(),
  'governance.execute': row('MC', {
    proposal_digest: digest,
    statements: digests,
    state_before: any,
    state_after: any,
    receipt: anyObject,
  }),
  'governance.failed': row('C', { proposal_digest: digest, applied: array(integer(0), 32), code: word }),
  tune: row('C', { key: name, scope, from: any, to: any, baseline: any }),
  rollback: row('C', { proposal_digest: digest, scope, exception_until: nullable(time) }),
};

export function isKnownOp(op: string): op is AuditOp {
  return Object.hasOwn(AUDIT_OPS, op);
}

/** Checks the detail of a known op. Throws Malformed with the member path. */
export function checkDetail(op: AuditOp, detail: JsonObject | undefined): void {
  const known = AUDIT_OPS[op];
  if (detail !== undefined) known.detail(detail, 'detail');
  else if (!known.bare) malformed('detail', `missing member, which a ${op} record needs`);
}
