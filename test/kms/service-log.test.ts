// The log of the service: the documented fields and nothing else, kids and opaque runs taken out, levels, both formats.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kidHash } from '../../src/kms/kid-hash.ts';
import { createServiceLog, type LogSettings, scrubbed } from '../../src/kms/service-log.ts';
import { LOG_EVENTS, LOG_FIELDS, type LogFields } from '../../src/kms-api/log-fields.ts';

const KID = 'acme/code-signing/hybrid/0190aaaa-0000-7000-8000-000000000001';
const CORR = '0190bbbb-0000-7000-8000-000000000002';

function logAt(settings: Partial<LogSettings> = {}) {
  const lines: string[] = [];
  const log = createServiceLog({
    nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    write: (line) => lines.push(line),
    settings: () => ({ level: 'info', format: 'json', redact: 'hashes', logInputs: false, ...settings }),
  });
  return { lines, log };
}

/** What the types refuse, as a mistake in a program would pass it. */
const untyped = (fields: Readonly<Record<string, unknown>>): LogFields => fields;

describe('a line', () => {
  test('golden: sign_result (OBS-43)', () => {
    const { lines, log } = logAt();
    log('info', 'sign_result', {
      latency_ms: 1.25,
      result: 'ok',
      alg: 'hybrid',
      kid: `${KID}#v3`,
      op_id: '0190cccc-0000-7000-8000-000000000003',
      route: '/v1/kms/sign',
      tenant: 'acme',
      peer_addr: '127.0.0.1:50000',
      request_id: 'r-1',
      corr_id: CORR,
    });
    expect(lines).toEqual([
      '{"ts":"2026-01-02T03:04:05.678Z","level":"INFO","service":"ron-kms","event":"sign_result",' +
        `"corr_id":"${CORR}","request_id":"r-1","peer_addr":"127.0.0.1:50000","tenant":"acme","route":"/v1/kms/sign",` +
        `"op_id":"0190cccc-0000-7000-8000-000000000003","kid_hash":"${kidHash(KID)}","kid_version":3,"alg":"hybrid",` +
        '"result":"ok","latency_ms":1.25}',
    ]);
  });

  test('as text, where grep finds corr_id= and the proof of a start', () => {
    const { lines, log } = logAt({ format: 'text' });
    log('info', 'readyz_true', { ready: 1, missing: [], profile: 'dev' });
    log('warn', 'sign_result', { corr_id: CORR, message: 'two words' });
    expect(lines).toEqual([
      '2026-01-02T03:04:05.678Z INFO service=ron-kms ready=1 event=readyz_true missing="" profile=dev',
      `2026-01-02T03:04:05.678Z WARN service=ron-kms event=sign_result corr_id=${CORR} message="two words"`,
    ]);
  });

  test('of a lower level is not written', () => {
    const { lines, log } = logAt({ level: 'warn' });
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) log(level, 'sign_result');
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['WARN', 'ERROR']);
  });

  test('is one line whatever its texts hold', () => {
    const { lines, log } = logAt();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom<'json' | 'text'>('json', 'text'), (text, format) => {
        const both = logAt({ format });
        both.log('info', 'sign_result', { message: text, scopes: [text, text] });
        expect(both.lines).toHaveLength(1);
        expect(both.lines[0]).not.toMatch(/[\u0000-\u001f\u2028\u2029]/);
        if (format === 'json') expect(() => JSON.parse(both.lines[0]!) as unknown).not.toThrow();
      }),
    );
    expect([lines, typeof log]).toEqual([[], 'function']);
  });
});

describe('nothing gets in that should not', () => {
  test('a field that the table does not have is left out and counted', () => {
    const { lines, log } = logAt();
    log('info', 'sign_result', untyped({ token: 'marker-token', constructor: 'marker', result: 'ok' }));
    expect(lines[0]).toMatch(/"result":"ok","dropped":2\}$/);
    expect(lines[0]).not.toContain('marker');
  });

  test('what the caller sent appears only with log_inputs, as redact_level says', () => {
    const payload_b3 = 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24';
    const shown = (settings: Partial<LogSettings>): unknown => {
      const { lines, log } = logAt(settings);
      log('info', 'sign_request', { payload_b3 });
      return (JSON.parse(lines[0]!) as Record<string, unknown>)['payload_b3'];
    };
    expect(shown({})).toBeUndefined();
    expect(shown({ logInputs: true })).toMatch(/^b3:[0-9a-f]{8}$/);
    expect(shown({ logInputs: true, redact: 'lengths' })).toBe('len:64');
    expect(shown({ logInputs: true, redact: 'none' })).toBe(payload_b3);
  });

  test('a kid in a text is its hash, with the version or without', () => {
    expect(scrubbed(`no key ${KID}#v3 here`)).toBe(`no key kid:${kidHash(KID)} here`);
    expect(scrubbed(`"${KID}"`)).toBe(`"kid:${kidHash(KID)}"`);
    expect(kidHash(`${KID}#v3`)).toBe(kidHash(KID));
    expect(kidHash(KID)).toMatch(/^[0-9a-f]{8}$/);
  });

  test('long opaque runs are their length: base64url, base64, hex', () => {
    const bytes = Uint8Array.from({ length: 48 }, (_, i) => (i * 37) % 256);
    for (const encoding of ['base64url', 'base64', 'hex'] as const) {
      const text = Buffer.from(bytes).toString(encoding).replaceAll('/', '_');
      expect(scrubbed(`token ${text}.`)).toBe(`token <redacted:${text.length}>.`);
    }
  });

  test('ids, routes, times and addresses stay readable', () => {
    for (const text of [CORR, '/v1/kms/keys/{kid}/rotate', '2026-01-02T03:04:05.678Z', '[::1]:7441', 'kms:sign']) {
      expect(scrubbed(text)).toBe(text);
    }
  });

  test('a digest field takes digests only', () => {
    const { lines, log } = logAt();
    const root = 'ab'.repeat(32);
    log('info', 'audit_checkpoint_ok', { root });
    log('info', 'audit_checkpoint_ok', { root: `${root.slice(1)}Z` });
    expect(lines[0]).toContain(root);
    expect(lines[1]).toContain('"root":"<redacted:64>"');
  });

  test('numbers that JSON does not have are null, a strange event has no name', () => {
    const { lines, log } = logAt();
    log('info', 'Sign Result\n', { latency_ms: Number.NaN, age_s: Number.POSITIVE_INFINITY });
    expect(lines[0]).toContain('"event":"unnamed","latency_ms":null,"age_s":null');
  });
});

test('the documented fields and events are in their tables (OBS-26..29)', () => {
  const fields =
    'corr_id request_id peer_addr tenant route op_id kid_hash kid_version alg result latency_ms attestation_class cache_age_ms reason pq pq_mode algo peer_mode downgrade_reason';
  expect(fields.split(' ').filter((name) => !Object.hasOwn(LOG_FIELDS, name))).toEqual([]);
  expect(LOG_EVENTS).toHaveLength(16);
});
