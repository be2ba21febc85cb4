// The fast path accepts only what the full parser accepts, and reads the same out of it: over records of every operation,
// and over every single-byte change of them.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chainRecord } from '../../src/audit/chain-record.ts';
import type { AuditDraft, AuditOp } from '../../src/audit/draft.ts';
import { LineReader } from '../../src/audit/line.ts';
import { AUDIT_OPS } from '../../src/audit/ops.ts';
import { buildRecord, parseRecord, type RecordPlace } from '../../src/audit/record.ts';
import type { JsonObject } from '../../src/bytes/canonical-json.ts';
import { RonError } from '../../src/errors.ts';
import { KID } from '../support/audit.ts';

const H = 'ab'.repeat(32);
const D = `sha256:${H}`;
const effect = { proposal_digest: D, n: 0, args: D };
const DETAILS: Readonly<Record<AuditOp, JsonObject | undefined>> = {
  init: { profile: 'dev', version: '0.1.0' },
  'epoch.open': {
    prev_origin: 'a/b/e0',
    prev_checkpoint: { origin: 'a/b/e0', size: 4, root: H },
    restored_checkpoint: null,
    lost: { from: 1, to: 3 },
    counters: D,
  },
  'genesis.adopt': { ledger_id: 'gl-abc', genesis_digest: D },
  manifest: { state_seq: 1, ledger: { seq: 4, hash: D } },
  state: { generation: 1, keys: 2, counters: D },
  gap: { kind: 'log-tail', bytes: 17 },
  archive: { from: 0, to: 65_536, segments: [{ n: 0, bytes: 100, sha256: H }] },
  start: { role: 'server', version: '0.1.0', build: 'abc', provider: 'native', config_sha256: H },
  stop: { reason: 'drained' },
  config: { changed: ['audit.min_free'], config_sha256: H },
  'time.confirm': { mark: '2026-11-20T08:00:00.000Z' },
  interlock: { kind: 'attestation', state: 'on' },
  'store.passphrase': { kdf: { alg: 'scrypt', n: 131_072, r: 8, p: 1 } },
  'store.reseal': { kdf: 'scrypt' },
  create: { tracks: ['ed25519', 'ml-dsa'], pub: { ed25519: H } },
  rotate: { tracks: ['ed25519'], pub: { ed25519: H }, continuity: D },
  retire: { proposal_digest: D, n: 0 },
  compromised: { proposal_digest: D, n: 0, from_seq: 3, epoch: 0 },
  sign: undefined,
  wrap: { suite: 1, repeat: true },
  unwrap: { governed: false },
  verify: { count: 3, second: 1_763_000_000, inputs_sha256: H },
  reject: { op: 'sign', count: 1, second: 1_763_000_000 },
  attest: { class: 'software', evidence_sha256: H },
  mint: { cap: { root: 1, id: 'c1' }, by: 'local', caveats: ['tenant=acme'], once: false },
  revoke: { cap: { root: 1, id: 'c1' } },
  'cap.rotate': { root: 2 },
  'ledger.append': { ledger_id: 'gl-abc', seq: 3, hash: D },
  freeze: effect,
  unfreeze: effect,
  'signer-set-change': effect,
  'service-key-rotate': effect,
  'log-key-rotate': { ...effect, vkeys: ['a+00000000+AQ==', 'a+00000000+Bg=='] },
  'root-rotate': effect,
  'backend-change': effect,
  exception: effect,
  ceiling: effect,
  envelope: effect,
  'clock-reset': effect,
  appeal: effect,
  'governance.execute': {
    proposal_digest: D,
    statements: [D],
    state_before: D,
    state_after: { a: [1, { b: null }] },
    receipt: { x: 'y' },
  },
  'governance.failed': { proposal_digest: D, applied: [0], code: 'EffectFailed' },
  tune: { key: 'keys.rotate_max_days', scope: 'global', from: 90, to: 80, baseline: 90 },
  rollback: { proposal_digest: D, scope: 'tenant:acme', exception_until: null },
};

const place = (op: AuditOp, more: Partial<RecordPlace> = {}): RecordPlace => ({
  seq: op === 'init' || op === 'epoch.open' ? 0 : 7,
  r: 'AAAAAAAAAAAAAAAAAAAAAA',
  prev: H,
  ts: '2026-11-20T08:00:00.000Z',
  mono: 12,
  boot: '07c7617e',
  op_id: '01a1f7d3-d699-7363-9ec7-ff6672c7e882',
  ...more,
});

function lineOf(op: AuditOp, more: Partial<AuditDraft> = {}, at: Partial<RecordPlace> = {}): string {
  const detail = DETAILS[op];
  // Shapes are learned from records without heads.
  const heads = ['sign', 'wrap', 'verify'].includes(op) ? {} : { generation: 3, manifest_sha256: H, public_sha256: H };
  const draft: AuditDraft = {
    op,
    actor: 'system',
    result: 'ok',
    ...heads,
    ...(detail === undefined ? {} : { detail }),
    ...more,
  };
  return new TextDecoder().decode(buildRecord(draft, place(op, at)).line);
}

/** What the full parser says: the chain's view of the record, or null. */
function full(text: string): unknown {
  try {
    const record = parseRecord(Buffer.from(text, 'latin1'), 'record');
    return 'newer' in record ? null : chainRecord(record);
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}

const OPS = Object.keys(AUDIT_OPS) as AuditOp[];

describe('every operation', () => {
  test.each(OPS)('%s: read by the fast path as by the parser', (op) => {
    const text = lineOf(
      op,
      op === 'sign' ? { tenant: 'acme', kid: KID, alg: 'ed25519' } : {},
      op === 'sign' ? { kid_seq: 4 } : {},
    );
    expect(new LineReader().read(text)).toEqual(full(text));
    expect(full(text)).not.toBeNull();
  });

  test.each(OPS)('%s: no single changed byte is accepted by one and refused by the other', (op) => {
    const text = lineOf(op);
    const reader = new LineReader();
    reader.read(text);
    for (let at = 0; at < text.length; at++) {
      for (const flip of [1, 2, 32]) {
        const changed = `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) ^ flip)}${text.slice(at + 1)}`;
        const fast = reader.read(changed);
        if (fast !== null) expect(fast, changed).toEqual(full(changed));
      }
    }
  });
});

describe('shapes', () => {
  const sign = (n: number, more: Partial<AuditDraft> = {}): string =>
    lineOf(
      'sign',
      {
        tenant: 'acme',
        purpose: 'release',
        kid: KID.replace(/0001#/, `000${n % 10}#`),
        input_hash: `b3:${H}`,
        req: H,
        ...more,
      },
      {
        seq: 1000 + n,
        kid_seq: 100 + n,
        mono: 5000 + n,
        ts: `2026-11-20T08:00:0${n % 10}.${String(n).padStart(3, '0')}Z`,
        prev: `${n % 10}`.repeat(64),
      },
    );
  const readLine = (reader: LineReader, text: string): unknown => {
    const chunk = Buffer.from(`\n${text}\n`, 'latin1');
    return reader.readLine(chunk, 1, chunk.length - 1);
  };

  test('lines of one shape are read as by the parser', () => {
    const reader = new LineReader();
    for (let n = 0; n < 200; n++) {
      const text = sign(n);
      expect(readLine(reader, text)).toEqual(full(text));
      // Of the chunk, in which one byte stands before the line.
      expect(text.slice(reader.prevAt - 1, reader.prevAt + 63)).toBe(`${n % 10}`.repeat(64));
    }
    const refused = sign(3, { result: 'PolicyRefused' });
    expect(readLine(reader, refused)).toEqual(full(refused));
  });

  test.each([
    ['a signature', sign(7)],
    ['a detail with members of the same names', lineOf('ledger.append', { public_sha256: H })],
    ['a detail before the fields', lineOf('verify', { detail: { count: 3, second: 17, inputs_sha256: H } })],
    ['the smallest counters', lineOf('wrap', { kid: KID }, { seq: 1, mono: 0, kid_seq: 1 })],
  ])('%s: after it was learned, no changed byte is accepted that the parser refuses', (_, text) => {
    for (let at = 0; at < text.length; at++) {
      for (let byte = 0; byte < 256; byte += at % 3 === 0 ? 1 : 7) {
        const reader = readers.get(text) ?? new LineReader();
        readers.set(text, reader);
        if (at === 0 && byte === 0) readLine(reader, text);
        const changed = `${text.slice(0, at)}${String.fromCharCode(byte)}${text.slice(at + 1)}`;
        const fast = readLine(reader, changed);
        if (fast !== null && changed !== text) expect(fast, changed).toEqual(full(changed));
      }
    }
  });
  const readers = new Map<string, LineReader>();
});

test('a record that holds in mutated members, detail texts and numbers is read alike', () => {
  const word = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/);
  fc.assert(
    fc.property(
      fc.record({
        tenant: word,
        purpose: word,
        seq: fc.nat(),
        mono: fc.nat(),
        kidSeq: fc.integer({ min: 1 }),
        login: fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }),
      }),
      ({ tenant, purpose, seq, mono, kidSeq, login }) => {
        const build = (): string =>
          lineOf(
            'sign',
            { actor: `local:1000:${login}`, tenant, purpose, kid: KID, req: H },
            { seq: seq + 1, mono, kid_seq: kidSeq },
          );
        let text: string;
        try {
          text = build();
        } catch (error) {
          expect((error as RonError).code).toBe('Internal');
          return;
        }
        const fast = new LineReader().read(Buffer.from(text).toString('latin1'));
        if (fast !== null) expect(fast).toEqual(full(text));
        expect(parseRecord(Buffer.from(text), 'record')).toMatchObject({ tenant, purpose });
      },
    ),
  );
});

test('details are canonical JSON too: order, duplicates, numbers and spaces are left to the parser, which refuses them', () => {
  const text = lineOf('state');
  const detail = `{"counters":"${D}","generation":1,"keys":2}`;
  expect(text).toContain(detail);
  for (const wrong of [
    `{"generation":1,"counters":"${D}","keys":2}`,
    `{"counters":"${D}","generation":1,"keys":2,"keys":2}`,
    `{"counters":"${D}","generation":1.0,"keys":2}`,
    `{"counters":"${D}","generation":1e0,"keys":2}`,
    `{"counters":"${D}","generation":1, "keys":2}`,
    `{"counters":"${D}","generation":9007199254740993,"keys":2}`,
    `{"counters":"${D}","generation":-0,"keys":2}`,
    `{"__proto__":{},"counters":"${D}","generation":1,"keys":2}`,
    `{"counters":"${D}","generation":1,"keys":2,"other":1}`,
  ]) {
    const changed = text.replace(detail, wrong);
    expect(new LineReader().read(changed), wrong).toBeNull();
    expect(full(changed), wrong).toBeNull();
  }
});

test('a refused draft is a bug and names the member', () => {
  expect(() => lineOf('state', { detail: { generation: 1 } })).toThrow('detail.keys: missing member');
  expect(() => lineOf('create', { generation: undefined as never })).toThrow(RonError);
  expect(() => lineOf('sign', { kid: KID })).toThrow('kid_seq: present exactly when kid is');
  expect(() =>
    lineOf('mint', {
      detail: { cap: { root: 1, id: 'c1' }, by: 'local', once: false, caveats: Array(32).fill('x'.repeat(512)) },
    }),
  ).toThrow(/over 16384/);
});
