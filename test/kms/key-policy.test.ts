// What policy and trust forbid: attestation, algorithms, an ungoverned macronode, answers from an untrusted clock.

import { describe, expect, it } from 'vitest';
import { settled } from '../../src/rollout/phases.ts';
import { B3, call, refused } from '../contract/kms-subject.ts';
import { memoryKms } from '../support/memory-kms.ts';

const ACME = { tenant: 'acme', purpose: 'p', newTenant: true } as const;
const setGlobal = (kms: Awaited<ReturnType<typeof memoryKms>>, values: Record<string, unknown>): void =>
  kms.setPolicy((state) => ({ ...state, global: { ...state.global, ...values } as typeof state.global }));

describe('policy', () => {
  it('an attestation that a file store cannot give stops create, sign and wrap; unwrap goes on', async () => {
    const kms = await memoryKms();
    const signer = await kms.keys.create({ ...ACME, alg: 'ed25519' }, call());
    const kem = await kms.keys.create({ ...ACME, alg: 'hybrid-kem' }, call());
    const envelope = (await kms.wrapping.wrap({ kid: kem.kid, size: 32 }, call())).envelope!;
    setGlobal(kms, { 'security.attest_require': 'required' });
    await kms.signing.sign({ kids: [signer.kid], payload_b3: B3 }, call());
    setGlobal(kms, { 'security.attest_classes': ['pkcs11'] });
    for (const act of [
      kms.keys.create({ ...ACME, alg: 'ml-dsa' }, call()),
      kms.signing.sign({ kids: [signer.kid], payload_b3: B3 }, call()),
      kms.wrapping.wrap({ kid: kem.kid, size: 32 }, call()),
    ]) {
      expect(await refused(act)).toMatchObject({
        code: 'AttestationMissing',
        message: expect.stringContaining('attestation'),
      });
    }
    expect((await kms.wrapping.unwrap({ kid: kem.kid, envelope }, call())).plaintext).toHaveLength(32);
  });

  it('an algorithm that the policy does not allow is neither made nor rotated', async () => {
    const kms = await memoryKms();
    const made = await kms.keys.create({ ...ACME, alg: 'ed25519' }, call());
    setGlobal(kms, { 'service.allowed_algs': ['ml-dsa'] });
    const error = await refused(kms.keys.create({ ...ACME, alg: 'ed25519' }, call()));
    expect([error.code, error.message]).toEqual(['PolicyRefused', expect.stringContaining('it allows ml-dsa')]);
    expect((await refused(kms.keys.rotate({ kid: made.kid }, call()))).code).toBe('PolicyRefused');
    await kms.keys.create({ ...ACME, alg: 'ml-dsa' }, call());
  });

  it('an ungoverned macronode makes nothing; an ungoverned dev store does', async () => {
    const macro = await memoryKms({ governed: false, profile: 'macronode' });
    const error = await refused(macro.keys.create({ ...ACME, alg: 'hybrid' }, call()));
    expect([error.code, error.exit, error.hint]).toEqual(['Ungoverned', 4, expect.stringContaining('governance init')]);
    const dev = await memoryKms({ governed: false });
    const made = await dev.keys.create({ ...ACME, alg: 'ed25519' }, call());
    expect(made.key!.versions[0]!.tracks).toEqual(['ed25519', 'ml-dsa']);
  });

  it('a tenant stands at the tighter of its own and the global phase', async () => {
    const kms = await memoryKms({ phase: 0 });
    kms.setPq('tenant:acme', settled(1));
    const here = await kms.keys.create({ ...ACME, alg: 'ed25519' }, call());
    const there = await kms.keys.create({ ...ACME, tenant: 'globex', alg: 'ed25519' }, call());
    expect(here.key!.versions[0]!.tracks).toEqual(['ed25519', 'ml-dsa']);
    expect(there.key!.versions[0]!.tracks).toEqual(['ed25519']);
  });

  it('outside the cohort a key stays at the base phase; a key made after the raise is inside', async () => {
    const kms = await memoryKms({ phase: 1 });
    const old = await kms.keys.create({ ...ACME, alg: 'ed25519' }, call());
    const signed = async (kid: string) => {
      const bundle = (await kms.signing.sign({ kids: [kid], payload_b3: B3 }, call())).bundle!;
      return (await kms.signing.verify({ bundle, payload_b3: B3 }, call())).required_mode;
    };
    kms.setPq('global', { phase: 2, base_phase: 1, percent: 0 });
    const fresh = await kms.keys.create({ ...ACME, alg: 'ed25519' }, call());
    expect(await signed(old.kid)).toBe('or');
    expect(await signed(fresh.kid)).toBe('and');
  });
});

describe('needs-rotation', () => {
  it('is unknown, never no, without an authenticated state, a key object or a clock that can be trusted', async () => {
    const kms = await memoryKms();
    const { kid } = await kms.keys.create({ ...ACME, alg: 'ed25519' }, call());
    const ask = () => kms.keys.needsRotation({ kid }, call());
    expect((await ask()).answer).toBe('no');
    kms.reading.highWaterMs = kms.store.nowMs + 1;
    expect(await ask()).toMatchObject({ answer: 'unknown', reason: 'the clock is behind the newest time seen' });
    kms.reading.highWaterMs = 0;
    kms.advanceDays(-1);
    expect((await ask()).answer).toBe('unknown');
    kms.advanceDays(1);
    kms.reading.trust = 'not-authenticated';
    expect(await ask()).toMatchObject({ answer: 'unknown', trust: 'not-authenticated' });
    kms.reading.trust = 'authenticated';
    kms.store.files.clear();
    expect(await ask()).toMatchObject({ answer: 'unknown', age_days: null });
  });

  it('follows the limit of the policy', async () => {
    const kms = await memoryKms();
    const { kid } = await kms.keys.create({ ...ACME, alg: 'ed25519' }, call());
    kms.advanceDays(10);
    setGlobal(kms, { 'keys.rotate_max_days': 10 });
    expect(await kms.keys.needsRotation({ kid }, call())).toMatchObject({
      answer: 'yes',
      age_days: 10,
      limit_days: 10,
    });
  });
});
