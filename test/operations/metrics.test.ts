// Objectives and quantiles from pages of metrics, with and without data; what needs a server says so.

import { describe, expect, test } from 'vitest';
import { nodeHost } from '../../src/cli/node-host.ts';
import { createMetrics, type Metrics } from '../../src/kms/metrics.ts';
import type { ReadSample } from '../../src/kms-api/exposition.ts';
import type { OperationDeps } from '../../src/operations/deps.ts';
import { metrics } from '../../src/operations/metrics.ts';
import { type Objective, quantile, slo } from '../../src/operations/metrics-slo.ts';
import { metricsView } from '../../src/views/metrics.ts';
import { refused } from '../contract/kms-subject.ts';

const buckets = (counts: Readonly<Record<string, number>>): ReadSample[] =>
  Object.entries(counts).map(([le, value]) => ({ name: 'x_bucket', labels: { le }, value }));

describe('a quantile', () => {
  test.each<[number, Record<string, number>, unknown]>([
    [0.5, { '0.1': 10, '+Inf': 10 }, { value: 0.05, at_least: false }],
    [0.95, { '0.1': 90, '0.2': 100, '+Inf': 100 }, { value: 0.15, at_least: false }],
    [0.99, { '0.1': 90, '0.2': 95, '+Inf': 100 }, { value: 0.2, at_least: true }],
    [0.5, { '0.1': 0, '0.2': 0, '0.4': 8, '+Inf': 8 }, { value: 0.3, at_least: false }],
    [0.5, { '0.1': 0, '+Inf': 0 }, null],
    [0.5, {}, null],
  ])('%s of %j is %j, as Prometheus computes it', (q, counts, expected) => {
    const found = quantile(q, buckets(counts));
    expect(found === null ? null : { ...found, value: Number(found.value.toPrecision(12)) }).toEqual(expected);
  });
});

function busy(change: (metrics: Metrics) => void): string {
  const page = createMetrics();
  page.replace('kms_config_verify_cache_ttl_ms', [{ labels: {}, value: 300_000 }]);
  page.replace('kms_ready', [{ labels: {}, value: 1 }]);
  change(page);
  return page.text();
}

const named = (found: readonly Objective[], name: string): Objective => found.find((one) => one.name === name)!;

describe('objectives', () => {
  test('without requests: what cannot be judged is null, not met', () => {
    const { objectives, latency, tenants } = slo(
      busy(() => undefined),
      null,
    );
    expect(objectives.filter(({ met }) => met === null).map(({ name }) => name)).toEqual([
      'sign ed25519',
      'sign ml-dsa',
      'verify',
      'wrap, unwrap',
      'share of 5xx',
      'share of 429 and 503',
      'attestation',
      'hybrid handshakes',
      'handshake',
    ]);
    expect(objectives.every(({ met }) => met !== false)).toBe(true);
    expect([latency, tenants]).toEqual([[], []]);
  });

  test('each is missed for its own reason', () => {
    const text = busy((page) => {
      for (let i = 0; i < 10; i += 1) {
        page.observe('kms_latency_seconds', 0.0015, { op: 'sign', alg: 'ed25519' });
        page.observe('kms_latency_seconds', 0.5, { op: 'sign', alg: 'hybrid' });
        page.observe('kms_latency_seconds', 0.001, { op: 'verify', alg: 'hybrid' });
      }
      const at = { route: '/v1/kms/sign', method: 'POST' };
      page.count('http_requests_total', { ...at, status: '200' }, 97);
      page.count('http_requests_total', { ...at, status: '429' }, 2);
      page.count('http_requests_total', { ...at, status: '503' });
      page.count('kms_audit_integrity_failed_total');
      page.replace('kms_ready', [{ labels: {}, value: 0 }]);
      page.replace('kms_verify_cache_age_ms', [{ labels: {}, value: 300_001 }]);
      page.count('kms_attestation_ready_seconds_total', { state: 'ready' }, 999);
      page.count('kms_attestation_ready_seconds_total', { state: 'missing' }, 1);
      page.count('pqc_handshake_success_total', {}, 98);
      page.count('pqc_handshake_failure_total', { reason: 'other' }, 2);
      page.observe('pqc_handshake_latency_seconds', 0.4);
      page.gauge('pqc_fallback_enabled', 1);
      page.count('rejected_total', { reason: 'pq_policy' });
    });
    const { objectives } = slo(text, null);
    expect(objectives.filter(({ met }) => met !== false).map(({ name }) => name)).toEqual(['verify', 'wrap, unwrap']);
    expect(named(objectives, 'share of 429 and 503').value).toBe(0.03);
    expect(named(objectives, 'share of 5xx').value).toBe(0.01);
    expect(named(objectives, 'sign ml-dsa').value).toBe(0.1);
    expect(named(objectives, 'verify')).toMatchObject({ target: 'p95 <= 0.005 s', met: true });
  });

  test('tenants by operations, busiest first', () => {
    const text = busy((page) => {
      page.count('kms_tenant_ops_total', { tenant: 'b', op: 'sign' }, 3);
      page.count('kms_tenant_ops_total', { tenant: 'a', op: 'sign' }, 2);
      page.count('kms_tenant_ops_total', { tenant: 'a', op: 'verify' }, 2);
    });
    expect(slo(text, null).tenants).toEqual([
      { tenant: 'a', ops: 4 },
      { tenant: 'b', ops: 3 },
    ]);
  });

  test('between two pages only what happened in between counts, and a restart does not go below zero', () => {
    const one = (count: number, good = 100) =>
      busy((page) => {
        page.count('http_requests_total', { route: '/v1/kms/sign', method: 'POST', status: '500' }, count);
        page.count('http_requests_total', { route: '/v1/kms/sign', method: 'POST', status: '200' }, good);
      });
    expect(named(slo(one(10), one(10)).objectives, 'share of 5xx').value).toBeNull();
    expect(named(slo(one(12), one(10)).objectives, 'share of 5xx').value).toBe(1);
    expect(named(slo(one(2, 6), one(10)).objectives, 'share of 5xx').value).toBe(0.25);
  });
});

describe('the operation', () => {
  const deps = (pages: readonly string[]): OperationDeps => {
    const left = [...pages];
    const absent = (): never => {
      throw new Error('not asked for');
    };
    return {
      host: { ...nodeHost(), clock: { ...nodeHost().clock, sleep: async () => undefined } },
      home: '/nowhere',
      crypto: absent,
      passphrases: { existing: absent, fresh: absent },
      onProgress: () => undefined,
      dryRun: false,
      online: {
        name: 'local',
        kms: absent,
        reading: absent,
        probe: absent,
        tlsGroup: absent,
        metrics: async () => left.shift()!,
      },
      lockTimeoutMs: 0,
    };
  };

  test('passes the page of a server on as it is', async () => {
    const text = createMetrics().text();
    const data = await metrics({ what: 'page' }, deps([text]));
    expect(data).toEqual({ what: 'page', source: 'local', trust: null, text });
  });

  test('refuses a page that is none', async () => {
    const error = await refused(metrics({ what: 'page' }, deps(['<html>\n'])));
    expect([error.code, error.field]).toEqual(['Malformed', 'line 1']);
  });

  test('objectives need a server', async () => {
    const error = await refused(metrics({ what: 'slo', overMs: null }, { ...deps([]), online: null }));
    expect([error.code, error.field, error.hint]).toEqual(['Usage', '--slo', 'Name a server with --kms.']);
  });

  test('objectives over a time take two pages', async () => {
    const text = busy((page) => page.count('kms_tenant_ops_total', { tenant: 'a', op: 'sign' }, 5));
    const later = busy((page) => page.count('kms_tenant_ops_total', { tenant: 'a', op: 'sign' }, 7));
    const data = await metrics({ what: 'slo', overMs: 10_000 }, deps([text, later]));
    expect(data).toMatchObject({ what: 'slo', over_ms: 10_000, tenants: [{ tenant: 'a', ops: 2 }] });
    expect(JSON.stringify(metricsView(data))).toContain('objectives of local, over 10 s');
  });
});
