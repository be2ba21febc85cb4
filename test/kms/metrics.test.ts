// The registry: refuses what the table does not have, bounds open labels, prints every metric at zero and every alias.

import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../src/kms/metrics.ts';
import { parseExposition } from '../../src/kms-api/exposition.ts';
import { zeroSeries } from '../../src/kms-api/metric-row.ts';
import { METRIC_ROWS } from '../../src/kms-api/metrics.ts';

const linesOf = (text: string, name: string): string[] =>
  text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

describe('a page', () => {
  test('has HELP and TYPE once for every name of the table, aliases included', () => {
    const text = createMetrics().text();
    const names = METRIC_ROWS.flatMap((row) => [row.name, ...(row.aliases ?? []).map(({ name }) => name)]);
    for (const kind of ['HELP', 'TYPE']) {
      const said = text.split('\n').filter((line) => line.startsWith(`# ${kind} `));
      expect(new Set(said.map((line) => line.split(' ')[2]))).toEqual(new Set(names));
      expect(said).toHaveLength(names.length);
    }
    expect(() => parseExposition(text)).not.toThrow();
  });

  test('shows every zero series at zero, aliases too', () => {
    const read = parseExposition(createMetrics().text());
    for (const row of METRIC_ROWS) {
      const name = row.type === 'histogram' ? `${row.name}_count` : row.name;
      for (const series of zeroSeries(row)) {
        const found = read.filter((one) => one.name === name && JSON.stringify(one.labels) === JSON.stringify(series));
        expect(found, `${name} ${JSON.stringify(series)}`).toEqual([{ name, labels: series, value: 0 }]);
      }
      for (const alias of row.aliases ?? []) expect(read.some((one) => one.name === alias.name)).toBe(true);
    }
    expect(read.every(({ value }) => value === 0)).toBe(true);
  });

  test('counts appear under every documented spelling (C-46)', () => {
    const metrics = createMetrics();
    metrics.count('rejected_total', { reason: 'backpressure' }, 3);
    metrics.count('kms_verify_cache_hits_total', { hit: 'true' });
    metrics.count('kms_audit_dropped_total', { kind: 'other' });
    metrics.count('kms_audit_dropped_total', { kind: 'non_checkpoint' });
    metrics.gauge('queue_depth', 7, { queue: 'audit' });
    metrics.replace('kms_verify_cache_age_ms', [{ labels: {}, value: 12 }]);
    const text = metrics.text();
    for (const name of ['rejected_total', 'kms_reject_total', 'kms_policy_rejects_total']) {
      expect(linesOf(text, name)).toContain(`${name}{reason="backpressure"} 3`);
    }
    expect(linesOf(text, 'verify_cache_hit_total')).toEqual(['verify_cache_hit_total 1']);
    expect(linesOf(text, 'verify_cache_miss_total')).toEqual(['verify_cache_miss_total 0']);
    expect(linesOf(text, 'audit_dropped_total')).toEqual(['audit_dropped_total 2']);
    expect(linesOf(text, 'kms_audit_queue_depth')).toEqual(['kms_audit_queue_depth 7']);
    for (const name of ['verify_cache_age_ms', 'verify_cache_stale_max_ms', 'kms_verify_cache_age_ms']) {
      expect(linesOf(text, name)).toEqual([`${name} 12`]);
    }
  });

  test('an observation falls into the bucket whose bound it does not exceed', () => {
    const metrics = createMetrics();
    for (const value of [0.0005, 0.00051, 0.02, 0.021]) {
      metrics.observe('kms_latency_seconds', value, { op: 'sign', alg: 'ed25519' });
    }
    const buckets = linesOf(metrics.text(), 'kms_latency_seconds_bucket')
      .filter((line) => line.includes('op="sign",alg="ed25519"'))
      .map((line) => line.replace(/.*le="([^"]+)"\} /, '$1='));
    expect(buckets).toEqual(['0.0005=1', '0.001=2', '0.002=2', '0.005=2', '0.01=2', '0.02=3', '+Inf=4']);
    expect(metrics.value('kms_latency_seconds', { op: 'sign', alg: 'ed25519' })).toBe(4);
  });
});

describe('what the table does not have throws', () => {
  // The types refuse these too; a name that is computed gets past them.
  const untyped = createMetrics() as unknown as Record<'count' | 'gauge' | 'observe', (...rest: unknown[]) => void>;

  test.each([
    ['a metric', () => untyped.count('nope_total'), /no metric nope_total/],
    ['a gauge counted', () => untyped.count('inflight_requests', { route: 'other' }), /is a gauge, not a counter/],
    ['a missing label', () => untyped.count('kms_ops_total', { op: 'sign', alg: 'ed25519' }), /needs the label result/],
    ['a further label', () => untyped.count('bus_lagged_total', { tenant: 'a' }), /has no label tenant/],
    [
      'a value outside the closed set',
      () => untyped.count('rejected_total', { reason: 'because' }),
      /rejected_total has no reason "because"/,
    ],
    ['a falling counter', () => untyped.count('bus_lagged_total', {}, -1), /does not rise by -1/],
    ['a rise by nothing', () => untyped.count('bus_lagged_total', {}, Number.NaN), /does not rise by NaN/],
    ['an endless observation', () => untyped.observe('pqc_handshake_latency_seconds', 1 / 0), /no observation/],
    ['a gauge of the state', () => untyped.gauge('kms_ready', 1), /kms_ready is read from the state/],
    [
      'a counter replaced',
      () => createMetrics().replace('bus_lagged_total', []),
      /bus_lagged_total is counted, not read from the state/,
    ],
  ])('%s', (_name, run, message) => {
    expect(run).toThrow(message);
  });
});

describe('open labels', () => {
  test('keep a bounded number of values, later ones are other', () => {
    const metrics = createMetrics();
    for (let i = 0; i < 1500; i += 1) metrics.count('kms_tenant_ops_total', { tenant: `t${i}`, op: 'sign' });
    const lines = linesOf(metrics.text(), 'kms_tenant_ops_total');
    expect(lines).toHaveLength(1001);
    expect(lines).toContain('kms_tenant_ops_total{tenant="other",op="sign"} 500');
  });

  test('a tenant called constructor counts like any other', () => {
    const metrics = createMetrics();
    metrics.count('kms_tenant_ops_total', { tenant: 'constructor', op: 'sign' });
    metrics.count('kms_tenant_ops_total', { tenant: '__proto__', op: 'sign' });
    expect(metrics.value('kms_tenant_ops_total', { tenant: 'constructor', op: 'sign' })).toBe(1);
    expect(linesOf(metrics.text(), 'kms_tenant_ops_total')).toHaveLength(2);
  });

  test('a key that is gone from the state is gone from the page', () => {
    const metrics = createMetrics();
    metrics.replace('kms_key_version_head', [{ labels: { kid_hash: 'aaaaaaaa' }, value: 2 }]);
    metrics.replace('kms_key_version_head', [{ labels: { kid_hash: 'bbbbbbbb' }, value: 1 }]);
    expect(linesOf(metrics.text(), 'kms_key_version_head')).toEqual(['kms_key_version_head{kid_hash="bbbbbbbb"} 1']);
  });
});
