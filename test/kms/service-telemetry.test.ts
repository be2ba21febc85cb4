// Telemetry put together: a scrape shows the state, a change of readiness is logged and published once, time with and
// without attestation adds up, uneven tenants show, and timed primitives give the same results.

import { describe, expect, test } from 'vitest';
import type { ServerConfig } from '../../src/config/server-config.ts';
import type { ServiceState } from '../../src/kms/admin-ports.ts';
import { createFairnessSkew } from '../../src/kms/fairness-skew.ts';
import { kidHash } from '../../src/kms/kid-hash.ts';
import { createMetrics } from '../../src/kms/metrics.ts';
import { observedCrypto } from '../../src/kms/observed-crypto.ts';
import { createTelemetry, logSettings } from '../../src/kms/service-telemetry.ts';
import { parseExposition } from '../../src/kms-api/exposition.ts';
import { testCrypto } from '../support/crypto.ts';
import { resolveOf } from '../support/server-config.ts';
import { HEALTHY, NOW_MS } from '../support/service-state.ts';

const AROUND = { listenerBound: true, reloadRefused: null };
const PROCESS = { residentBytes: 123, uptimeMs: 4000, version: '0.1.0', wire: '1.0.0' };

async function made() {
  const config: ServerConfig = (await resolveOf({})).config;
  const lines: string[] = [];
  const clock = { monotonic: 100_000 };
  const telemetry = createTelemetry({
    nowMs: () => NOW_MS,
    monotonicMs: () => clock.monotonic,
    write: (line) => lines.push(line),
    settings: () => logSettings(config),
  });
  const page = (state: Partial<ServiceState> = {}) => {
    const text = telemetry.text({ ...HEALTHY, ...state }, config, AROUND, PROCESS);
    return new Map(
      parseExposition(text).map(({ name, labels, value }) => [
        `${name}{${Object.entries(labels)
          .map(([label, one]) => `${label}=${one}`)
          .join()}}`,
        value,
      ]),
    );
  };
  return { config, lines, clock, telemetry, page };
}

describe('a scrape', () => {
  test('shows the state of the service', async () => {
    const { page, config } = await made();
    const found = page({
      oldestPendingAtMs: NOW_MS - 90_000,
      verifyCache: { entries: 9, ageMs: 1500 },
      capRootAgeDays: 4,
      audit: { ...HEALTHY.audit, queueDepth: 6 },
    });
    const expected: Readonly<Record<string, number>> = {
      'kms_keys_total{tenant=acme,purpose=code,alg=hybrid}': 2,
      [`kms_key_version_head{kid_hash=${kidHash(HEALTHY.keyHeads[0]!.kid)}}`]: 3,
      'kms_audit_last_checkpoint_age_seconds{}': 30,
      'kms_audit_log_size{}': 42,
      'kms_audit_free_bytes{}': HEALTHY.freeBytes,
      'queue_depth{queue=audit}': 6,
      'kms_audit_queue_depth{}': 6,
      'kms_attestation_ready{}': 1,
      'kms_backend_sessions{backend=file,state=connected}': 1,
      'kms_backend_sessions{backend=file,state=error}': 0,
      'kms_pq_mode{mode=and}': 1,
      'kms_pq_mode{mode=or}': 0,
      'kms_pq_phase{tenant=_instance,phase=2}': 1,
      'kms_pq_phase{tenant=_instance,phase=3}': 0,
      'kms_verify_cache_age_ms{}': 1500,
      'verify_cache_stale_max_ms{}': 1500,
      'kms_config_verify_cache_ttl_ms{}': config.audit.verify_cache_ttl_ms,
      'kms_verify_cache_entries{}': 9,
      'kms_governance_oldest_pending_seconds{}': 90,
      'kms_governance_ledger_seq{}': 7,
      'kms_capabilities_active{tenant=acme}': 2,
      'kms_capability_root_age_days{}': 4,
      'kms_ready{}': 1,
      'kms_readiness{key=audit_ready}': 1,
      'kms_build_info{version=0.1.0,wire=1.0.0}': 1,
      'process_resident_memory_bytes{}': 123,
      'process_uptime_seconds{}': 4,
    };
    for (const [series, value] of Object.entries(expected)) expect(found.get(series), series).toBe(value);
    expect(JSON.stringify([...found.keys()])).not.toContain(HEALTHY.keyHeads[0]!.kid);
  });

  test('every metric of the state is replaced by a scrape, none is left at zero by mistake', async () => {
    const { page } = await made();
    const text = createMetrics().text();
    expect(text).not.toContain('kms_build_info{');
    expect([...page().keys()].some((series) => series.startsWith('kms_build_info{'))).toBe(true);
  });

  test('a lost backend is connecting within its grace, then in error, and not ready', async () => {
    const { page } = await made();
    const lost = { backendReady: false, backendLostAtMs: 95_000 };
    expect(page(lost).get('kms_backend_sessions{backend=file,state=connecting}')).toBe(1);
    expect(page(lost).get('kms_ready{}')).toBe(1);
    expect(page(lost).get('kms_readiness{key=backend_ready}')).toBe(0.5);
    const gone = page({ ...lost, backendLostAtMs: 10 });
    expect(gone.get('kms_backend_sessions{backend=file,state=error}')).toBe(1);
    expect([gone.get('kms_ready{}'), gone.get('kms_readiness{key=backend_ready}')]).toEqual([0, 0]);
  });
});

describe('readiness', () => {
  test('that changes is logged with what is missing and published, once', async () => {
    const { telemetry, config, lines } = await made();
    const judge = (state: Partial<ServiceState>) => telemetry.judge({ ...HEALTHY, ...state }, config, AROUND);
    expect(telemetry.last()).toBeNull();
    judge({});
    judge({});
    const down = judge({ rngOk: false });
    judge({ rngOk: false });
    judge({});
    expect(telemetry.last()?.ready).toBe(true);
    expect(down.missing).toEqual(['rng_ok']);
    expect(lines.map((line) => (JSON.parse(line) as { event: string; ready: number }).event)).toEqual([
      'readyz_true',
      'readyz_false',
      'readyz_true',
    ]);
    expect(JSON.parse(lines[1]!)).toMatchObject({ level: 'WARN', ready: 0, missing: ['rng_ok'], degraded: [] });
    const topics: string[] = [];
    const health: unknown[] = [];
    const stop = new AbortController();
    for await (const { topic, data } of telemetry.ring.read({ topic: null, sinceMs: 0, signal: stop.signal })) {
      topics.push(topic);
      if (topic === 'kms.health') health.push(data);
      if (topics.length === 5) stop.abort();
    }
    expect(topics).toEqual(['kms.ready', 'kms.health', 'kms.ready', 'kms.health', 'kms.ready']);
    expect(health).toEqual([
      { service: 'ron-kms', ok: false, key: 'rng_ok', level: 'missing', reason: 'rng_ok is missing' },
      { service: 'ron-kms', ok: true, key: 'rng_ok', level: 'ok' },
    ]);
  });

  test('the time with and without the attestation that is required adds up', async () => {
    const { page, clock } = await made();
    page();
    clock.monotonic += 5000;
    page();
    clock.monotonic += 2000;
    const found = page({ attestation: { required: true, ready: false, class: null } });
    expect(found.get('kms_attestation_ready_seconds_total{state=ready}')).toBe(5);
    expect(found.get('kms_attestation_ready_seconds_total{state=missing}')).toBe(2);
  });

  test('a reader that falls behind is counted', async () => {
    const { telemetry } = await made();
    const stream = telemetry.ring.read({ topic: null, sinceMs: 0, signal: new AbortController().signal });
    telemetry.publish('kms.health', {});
    const reading = stream[Symbol.asyncIterator]();
    await reading.next();
    for (let n = 0; n < 1030; n += 1) telemetry.publish('kms.health', { n });
    await reading.next();
    expect(telemetry.metrics.value('bus_lagged_total')).toBe(6);
  });
});

describe('fairness skew', () => {
  test('is the busiest tenant over the median one within the window', () => {
    const skew = createFairnessSkew();
    skew.add('a', 90, 0);
    skew.add('b', 10, 0);
    skew.add('c', 30, 0);
    expect(skew.skew(0)).toEqual({ '5m': 3, '1h': 3 });
    expect(skew.skew(6 * 60_000)).toEqual({ '5m': 0, '1h': 3 });
    expect(skew.skew(61 * 60_000)).toEqual({ '5m': 0, '1h': 0 });
  });

  test('a single tenant raises no alarm, two halves are even, a clock set back is no crash', () => {
    const skew = createFairnessSkew();
    skew.add('a', 1000, 600_000);
    expect(skew.skew(600_000)['1h']).toBe(1);
    skew.add('b', 1000, 600_000);
    expect(skew.skew(600_000)['1h']).toBe(1);
    skew.add('a', 1, 0);
    expect(skew.skew(0)['1h']).toBe(1);
  });

  test('operations counted through the telemetry arrive in it', async () => {
    const { telemetry, page } = await made();
    telemetry.count('kms_tenant_ops_total', { tenant: 'a', op: 'sign' }, 9);
    telemetry.count('kms_tenant_ops_total', { tenant: 'b', op: 'sign' });
    telemetry.count('kms_tenant_ops_total', { tenant: 'c', op: 'sign' }, 2);
    expect(page().get('kms_capabilities_minted_fairness_skew{window=1h}')).toBe(4.5);
  });
});

test('timed primitives give the results of the untimed ones, and count under the documented labels', async () => {
  const metrics = createMetrics();
  const clock = { now: 0 };
  const plain = testCrypto();
  const crypto = observedCrypto(plain, metrics, () => {
    clock.now += 1;
    return clock.now;
  });
  const message = new Uint8Array([1, 2, 3]);
  for (const [alg, algo] of [
    ['ed25519', 'ed25519'],
    ['ml-dsa', 'ml-dsa'],
  ] as const) {
    const secret = await crypto.signature(alg).generate();
    const key = await crypto.signature(alg).importSecret(secret);
    const signature = await key.sign(message);
    expect(plain.signature(alg).verify(key.publicKey, message, signature)).toBe(true);
    expect(crypto.signature(alg).importPublic(key.publicKey)!.verify(message, signature)).toBe(true);
    expect(crypto.signature(alg).importPublic(new Uint8Array(3))).toBeNull();
    expect(metrics.value('crypto_latency_seconds', { op: 'sign', algo })).toBe(1);
    expect(metrics.value('crypto_latency_seconds', { op: 'verify', algo })).toBe(1);
    key.destroy();
  }
  const kem = crypto.kem('ml-kem');
  const secret = await kem.generate();
  const sent = await kem.encapsulate(await kem.publicKey(secret));
  expect(await kem.decapsulate(secret, sent.ciphertext)).toEqual(sent.shared);
  expect(metrics.value('crypto_latency_seconds', { op: 'kex', algo: 'ml-kem' })).toBe(2);
});
