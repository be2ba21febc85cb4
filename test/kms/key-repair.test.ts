// Key objects that are missing or behind are written again by whoever unseals the store.

import { describe, expect, it } from 'vitest';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { keyFileName, parseKeyObject } from '../../src/keys/key-object.ts';
import { repairKeyObjects } from '../../src/kms/service/key-repair.ts';
import { call, refused } from '../contract/kms-subject.ts';
import { memoryKms } from '../support/memory-kms.ts';

describe('repair of key objects', () => {
  it('rewrites a missing, a broken and an outdated one, and leaves the others', async () => {
    const kms = await memoryKms();
    const made = await kms.keys.create({ tenant: 'acme', purpose: 'p', alg: 'ed25519', newTenant: true }, call());
    const outdated = kms.store.files.get(keyFileName(made.kid, 'pub'))!;
    const second = await kms.keys.rotate({ kid: made.kid }, call());
    const third = await kms.keys.rotate({ kid: second.kid }, call());
    const names = [made.kid, second.kid, third.kid].map((kid) => keyFileName(kid, 'pub'));
    const untouched = kms.store.files.get(names[2]!);
    kms.store.files.set(names[0]!, outdated);
    kms.store.files.set(names[1]!, new Uint8Array([0x7b]));
    await repairKeyObjects(nativeCrypto(), kms.store);
    const states = names.map((name) => parseKeyObject(kms.store.files.get(name)!, name).object.state);
    expect(states).toEqual(['superseded', 'superseded', 'active']);
    expect(kms.store.files.get(names[2]!)).toBe(untouched);
    kms.store.files.delete(names[2]!);
    expect((await refused(kms.signing.verify(await bundleOf(kms, third.kid), call()))).code).toBe('NotAuthenticated');
    await repairKeyObjects(nativeCrypto(), kms.store);
    expect((await kms.signing.verify(await bundleOf(kms, third.kid), call())).accepted).toBe(true);
  });

  it('an object whose public key was swapped is tampering, not repaired silently for the reader', async () => {
    const kms = await memoryKms();
    const one = await kms.keys.create({ tenant: 'acme', purpose: 'p', alg: 'ed25519', newTenant: true }, call());
    const two = await kms.keys.create({ tenant: 'acme', purpose: 'p', alg: 'ed25519' }, call());
    kms.store.files.set(keyFileName(one.kid, 'pub'), kms.store.files.get(keyFileName(two.kid, 'pub'))!);
    const error = await refused(kms.keys.get({ kid: one.kid }, call()));
    expect([error.code, error.message]).toEqual(['Tampered', expect.stringContaining('it is the object of')]);
  });
});

async function bundleOf(kms: Awaited<ReturnType<typeof memoryKms>>, kid: string) {
  const payload_b3 = 'a'.repeat(64);
  return { bundle: (await kms.signing.sign({ kids: [kid], payload_b3 }, call())).bundle!, payload_b3 };
}
