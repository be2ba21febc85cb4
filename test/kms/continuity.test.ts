// Attacks on continuity (keys page 9): a stolen key, two successors, a statement without its record.

import { beforeEach, describe, expect, it } from 'vitest';
import { fromBase64 } from '../../src/bytes/base64.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { continuityFile, parseContinuity, signContinuity } from '../../src/keys/continuity.ts';
import { keyFileName } from '../../src/keys/key-object.ts';
import { openKeyVersion } from '../../src/keys/key-record.ts';
import { call, refused } from '../contract/kms-subject.ts';
import { type MemoryKms, memoryKms, provenLog } from '../support/memory-kms.ts';

const crypto = nativeCrypto();
let kms: MemoryKms;
let kid = '';
let second = '';
beforeEach(async () => {
  kms = await memoryKms();
  kid = (await kms.keys.create({ tenant: 'acme', purpose: 'p', alg: 'ed25519', newTenant: true }, call())).kid;
  second = (await kms.keys.rotate({ kid }, call())).kid;
});

const statement = () => parseContinuity(kms.store.files.get(keyFileName(second, 'cont'))!, 'statement').continuity;
const ask = (bytes?: Uint8Array) =>
  kms.keys.continuity({ kid: second, ...(bytes === undefined ? {} : { statement: bytes }) }, call());

/** The old version's own signing keys, as a thief has them. */
async function stolenKeys() {
  const item = await kms.store.read(kid);
  const opened = openKeyVersion(kid, item.meta, item.secret);
  return new Map([
    ['ed25519', await crypto.signature('ed25519').importSecret(opened.secrets[0]!)],
    ['ml-dsa', await crypto.signature('ml-dsa').importSecret(opened.secrets[1]!)],
  ] as const);
}

async function freshKeys() {
  const make = async (alg: 'ed25519' | 'ml-dsa') =>
    crypto.signature(alg).importSecret(await crypto.signature(alg).generate());
  return new Map([
    ['ed25519', await make('ed25519')],
    ['ml-dsa', await make('ml-dsa')],
  ] as const);
}

describe('continuity', () => {
  it('of a thief who has the old key, but not the service, is tampered', async () => {
    const thief = await freshKeys();
    const pub = { ed25519: thief.get('ed25519')!.publicKey, ml_dsa_65: thief.get('ml-dsa')!.publicKey };
    const forged = await signContinuity(
      crypto,
      { ...statement(), new: { kid: second, pub } },
      { ed25519: thief.get('ed25519')!, mlDsa: thief.get('ml-dsa')! },
      { old: await stolenKeys(), new: thief },
    );
    const answer = await ask(continuityFile(forged));
    expect(answer).toMatchObject({ verdict: 'tampered', reason: 'the signature of service/ed25519 is wrong' });
  });

  it('a second successor of one version is tampered, and both statements are named', async () => {
    const fresh = await freshKeys();
    const pub = { ed25519: fresh.get('ed25519')!.publicKey, ml_dsa_65: fresh.get('ml-dsa')!.publicKey };
    const other = await signContinuity(
      crypto,
      { ...statement(), new: { kid: second, pub } },
      await kms.store.serviceKeys(),
      { old: await stolenKeys(), new: fresh },
    );
    const genuine = await ask();
    const answer = await ask(continuityFile(other));
    expect(genuine.verdict).toBe('valid');
    expect(answer).toMatchObject({ verdict: 'tampered', other_digest: genuine.digest });
    expect(answer.digest).not.toBe(genuine.digest);
    expect(answer.reason).toContain('another successor');
  });

  it('without the proof of the rotate record it is inconclusive, never valid', async () => {
    kms.reading.log = null;
    expect(await ask()).toMatchObject({ verdict: 'inconclusive' });
    kms.reading.log = { ...provenLog(kms.store), record: () => null };
    expect((await ask()).reason).toBe('the rotate record is not proved by a verified checkpoint');
    kms.reading.log = provenLog(kms.store);
    kms.reading.trust = 'not-authenticated';
    expect(await ask()).toMatchObject({ verdict: 'inconclusive', trust: 'not-authenticated' });
  });

  it('a record of another rotation does not count', async () => {
    const log = provenLog(kms.store);
    const record = log.record({ epoch: 0, seq: kms.store.view.keys[0]!.versions[1]!.created_seq })!;
    for (const change of [
      { kid },
      { op: 'create' as const },
      { result: 'Conflict' as const },
      { detail: { ...record.detail, continuity: `sha256:${'0'.repeat(64)}` } },
      { detail: { ...record.detail, pub: { ed25519: '0'.repeat(64) } } },
    ]) {
      kms.reading.log = { ...log, record: () => ({ ...record, ...change }) };
      expect(await ask(), JSON.stringify(change)).toMatchObject({ verdict: 'inconclusive' });
    }
  });

  it('a statement of another key, and bytes that are none, are refused', async () => {
    const other = await kms.keys.create({ tenant: 'acme', purpose: 'p', alg: 'ed25519' }, call());
    const rotated = await kms.keys.rotate({ kid: other.kid }, call());
    const foreign = kms.store.files.get(keyFileName(rotated.kid, 'cont'))!;
    expect(await ask(foreign)).toMatchObject({ verdict: 'tampered', reason: expect.stringContaining('is about') });
    expect((await refused(ask(fromBase64('AAAA')!))).code).toBe('Malformed');
  });

  it('KEM keys are attested by the service alone', async () => {
    const kem = await kms.keys.create({ tenant: 'acme', purpose: 'p', alg: 'ml-kem' }, call());
    const rotated = await kms.keys.rotate({ kid: kem.kid }, call());
    const answer = await kms.keys.continuity({ kid: rotated.kid }, call());
    expect(answer).toMatchObject({ verdict: 'valid', attested_by: 'service' });
  });
});
