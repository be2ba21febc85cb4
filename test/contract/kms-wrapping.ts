// Contract of the Wrapping port: round trips per suite, sizes, and the one answer to every envelope that does not open.

import { describe, expect, it } from 'vitest';
import type { CreationAlg } from '../../src/keys/tracks.ts';
import type { Caller } from '../../src/kms/ports.ts';
import { call, capability, type KmsSubject, LOCAL, type MakeSubject, refused, SYSTEM } from './kms-subject.ts';

export function wrappingContract(name: string, make: MakeSubject): void {
  const create = async (subject: KmsSubject, alg: CreationAlg = 'hybrid-kem', suite?: 2) =>
    (
      await subject.keys.create(
        { tenant: 'acme', purpose: 'data', alg, newTenant: true, ...(suite === undefined ? {} : { suite }) },
        call(),
      )
    ).kid;
  const key32 = Uint8Array.from({ length: 32 }, (_, index) => index);
  const wrap = async (subject: KmsSubject, kid: string, plaintext = key32): Promise<Uint8Array> =>
    (await subject.wrapping.wrap({ kid, plaintext }, call())).envelope!;
  const unwrap = async (subject: KmsSubject, kid: string, envelope: Uint8Array): Promise<Uint8Array> =>
    (await subject.wrapping.unwrap({ kid, envelope }, call())).plaintext!;

  describe.each<[string, Caller]>([
    ['local', LOCAL],
    ['capability', capability()],
  ])(`${name}: wrapping, called by %s`, (_kind, caller) => {
    it.each<[CreationAlg, 0 | 1, 2 | undefined, number, number]>([
      ['hybrid-kem', 1, undefined, 1, 1120],
      ['hybrid-kem', 1, 2, 2, 1120],
      ['x25519', 0, undefined, 3, 32],
      ['ml-kem', 1, undefined, 4, 1088],
    ])('%s in phase %i with suite %s wraps as suite %i', async (alg, phase, suite, expected, encBytes) => {
      const subject = await make();
      await subject.setPhase(phase);
      const kid = await create(subject, alg, suite);
      const wrapped = await subject.wrapping.wrap({ kid, plaintext: key32 }, call(caller));
      expect(wrapped).toMatchObject({ kid, suite: expected });
      expect(wrapped.envelope).toHaveLength(8 + kid.length + encBytes + 48);
      const opened = await subject.wrapping.unwrap({ kid, envelope: wrapped.envelope! }, call(caller));
      expect(opened.plaintext).toEqual(key32);
      const byBase = await subject.wrapping.unwrap(
        { kid: kid.split('#')[0]!, envelope: wrapped.envelope! },
        call(caller),
      );
      expect(byBase).toMatchObject({ kid, suite: expected });
    });

    it('a size makes a random key that only unwrap returns', async () => {
      const subject = await make();
      const kid = await create(subject);
      const one = await subject.wrapping.wrap({ kid, size: 24 }, call(caller));
      const two = await subject.wrapping.wrap({ kid, size: 24 }, call(caller));
      const first = await unwrap(subject, kid, one.envelope!);
      expect(first).toHaveLength(24);
      expect(first).not.toEqual(await unwrap(subject, kid, two.envelope!));
      expect(Object.keys(one).sort()).toEqual(['envelope', 'kid', 'op_id', 'suite']);
    });
  });

  describe(`${name}: wrapping, limits`, () => {
    it.each([0, 15, 65, 1000])('a plaintext of %i bytes is refused', async (length) => {
      const subject = await make();
      const kid = await create(subject);
      const error = await refused(subject.wrapping.wrap({ kid, plaintext: new Uint8Array(length) }, call()));
      expect([error.code, error.field]).toEqual(['InvalidValue', 'plaintext']);
      expect((await refused(subject.wrapping.wrap({ kid, size: length }, call()))).field).toBe('size');
    });

    it.each([16, 64])('a plaintext of %i bytes is wrapped', async (length) => {
      const subject = await make();
      const kid = await create(subject);
      const plaintext = new Uint8Array(length).fill(7);
      expect(await unwrap(subject, kid, await wrap(subject, kid, plaintext))).toEqual(plaintext);
    });

    it('neither or both of plaintext and size is refused', async () => {
      const subject = await make();
      const kid = await create(subject);
      expect((await refused(subject.wrapping.wrap({ kid }, call()))).field).toBe('plaintext');
      expect((await refused(subject.wrapping.wrap({ kid, size: 32, plaintext: key32 }, call()))).field).toBe(
        'plaintext',
      );
    });

    it('old versions still unwrap, only the newest wraps', async () => {
      const subject = await make();
      const kid = await create(subject);
      const envelope = await wrap(subject, kid);
      const rotated = await subject.keys.rotate({ kid }, call());
      expect(await unwrap(subject, kid, envelope)).toEqual(key32);
      expect((await refused(wrap(subject, kid))).code).toBe('Conflict');
      const error = await refused(unwrap(subject, rotated.kid, envelope));
      expect([error.code, error.field]).toEqual(['InvalidValue', 'kid']);
    });

    it('a classical key stops wrapping when the phase is raised, and still unwraps', async () => {
      const subject = await make();
      await subject.setPhase(0);
      const kid = await create(subject, 'x25519');
      const envelope = await wrap(subject, kid);
      await subject.setPhase(1);
      await subject.setPhase(2);
      const error = await refused(wrap(subject, kid));
      expect([error.code, error.hint]).toEqual(['Unsupported', expect.stringContaining('kms rotate')]);
      expect(await unwrap(subject, kid, envelope)).toEqual(key32);
    });

    it('a mode that the version does not do is unsupported', async () => {
      const subject = await make();
      const kid = await create(subject, 'ml-kem');
      const error = await refused(subject.wrapping.wrap({ kid, size: 32, kemMode: 'hybrid' }, call()));
      expect([error.code, error.field]).toEqual(['Unsupported', 'kem_mode']);
      await subject.wrapping.wrap({ kid, size: 32, kemMode: 'ml-kem' }, call());
    });

    it('every failure behind the header is one error with one text', async () => {
      const subject = await make();
      const kid = await create(subject);
      const envelope = await wrap(subject, kid);
      const enc = 8 + kid.length;
      const texts = new Set<string>();
      for (const at of [enc, enc + 1087, enc + 1088, enc + 1119, enc + 1120, envelope.length - 1]) {
        const error = await refused(unwrap(subject, kid, envelope.with(at, envelope[at]! ^ 1)));
        expect(error.code, `byte ${at}`).toBe('UnwrapFailed');
        texts.add(error.message);
      }
      const zeroPoint = envelope.slice();
      zeroPoint.fill(0, enc + 1088, enc + 1120);
      const error = await refused(unwrap(subject, kid, zeroPoint));
      texts.add(error.message);
      expect([error.code, texts.size]).toEqual(['UnwrapFailed', 1]);
    });

    it('another suite byte is refused before anything is opened', async () => {
      const subject = await make();
      const kid = await create(subject);
      const envelope = await wrap(subject, kid);
      expect((await refused(unwrap(subject, kid, envelope.with(5, 2)))).code).toBe('SuiteMismatch');
      expect((await refused(unwrap(subject, kid, envelope.with(5, 9)))).code).toBe('SuiteMismatch');
    });

    it('a signing key does not wrap, the system wraps nothing, a dry run neither', async () => {
      const subject = await make();
      const signer = await create(subject, 'ed25519');
      expect((await refused(wrap(subject, signer))).code).toBe('Unsupported');
      const kid = await create(subject);
      expect((await refused(subject.wrapping.wrap({ kid, size: 32 }, call(SYSTEM)))).code).toBe('Denied');
      const noScope = call(capability(['kms:wrap']));
      const envelope = await wrap(subject, kid);
      expect((await refused(subject.wrapping.unwrap({ kid, envelope }, noScope))).message).toContain('kms:unwrap');
      const dry = call(LOCAL, { dryRun: true });
      expect((await subject.wrapping.wrap({ kid, size: 32 }, dry)).envelope).toBeNull();
      expect((await subject.wrapping.unwrap({ kid, envelope }, dry)).plaintext).toBeNull();
    });
  });
}
