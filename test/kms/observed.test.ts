// The ports as the service tells of them: each operation counted once with its algorithm and result, timed, logged with the
// documented fields, spanned under its request; dry runs are no operations; nothing secret is told by anything.

import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/bytes/hex.ts';
import type { ServiceEvent } from '../../src/kms/admin-ports.ts';
import { kidHash } from '../../src/kms/kid-hash.ts';
import { B3, call, capability, refused } from '../contract/kms-subject.ts';
import { type ObservedKms, observedKms, TOKEN } from '../support/observed-kms.ts';

type Line = Readonly<Record<string, unknown>>;
const parsed = ({ lines }: ObservedKms): Line[] => lines.map((line) => JSON.parse(line) as Line);
const named = (of: ObservedKms, event: string): Line[] => parsed(of).filter((line) => line['event'] === event);

async function withKey(alg: 'hybrid' | 'ml-dsa' | 'hybrid-kem' = 'hybrid') {
  const of = await observedKms();
  const { kid } = await of.kms.keys.create({ tenant: 'acme', purpose: 'release', alg, newTenant: true }, call());
  return { of, kid };
}

describe('an operation', () => {
  test('is counted with op, algorithms and result, timed, and counted for its tenant', async () => {
    const { of, kid } = await withKey();
    const { bundle } = await of.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call());
    await of.kms.signing.verify({ bundle: bundle!, payload_b3: B3 }, call());
    await of.kms.keys.rotate({ kid }, call());
    const { metrics } = of.telemetry;
    for (const op of ['create', 'sign', 'verify', 'rotate']) {
      expect(metrics.value('kms_ops_total', { op, alg: 'hybrid', result: 'ok' }), op).toBe(1);
      expect(metrics.value('kms_latency_seconds', { op, alg: 'hybrid' }), op).toBe(1);
      expect(metrics.value('kms_tenant_ops_total', { tenant: 'acme', op }), op).toBe(1);
    }
    expect(metrics.value('pq_signature_total', { algo: 'ed25519' })).toBe(1);
    expect(metrics.value('pq_signature_total', { algo: 'ml-dsa' })).toBe(1);
  });

  test('that is refused is counted as err and not timed, and its line has code and reason as the metric labels it', async () => {
    const { of, kid } = await withKey();
    const error = await refused(of.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call(capability(['kms:verify']))));
    expect(error.code).toBe('Denied');
    expect(of.telemetry.metrics.value('kms_ops_total', { op: 'sign', alg: 'hybrid', result: 'err' })).toBe(1);
    expect(of.telemetry.metrics.value('kms_latency_seconds', { op: 'sign', alg: 'hybrid' })).toBe(0);
    expect(named(of, 'sign_result')[0]).toMatchObject({
      level: 'WARN',
      result: 'err',
      code: 'Denied',
      reason: 'caveat',
      error_kind: 'operator',
      caller: 'capability',
      cap_root: 1,
    });
  });

  test('as a dry run is none', async () => {
    const { of, kid } = await withKey();
    const before = of.lines.length;
    await of.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call(undefined, { dryRun: true }));
    expect(of.telemetry.metrics.value('kms_ops_total', { op: 'sign', alg: 'hybrid', result: 'ok' })).toBe(0);
    expect(of.lines).toHaveLength(before);
  });

  test('on something that is no key id is not counted: the refusal is', async () => {
    const of = await observedKms();
    const error = await refused(of.kms.signing.sign({ kids: ['nonsense'], payload_b3: B3 }, call()));
    expect(error.code).toBe('InvalidValue');
    expect(named(of, 'sign_result')).toEqual([]);
  });

  test('verify that policy refuses is an operation, a rejection and a missing half (PERF-05)', async () => {
    const of = await observedKms();
    of.memory.setPhase(0);
    const { kid } = await of.kms.keys.create(
      { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true },
      call(),
    );
    const { bundle } = await of.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call());
    of.memory.setPhase(3);
    of.memory.advanceDays(100);
    const answer = await of.kms.signing.verify({ bundle: bundle!, payload_b3: B3 }, call());
    expect(answer).toMatchObject({ accepted: false, refusal: 'PqPolicy' });
    const { metrics } = of.telemetry;
    expect(metrics.value('rejected_total', { reason: 'pq_policy' })).toBe(1);
    expect(metrics.value('pq_signature_failures_total', { reason: 'missing_pq' })).toBe(1);
    expect(metrics.value('kms_ops_total', { op: 'verify', alg: 'ed25519', result: 'ok' })).toBe(1);
    expect(named(of, 'verify_result')[0]).toMatchObject({
      result: 'ok',
      code: 'PqPolicy',
      reason: 'pq_policy',
      pq_mode: 'pq_only',
    });
  });

  test('the trigger of a rollback is for refusals of the mode in force, not for one that a caller asked for', async () => {
    const of = await observedKms();
    of.memory.setPhase(0);
    const { kid } = await of.kms.keys.create(
      { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true },
      call(),
    );
    const { bundle } = await of.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call());
    const triggers = async (): Promise<number> => {
      const signal = AbortSignal.timeout(50);
      let seen = 0;
      for await (const _event of of.telemetry.ring.read({ topic: 'kms.pq.reject_trigger', sinceMs: 0, signal })) seen++;
      return seen;
    };
    const asked = await of.kms.signing.verify({ bundle: bundle!, payload_b3: B3, mode: 'and' }, call());
    expect(asked).toMatchObject({ accepted: false, refusal: 'PqPolicy', required_mode: 'and' });
    expect(of.telemetry.metrics.value('rejected_total', { reason: 'pq_policy' })).toBe(1);
    expect(await triggers()).toBe(0);
    of.memory.setPhase(3);
    of.memory.advanceDays(100);
    await of.kms.signing.verify({ bundle: bundle!, payload_b3: B3, mode: 'and' }, call());
    expect(await triggers()).toBe(1);
  });
});

describe('counted besides', () => {
  test('a rotation that makes a post-quantum track', async () => {
    const { of, kid } = await withKey();
    await of.kms.keys.rotate({ kid }, call());
    expect(of.telemetry.metrics.value('pqc_key_rotation_success_total')).toBe(1);
  });

  test('a rotation that the store does not take is a failure, one that is not allowed is none', async () => {
    const { of, kid } = await withKey();
    await refused(of.kms.keys.rotate({ kid }, call(capability(['kms:read']))));
    expect(of.telemetry.metrics.value('pqc_key_rotation_failure_total', { reason: 'policy' })).toBe(0);
    of.memory.setPolicy((state) => ({ ...state, global: { ...state.global, 'service.allowed_algs': ['x25519'] } }));
    const error = await refused(of.kms.keys.rotate({ kid }, call()));
    expect(error.code).toBe('PolicyRefused');
    expect(of.telemetry.metrics.value('pqc_key_rotation_failure_total', { reason: 'policy' })).toBe(1);
  });

  test('a tenant that the caller has no business with becomes no label and no field', async () => {
    const { of } = await withKey();
    const kid = 'invented/release/hybrid/0190aaaa-0000-7000-8000-000000000001';
    const error = await refused(of.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call(capability())));
    expect(error.code).toBe('Denied');
    expect(of.telemetry.metrics.text()).not.toContain('invented');
    expect(of.lines.join('\n')).not.toContain('invented');
  });
});

describe('a line', () => {
  test('of a signature has the documented fields, and the key by its hash', async () => {
    const { of, kid } = await withKey();
    const one = call(capability());
    await of.kms.signing.sign({ kids: [kid], payload_b3: B3 }, one);
    const [line] = named(of, 'sign_result');
    expect(line).toMatchObject({
      level: 'INFO',
      service: 'ron-kms',
      corr_id: one.corrId,
      op_id: one.opId,
      tenant: 'acme',
      kid_hash: kidHash(kid),
      kid_version: 1,
      alg: 'hybrid',
      result: 'ok',
    });
    expect(line!['latency_ms']).toBeGreaterThan(0);
    expect(named(of, 'sign_request')).toHaveLength(1);
  });

  test('of a request within a transport repeats what the root span knows (OBS-34)', async () => {
    const { of, kid } = await withKey();
    of.lines.length = 0;
    const fields = { corr_id: 'c-1', request_id: 'r-1', peer_addr: '127.0.0.1:1', route: '/v1/kms/sign' };
    const root = of.telemetry.spans('svc.kms.http', fields);
    await of.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call(undefined, { span: root }));
    root.end({ status: 200 });
    root.end({ status: 500 });
    const spans = named(of, 'span');
    expect(spans.map((line) => line['span'])).toEqual([
      'backend.file.sign',
      'svc.kms.audit.append',
      'svc.kms.sign',
      'svc.kms.http',
    ]);
    const [backend, append, sign, http] = spans;
    expect(http).toMatchObject({ ...fields, status: 200 });
    expect(http).not.toHaveProperty('parent_id');
    expect(sign).toMatchObject({ ...fields, tenant: 'acme', result: 'ok', parent_id: http!['span_id'] });
    expect(backend).toMatchObject({ ...fields, backend: 'file', kid_version: 1, parent_id: sign!['span_id'] });
    expect(append).toMatchObject({ ...fields, result: 'ok', parent_id: sign!['span_id'] });
    expect(named(of, 'sign_result')[0]).toMatchObject(fields);
  });
});

describe('nothing secret is told', () => {
  test('by any log line, metric or event, at the loosest settings, whatever is done', async () => {
    const of = await observedKms();
    of.settings.now = { ...of.settings.now, redact: 'none', logInputs: true };
    const { kid } = await of.kms.keys.create(
      { tenant: 'acme', purpose: 'release', alg: 'hybrid', newTenant: true },
      call(),
    );
    const wrapKey = await of.kms.keys.create({ tenant: 'acme', purpose: 'data', alg: 'hybrid-kem' }, call());
    const marker = new TextEncoder().encode('marker-plaintext-marker-plaintext');
    const { bundle } = await of.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call(capability()));
    await of.kms.signing.verify({ bundle: bundle!, payload_b3: B3 }, call());
    const { envelope } = await of.kms.wrapping.wrap({ kid: wrapKey.kid, plaintext: marker }, call());
    await of.kms.wrapping.unwrap({ kid: wrapKey.kid, envelope: envelope! }, call());
    await of.kms.attesting.attest({ kid }, call());
    await of.kms.audit.checkpoint({}, call());
    await of.kms.capabilities.mint({ caveats: ['scope = kms:sign'], once: false }, call());
    await refused(of.kms.capabilities.register({ token: TOKEN }, call()));
    await refused(of.kms.governance.submit({ files: [marker] }, call()));
    await refused(of.kms.governance.execute({ id: 'p-1' }, call()));
    await refused(of.kms.signing.sign({ kids: [`${kid.split('#')[0]}#v9`], payload_b3: B3 }, call()));

    const stop = new AbortController();
    const events: ServiceEvent[] = [];
    of.telemetry.publish('kms.ready', { ready: true });
    for await (const event of of.telemetry.ring.read({ topic: null, sinceMs: 0, signal: stop.signal })) {
      events.push(event);
      if (event.topic === 'kms.ready') stop.abort();
    }
    const told = [...of.lines, of.telemetry.metrics.text(), JSON.stringify(events)].join('\n');
    expect(of.lines.length).toBeGreaterThan(25);
    const uuid = kid.split('/')[3]!.split('#')[0]!;
    const secrets = {
      token: TOKEN,
      'part of the token': TOKEN.slice(8, 40),
      plaintext: 'marker-plaintext',
      'plaintext as hex': toHex(marker),
      'plaintext as base64': Buffer.from(marker).toString('base64').slice(0, 40),
      'envelope as hex': toHex(envelope!).slice(0, 64),
      signature: bundle!.sigs[0]!.signature_b64,
      kid: kid.split('#')[0]!,
      'uuid of the kid': uuid,
      payload: B3,
    };
    for (const [what, text] of Object.entries(secrets)) expect(told.includes(text), what).toBe(false);
    expect(told).toContain(kidHash(kid));
  });
});
