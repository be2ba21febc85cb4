// What a reader believes of a key object: both service signatures, and the digests of public.json.

import { beforeEach, describe, expect, it } from 'vitest';
import { nativeCrypto } from '../../src/crypto/native.ts';
import type { DualSigningKeys } from '../../src/envelope/dual-signature.ts';
import { type KeyObject, keyFileName, parseKeyObject, signKeyObject } from '../../src/keys/key-object.ts';
import { call, refused } from '../contract/kms-subject.ts';
import { type MemoryKms, memoryKms } from '../support/memory-kms.ts';

const crypto = nativeCrypto();
let kms: MemoryKms;
let kid = '';
let name = '';
beforeEach(async () => {
  kms = await memoryKms();
  kid = (await kms.keys.create({ tenant: 'acme', purpose: 'p', alg: 'ed25519', newTenant: true }, call())).kid;
  name = keyFileName(kid, 'pub');
});

const genuine = (): KeyObject => parseKeyObject(kms.store.files.get(name)!, 'object').object;
const put = async (object: KeyObject, by: DualSigningKeys): Promise<void> => {
  kms.store.files.set(name, await signKeyObject(crypto, object, by));
};
const ask = () => kms.keys.get({ kid }, call());

async function fresh(): Promise<DualSigningKeys> {
  const key = async (alg: 'ed25519' | 'ml-dsa') =>
    crypto.signature(alg).importSecret(await crypto.signature(alg).generate());
  return { ed25519: await key('ed25519'), mlDsa: await key('ml-dsa') };
}

describe('key objects, as readers see them', () => {
  it('one of a stranger is tampering, although its content is right', async () => {
    await put(genuine(), await fresh());
    expect(await refused(ask())).toMatchObject({
      code: 'Tampered',
      message: expect.stringContaining('the signature of service/ed25519 is wrong'),
    });
  });

  it('one with other public keys is tampering, although the service signed it', async () => {
    const other = await fresh();
    const pub = { ed25519: other.ed25519.publicKey, ml_dsa_65: other.mlDsa.publicKey };
    await put({ ...genuine(), pub }, await kms.store.serviceKeys());
    expect(await refused(ask())).toMatchObject({
      code: 'Tampered',
      message: expect.stringContaining('its public keys differ from public.json'),
    });
  });

  it('the state comes from public.json, whatever a signed object says', async () => {
    await kms.keys.rotate({ kid }, call());
    await put({ ...genuine(), state: 'active' }, await kms.store.serviceKeys());
    expect((await ask()).key.versions.map((one) => one.state)).toEqual(['superseded', 'active']);
  });

  it('the next command that unseals repairs what is missing', async () => {
    const reopened = await memoryKms();
    const made = await reopened.keys.create({ tenant: 'acme', purpose: 'p', alg: 'ed25519', newTenant: true }, call());
    const file = keyFileName(made.kid, 'pub');
    reopened.store.files.delete(file);
    expect((await reopened.keys.get({ kid: made.kid }, call())).key.versions[0]!.created_at).toBeNull();
    await reopened.reopen().keys.create({ tenant: 'acme', purpose: 'q', alg: 'ed25519' }, call());
    expect(reopened.store.files.has(file)).toBe(true);
  });
});
