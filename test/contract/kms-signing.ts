// Contract of the Signing port: what is signed, both answers of verification, and what `sign` refuses to make.

import { describe, expect, it } from 'vitest';
import type { SignatureBundle } from '../../src/keys/bundle.ts';
import type { Caller } from '../../src/kms/ports.ts';
import { B3, call, capability, type KmsSubject, LOCAL, type MakeSubject, refused, SYSTEM } from './kms-subject.ts';

const OTHER = '0'.repeat(64);

export function signingContract(name: string, make: MakeSubject): void {
  const create = async (subject: KmsSubject, alg: 'ed25519' | 'ml-dsa' | 'slh-dsa' | 'hybrid' = 'ed25519') =>
    (await subject.keys.create({ tenant: 'acme', purpose: 'release', alg, newTenant: true }, call())).kid;
  const sign = async (subject: KmsSubject, kid: string, caller: Caller = LOCAL): Promise<SignatureBundle> =>
    (await subject.signing.sign({ kids: [kid], payload_b3: B3 }, call(caller))).bundle!;
  const verify = (subject: KmsSubject, bundle: SignatureBundle, payload_b3 = B3, caller: Caller = LOCAL) =>
    subject.signing.verify({ bundle, payload_b3 }, call(caller));

  describe.each<[string, Caller]>([
    ['local', LOCAL],
    ['capability', capability()],
  ])(`${name}: signing, called by %s`, (_kind, caller) => {
    it('signs with every track, and the bundle verifies', async () => {
      const subject = await make();
      const kid = await create(subject);
      const bundle = await sign(subject, kid, caller);
      expect(bundle.kid).toBe(kid);
      expect(bundle.payload_b3).toBe(B3);
      expect(bundle.sigs.map((one) => one.alg)).toEqual(['ed25519', 'ml-dsa']);
      const answer = await verify(subject, bundle, B3, caller);
      expect(answer).toMatchObject({ kid, accepted: true, required_mode: 'or', satisfied_mode: 'or', refusal: null });
      expect(answer.signatures.every((one) => one.valid)).toBe(true);
    });

    it.each(['ml-dsa', 'slh-dsa'] as const)('%s signs alone, in every phase', async (alg) => {
      const subject = await make();
      const bundle = await sign(subject, await create(subject, alg), caller);
      expect(bundle.sigs.map((one) => one.alg)).toEqual([alg]);
      for (const phase of [0, 1, 2, 3] as const) {
        await subject.setPhase(phase);
        expect((await verify(subject, bundle, B3, caller)).accepted, `phase ${phase}`).toBe(true);
      }
    });

    it.each([0, 1])('a bundle without its half %i is invalid in every mode', async (index) => {
      const subject = await make();
      const bundle = await sign(subject, await create(subject), caller);
      const stripped = { ...bundle, sigs: bundle.sigs.filter((_, at) => at !== index) };
      for (const phase of [1, 2, 3] as const) {
        await subject.setPhase(phase);
        const answer = await verify(subject, stripped, B3, caller);
        expect(answer.signatures.map((one) => one.valid)).toEqual([false]);
        expect(answer).toMatchObject({ accepted: false, refusal: 'VerificationFailed', satisfied_mode: null });
      }
    });
  });

  describe(`${name}: verification`, () => {
    it('a half moved to another version or bundle is invalid', async () => {
      const subject = await make();
      const kid = await create(subject);
      const first = await sign(subject, kid);
      const rotated = await subject.keys.rotate({ kid }, call());
      const second = await sign(subject, rotated.kid);
      const asSecond = await verify(subject, { ...first, kid: rotated.kid });
      expect(asSecond.signatures.map((one) => one.valid)).toEqual([false, false]);
      const mixed = await verify(subject, { ...second, sigs: [second.sigs[0]!, first.sigs[1]!] });
      expect(mixed.signatures.map((one) => one.valid)).toEqual([true, false]);
      expect(mixed).toMatchObject({ accepted: true, refusal: 'VerificationFailed' });
      expect((await verify(subject, first)).accepted).toBe(true);
    });

    it('another payload is invalid, and so is a bundle that lies about it', async () => {
      const subject = await make();
      const bundle = await sign(subject, await create(subject));
      const other = await verify(subject, bundle, OTHER);
      expect(other.signatures[0]).toMatchObject({ valid: false, reason: 'the bundle was made for another payload' });
      const lying = await verify(subject, { ...bundle, payload_b3: OTHER }, OTHER);
      expect(lying.signatures.map((one) => one.valid)).toEqual([false, false]);
      expect(lying.refusal).toBe('VerificationFailed');
    });

    it('classical signatures lose acceptance when the phase is raised, at once, and regain it when lowered', async () => {
      const subject = await make();
      await subject.setPhase(0);
      const kid = await create(subject);
      const bundle = await sign(subject, kid);
      expect((await verify(subject, bundle)).accepted).toBe(true);
      await subject.setPhase(1);
      await subject.setPhase(2);
      subject.advanceDays(31);
      const refusedNow = await verify(subject, bundle);
      expect(refusedNow).toMatchObject({
        accepted: false,
        refusal: 'PqPolicy',
        required_mode: 'and',
        satisfied_mode: 'or',
      });
      expect(refusedNow.signatures[0]!.valid).toBe(true);
      await subject.setPhase(1);
      expect((await verify(subject, bundle)).accepted).toBe(true);
    });

    it('within the grace, a signature that the log holds from before the raise is legacy', async () => {
      const subject = await make();
      await subject.setPhase(0);
      const kid = await create(subject);
      const bundle = await sign(subject, kid);
      await subject.setPhase(1);
      await subject.setPhase(2);
      const answer = await verify(subject, bundle);
      expect(answer).toMatchObject({ accepted: true, legacy: 'proven', refusal: null, satisfied_mode: 'or' });
      subject.advanceDays(30);
      expect(await verify(subject, bundle)).toMatchObject({ accepted: false, refusal: 'PqPolicy' });
    });

    it('a tighter mode that is asked for is the one that judges; a looser one changes nothing', async () => {
      const subject = await make();
      await subject.setPhase(0);
      const bundle = await sign(subject, await create(subject));
      const asking = (mode: 'or' | 'and' | 'pq_only', of = bundle) =>
        subject.signing.verify({ bundle: of, payload_b3: B3, mode }, call());
      const none = { accepted: false, refusal: 'PqPolicy', satisfied_mode: 'or' };
      expect(await asking('or')).toMatchObject({ accepted: true, required_mode: 'or', refusal: null });
      expect(await asking('and')).toMatchObject({ ...none, required_mode: 'and' });
      expect(await asking('pq_only')).toMatchObject({ ...none, required_mode: 'pq_only' });
      expect((await asking('and')).reason).toContain('the mode and that was asked for');
      // The mode in force takes it as legacy, a tighter one has no grace.
      await subject.setPhase(1);
      await subject.setPhase(2);
      for (const mode of ['or', 'and'] as const) {
        expect(await asking(mode)).toMatchObject({ accepted: true, legacy: 'proven', required_mode: 'and' });
      }
      expect(await asking('pq_only')).toMatchObject({ ...none, required_mode: 'pq_only' });

      const both = await sign(subject, await create(subject, 'hybrid'));
      for (const mode of ['or', 'and', 'pq_only'] as const) {
        const required_mode = mode === 'or' ? 'and' : mode;
        const expected = { accepted: true, required_mode, satisfied_mode: required_mode, refusal: null };
        expect(await asking(mode, both)).toMatchObject(expected);
      }
      // pq_only alone would take it; the mode in force does not.
      const wrong = { alg: 'ed25519', signature_b64: Buffer.alloc(64).toString('base64') };
      const half = { ...both, sigs: [wrong, both.sigs[1]!] };
      expect(await asking('pq_only', half)).toMatchObject({ accepted: false, refusal: 'VerificationFailed' });
    });

    it.each<[string, (bundle: SignatureBundle) => unknown, string]>([
      ['no signature', (bundle) => ({ ...bundle, sigs: [] }), 'sigs'],
      ['an unknown algorithm', (b) => ({ ...b, sigs: [{ alg: 'ml-dsa-44', signature_b64: '' }] }), 'sigs[0].alg'],
      ['a repeated algorithm', (b) => ({ ...b, sigs: [b.sigs[0], b.sigs[0]] }), 'sigs[1].alg'],
      ['nine signatures', (b) => ({ ...b, sigs: Array.from({ length: 9 }, () => b.sigs[0]) }), 'sigs'],
      ['a payload in upper case', (b) => ({ ...b, payload_b3: B3.toUpperCase() }), 'payload_b3'],
    ])('a bundle with %s is refused as a whole', async (_what, change, field) => {
      const subject = await make();
      const bundle = await sign(subject, await create(subject));
      const error = await refused(verify(subject, change(bundle) as SignatureBundle));
      expect([error.exit, error.field]).toEqual([3, field]);
    });

    it('a malformed half is refused in every mode, a merely wrong one not', async () => {
      const subject = await make();
      const bundle = await sign(subject, await create(subject));
      const with2 = (signature: Uint8Array): SignatureBundle => ({
        ...bundle,
        sigs: [bundle.sigs[0]!, { alg: 'ml-dsa', signature_b64: Buffer.from(signature).toString('base64') }],
      });
      const wrong = await verify(subject, with2(new Uint8Array(3309)));
      expect(wrong).toMatchObject({ accepted: true, refusal: 'VerificationFailed' });
      const short = await verify(subject, with2(new Uint8Array(3308)));
      expect(short).toMatchObject({ accepted: false, refusal: 'VerificationFailed' });
      expect(short.signatures[1]).toMatchObject({ valid: false, reason: '3309 bytes are expected' });
      const foreign = { ...bundle, sigs: [...bundle.sigs, { alg: 'slh-dsa', signature_b64: 'AAAA' }] };
      const third = await verify(subject, foreign);
      expect(third.accepted).toBe(false);
      expect(third.signatures[2]!.reason).toBe('the key version has no such track');
    });

    it('a non-canonical Ed25519 half is malformed', async () => {
      const subject = await make();
      const bundle = await sign(subject, await create(subject));
      const bytes = Buffer.from(bundle.sigs[0]!.signature_b64, 'base64');
      bytes.fill(0xff, 32);
      const sigs = [{ alg: 'ed25519', signature_b64: bytes.toString('base64') }, bundle.sigs[1]!];
      const answer = await verify(subject, { ...bundle, sigs });
      expect(answer.signatures[0]).toMatchObject({ valid: false, reason: 'not a canonical value' });
      expect(answer.accepted).toBe(false);
    });

    it('an unknown key is not found', async () => {
      const subject = await make();
      const bundle = await sign(subject, await create(subject));
      const kid = bundle.kid.replace('acme/', 'acmf/');
      expect((await refused(verify(subject, { ...bundle, kid }))).code).toBe('NotFound');
      const v9 = bundle.kid.replace('#v1', '#v9');
      expect((await refused(verify(subject, { ...bundle, kid: v9 }))).code).toBe('NotFound');
    });
  });

  describe(`${name}: what sign refuses`, () => {
    it('never makes what verify would refuse', async () => {
      const subject = await make();
      await subject.setPhase(0);
      const kid = await create(subject);
      await subject.setPhase(1);
      await subject.setPhase(2);
      const error = await refused(sign(subject, kid));
      expect([error.code, error.exit]).toEqual(['PqPolicy', 16]);
      expect(error.hint).toContain('kms rotate');
      const rotated = await subject.keys.rotate({ kid }, call());
      expect((await verify(subject, await sign(subject, rotated.kid))).satisfied_mode).toBe('and');
    });

    it('a superseded version does not sign, an unversioned id means the newest', async () => {
      const subject = await make();
      const kid = await create(subject);
      const rotated = await subject.keys.rotate({ kid }, call());
      expect((await refused(sign(subject, kid))).code).toBe('Conflict');
      expect((await sign(subject, kid.split('#')[0]!)).kid).toBe(rotated.kid);
    });

    it('hybrid from a classical version is unsupported, not silently classical', async () => {
      const subject = await make();
      await subject.setPhase(0);
      const kid = await create(subject);
      const request = { kids: [kid], payload_b3: B3, produce_hybrid: true };
      const error = await refused(subject.signing.sign(request, call()));
      expect([error.code, error.hint]).toEqual(['Unsupported', expect.stringContaining('kms rotate')]);
      const disregarded = { kids: [await create(subject, 'hybrid')], payload_b3: B3, produce_hybrid: false };
      expect((await subject.signing.sign(disregarded, call())).bundle!.sigs).toHaveLength(2);
    });

    it('a key set is served by its newest key and belongs to one tenant', async () => {
      const subject = await make();
      const older = await create(subject);
      const newer = await create(subject);
      const set = { kids: [newer, older], payload_b3: B3 };
      expect((await subject.signing.sign(set, call())).kid).toBe(newer);
      const other = await subject.keys.create(
        { tenant: 'globex', purpose: 'release', alg: 'ed25519', newTenant: true },
        call(),
      );
      const mixed = { kids: [newer, other.kid], payload_b3: B3 };
      expect((await refused(subject.signing.sign(mixed, call()))).field).toBe('kid_set');
      expect((await refused(subject.signing.sign({ kids: [], payload_b3: B3 }, call()))).field).toBe('kid_set');
    });

    it.each(['', B3.slice(1), `${B3}00`, B3.toUpperCase(), 'g'.repeat(64)])('payload_b3 %j is refused', async (b3) => {
      const subject = await make();
      const kid = await create(subject);
      const error = await refused(subject.signing.sign({ kids: [kid], payload_b3: b3 }, call()));
      expect([error.code, error.field]).toEqual(['InvalidValue', 'payload_b3']);
    });

    it('a wrapping key does not sign; a dry run signs nothing', async () => {
      const subject = await make();
      const kem = await subject.keys.create(
        { tenant: 'acme', purpose: 'data', alg: 'hybrid-kem', newTenant: true },
        call(),
      );
      expect((await refused(sign(subject, kem.kid))).code).toBe('Unsupported');
      const kid = await create(subject);
      const dry = await subject.signing.sign({ kids: [kid], payload_b3: B3 }, call(LOCAL, { dryRun: true }));
      expect(dry).toMatchObject({ bundle: null, audit: null, kid, algs: 'ed25519+ml-dsa' });
    });

    it('scope and tenant of a capability are checked; the system signs nothing', async () => {
      const subject = await make();
      const kid = await create(subject);
      expect((await refused(sign(subject, kid, capability(['kms:verify'])))).message).toContain('kms:sign');
      expect((await refused(sign(subject, kid, capability(undefined, ['globex'])))).code).toBe('Denied');
      expect((await refused(sign(subject, kid, SYSTEM))).code).toBe('Denied');
      const bundle = await sign(subject, kid);
      expect((await refused(verify(subject, bundle, B3, capability(['kms:sign'])))).code).toBe('Denied');
    });
  });
}
