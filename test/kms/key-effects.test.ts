// Retire and compromise as the executor commits them, and what the service does with such keys afterwards.

import { beforeEach, describe, expect, it } from 'vitest';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { keyFileName, parseKeyObject } from '../../src/keys/key-object.ts';
import { compromiseMutation, type EffectContext, retireMutation } from '../../src/kms/service/key-effects.ts';
import { B3, call, refused } from '../contract/kms-subject.ts';
import { type MemoryKms, memoryKms, provenLog } from '../support/memory-kms.ts';

const crypto = nativeCrypto();
const CONTEXT: EffectContext = {
  proposalDigest: `sha256:${'5'.repeat(64)}`,
  n: 0,
  opId: '5c146b14-3c52-8afd-938a-375d0df1fbf6',
  actor: 'system',
};

let kms: MemoryKms;
beforeEach(async () => {
  kms = await memoryKms();
});

const create = async (alg: 'ed25519' | 'hybrid-kem' = 'ed25519'): Promise<string> =>
  (await kms.keys.create({ tenant: 'acme', purpose: 'p', alg, newTenant: true }, call())).kid;
const sign = async (kid: string) => (await kms.signing.sign({ kids: [kid], payload_b3: B3 }, call())).bundle!;
const verify = async (bundle: Awaited<ReturnType<typeof sign>>) =>
  kms.signing.verify({ bundle, payload_b3: B3 }, call());
const base = (kid: string): string => kid.split('#')[0]!;
const retire = async (kid: string) => kms.store.mutate(await retireMutation(crypto, kms.store, kid, CONTEXT));
const compromise = async (kid: string, fromSeq: number) =>
  kms.store.mutate(await compromiseMutation(crypto, kms.store, kid, { fromSeq, epoch: 0 }, CONTEXT));
const objectOf = (kid: string) => parseKeyObject(kms.store.files.get(keyFileName(kid, 'pub'))!, 'object').object;

describe('retire', () => {
  it('drops the sealed record of one version; signatures stay checkable, the head goes on', async () => {
    const kid = await create();
    const old = await sign(kid);
    const rotated = await kms.keys.rotate({ kid }, call());
    const record = await retire(kid);
    expect(record).toMatchObject({ op: 'retire', kid, detail: { proposal_digest: CONTEXT.proposalDigest, n: 0 } });
    expect(kms.store.recordIds()).toEqual(['cap-root/1', rotated.kid]);
    expect(objectOf(kid).state).toBe('retired');
    expect((await verify(old)).accepted).toBe(true);
    expect((await refused(sign(kid))).code).toBe('Retired');
    expect((await sign(base(kid))).kid).toBe(rotated.kid);
  });

  it('of a whole key ends it: no signature, no rotation, no envelope', async () => {
    const kid = await create('hybrid-kem');
    const envelope = (await kms.wrapping.wrap({ kid, size: 32 }, call())).envelope!;
    const record = await retire(base(kid));
    expect(record.kid).toBe(kid);
    expect((await kms.keys.get({ kid }, call())).key.state).toBe('retired');
    for (const act of [
      kms.wrapping.wrap({ kid: base(kid), size: 32 }, call()),
      kms.wrapping.unwrap({ kid, envelope }, call()),
      kms.keys.rotate({ kid: base(kid) }, call()),
      kms.keys.needsRotation({ kid }, call()),
    ]) {
      expect((await refused(act)).code).toBe('Retired');
    }
  });

  it('refuses the newest version alone, an unknown key, and doing it twice', async () => {
    const kid = await create();
    expect((await refused(retireMutation(crypto, kms.store, kid, CONTEXT))).code).toBe('Conflict');
    await retire(base(kid));
    expect((await refused(retireMutation(crypto, kms.store, base(kid), CONTEXT))).code).toBe('Retired');
    const unknown = base(kid).replace('acme', 'acmf');
    expect((await refused(retireMutation(crypto, kms.store, unknown, CONTEXT))).code).toBe('NotFound');
  });
});

describe('compromise', () => {
  it('accepts only what the log shows from before; rotation helps; unwrap goes on', async () => {
    const kid = await create();
    const before = await sign(kid);
    const fromSeq = kms.store.logSize;
    const after = await sign(kid);
    const record = await compromise(kid, fromSeq);
    expect(record).toMatchObject({ op: 'compromised', kid, detail: { from_seq: fromSeq, epoch: 0, n: 0 } });
    expect(objectOf(kid)).toMatchObject({ state: 'compromised', from_seq: fromSeq });
    // Both have the same (kid, payload): the record before from_seq speaks for both.
    expect(await verify(before)).toMatchObject({ accepted: true, refusal: null });
    expect(await verify(after)).toMatchObject({ accepted: true });
    kms.reading.log = { ...provenLog(kms.store), signRecords: () => [{ epoch: 0, seq: fromSeq }] };
    expect(await verify(after)).toMatchObject({ accepted: false, refusal: 'Compromised' });
    kms.reading.log = null;
    expect(await verify(before)).toMatchObject({ accepted: false, refusal: 'LegacyUnproven' });
    kms.reading.log = provenLog(kms.store);

    expect((await refused(sign(kid))).code).toBe('Compromised');
    expect((await kms.keys.needsRotation({ kid }, call())).answer).toBe('yes');
    const rotated = await kms.keys.rotate({ kid }, call());
    expect(rotated.key!.versions.map((one) => one.state)).toEqual(['compromised', 'active']);
    expect((await verify(await sign(base(kid)))).accepted).toBe(true);
  });

  it('the continuity after it lacks the old signatures and names the proposal', async () => {
    const kid = await create();
    await compromise(kid, kms.store.logSize);
    const rotated = await kms.keys.rotate({ kid }, call());
    expect(await kms.keys.continuity({ kid: rotated.kid }, call())).toMatchObject({ verdict: 'valid' });
    const text = Buffer.from(kms.store.files.get(keyFileName(rotated.kid, 'cont'))!).toString();
    expect(text).not.toContain(`"keyid":"${kid}/`);
    expect(text).toContain(`"keyid":"${rotated.kid}/ml-dsa"`);
    kms.reading.log = { ...provenLog(kms.store), find: () => [] };
    expect(await kms.keys.continuity({ kid: rotated.kid }, call())).toMatchObject({ verdict: 'inconclusive' });
  });

  it('still opens old envelopes, to rescue data', async () => {
    const kid = await create('hybrid-kem');
    const plaintext = new Uint8Array(32).fill(3);
    const envelope = (await kms.wrapping.wrap({ kid, plaintext }, call())).envelope!;
    await compromise(kid, 0);
    expect((await kms.wrapping.unwrap({ kid, envelope }, call())).plaintext).toEqual(plaintext);
    expect((await refused(kms.wrapping.wrap({ kid, size: 32 }, call()))).code).toBe('Compromised');
  });

  it('is refused when it counts from another epoch', async () => {
    const kid = await create();
    const stale = compromiseMutation(crypto, kms.store, kid, { fromSeq: 1, epoch: 1 }, CONTEXT);
    expect(await refused(stale)).toMatchObject({ code: 'Stale', field: 'epoch' });
  });
});
