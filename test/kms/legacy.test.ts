// Which execution "took the key from accepted to refused", for keys inside and outside the cohort.

import { beforeEach, describe, expect, it } from 'vitest';
import { requireKeyId } from '../../src/keys/key-id.ts';
import { findKey } from '../../src/keys/keyring.ts';
import { legacyBefore, raiseOfKey } from '../../src/kms/service/legacy.ts';
import type { Judged, Overlay } from '../../src/policy/overlay.ts';
import { settled } from '../../src/rollout/phases.ts';
import { B3, call } from '../contract/kms-subject.ts';
import { type MemoryKms, memoryKms, provenLog } from '../support/memory-kms.ts';

const ORIGIN_EPOCH = 0;
let kms: MemoryKms;
let kid = '';
beforeEach(async () => {
  kms = await memoryKms({ phase: 0 });
  const made = await kms.keys.create({ tenant: 'acme', purpose: 'p', alg: 'ed25519', newTenant: true }, call());
  kid = made.kid;
});

const verify = async (bundle: Awaited<ReturnType<typeof sign>>) =>
  kms.signing.verify({ bundle, payload_b3: B3 }, call());
const sign = async () => (await kms.signing.sign({ kids: [kid], payload_b3: B3 }, call())).bundle!;
const raise = () => {
  const id = requireKeyId(kid, 'kid');
  return raiseOfKey(kms.inForce(), id, findKey(kms.store.view, id.kid)!);
};

describe('the raise of a key', () => {
  it('is the step from or to and, not a later one', () => {
    kms.setPhase(1);
    expect(raise()).toBeNull();
    kms.setPhase(2);
    const and = kms.store.logSize - 1;
    kms.setPhase(3);
    expect(raise()?.auditSeq).toBe(and);
  });

  it('is forgotten when the policy is lowered, and the newest one counts', () => {
    kms.setPhase(1);
    kms.setPhase(2);
    kms.setPhase(1);
    expect(raise()).toBeNull();
    kms.setPhase(2);
    expect(raise()?.auditSeq).toBe(kms.store.logSize - 1);
  });

  it('is that of the scope that made the difference', () => {
    kms.setPhase(1);
    kms.setPq('tenant:acme', settled(2));
    const tenant = kms.store.logSize - 1;
    kms.setPhase(2);
    expect(raise()).toMatchObject({ scope: 'tenant:acme', auditSeq: tenant });
  });

  it('a tenant override of another tenant raises nothing', () => {
    kms.setPhase(1);
    kms.setPq('tenant:globex', settled(2));
    expect(raise()).toBeNull();
  });

  it('with a percentage, a key is raised when the percentage reaches it', () => {
    kms.setPhase(1);
    kms.setPq('global', { phase: 2, base_phase: 1, percent: 0 });
    expect(raise()).toBeNull();
    kms.setPq('global', settled(2));
    expect(raise()?.auditSeq).toBe(kms.store.logSize - 1);
  });

  it('an exception moves nothing', () => {
    kms.setPhase(1);
    kms.setPhase(2);
    const before = raise();
    const exception: Overlay = {
      kind: 'exception',
      seq: 1,
      scope: 'global',
      judged_at: kms.judged().now,
      duration_s: 3600,
      changes: [{ key: 'pq.phase', to: 1 }],
    };
    kms.setOverlays([exception]);
    expect(raise()).toEqual(before);
  });
});

describe('legacy acceptance', () => {
  it('is over exactly at judged_at + grace, and at once when the clock is behind what was seen', async () => {
    const id = requireKeyId(kid, 'kid');
    kms.setPhase(1);
    kms.setPhase(2);
    const key = findKey(kms.store.view, id.kid)!;
    const at = (change: Partial<Judged>, boot = 'boot') =>
      legacyBefore(kms.inForce(), id, key, {
        ...kms.judged(),
        ...change,
        now: { ...kms.judged().now, boot_id: boot, ...change.now },
      });
    expect(at({})).toMatchObject({ epoch: ORIGIN_EPOCH });
    kms.advanceDays(29.999);
    expect(at({})).not.toBeNull();
    kms.advanceDays(0.001);
    expect(at({})).toBeNull();
    kms.advanceDays(-20);
    expect(at({}, 'another boot')).not.toBeNull();
    expect(at({ highWaterMs: kms.store.nowMs + 1 }, 'another boot')).toBeNull();
  });

  it('needs the record of this signature: another payload or a later signature is not enough', async () => {
    const bundle = await sign();
    kms.setPhase(1);
    const late = await sign();
    kms.setPhase(2);
    expect(await verify(bundle)).toMatchObject({ legacy: 'proven', refusal: null });
    expect(await verify(late)).toMatchObject({ legacy: 'proven' });
    kms.reading.log = { ...provenLog(kms.store), signRecords: () => [{ epoch: 0, seq: kms.store.logSize }] };
    expect(await verify(bundle)).toMatchObject({ accepted: false, refusal: 'PqPolicy' });
    kms.reading.log = { ...provenLog(kms.store), signRecords: () => [] };
    expect(await verify(bundle)).toMatchObject({ accepted: false, refusal: 'PqPolicy' });
  });

  it('without a reachable log it is inconclusive, never valid', async () => {
    const bundle = await sign();
    kms.setPhase(1);
    kms.setPhase(2);
    kms.reading.log = null;
    expect(await verify(bundle)).toMatchObject({ accepted: false, legacy: 'unproven', refusal: 'LegacyUnproven' });
    kms.reading.log = { ...provenLog(kms.store), signRecords: () => 'unavailable' };
    expect(await verify(bundle)).toMatchObject({ accepted: false, refusal: 'LegacyUnproven' });
  });

  it('a state that is not authenticated is refused before anything else', async () => {
    const bundle = await sign();
    kms.reading.trust = 'not-authenticated';
    expect(await verify(bundle)).toMatchObject({
      accepted: false,
      state: 'not authenticated',
      refusal: 'NotAuthenticated',
      signatures: [{ alg: 'ed25519', valid: true }],
    });
  });

  it('grace 0 ends it at once', async () => {
    const bundle = await sign();
    kms.setPhase(1);
    kms.setPhase(2);
    kms.setPolicy((state) => ({ ...state, global: { ...state.global, 'pq.legacy_grace_days': 0 } }));
    expect(await verify(bundle)).toMatchObject({ accepted: false, refusal: 'PqPolicy' });
  });
});
