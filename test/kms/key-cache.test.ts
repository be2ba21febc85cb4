import { beforeEach, describe, expect, it } from 'vitest';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { KeyCache } from '../../src/kms/service/key-cache.ts';
import { call, refused } from '../contract/kms-subject.ts';
import { type MemoryKms, memoryKms } from '../support/memory-kms.ts';

let kms: MemoryKms;
let kids: string[];
beforeEach(async () => {
  kms = await memoryKms();
  kids = [];
  for (let i = 0; i < 3; i++) {
    kids.push((await kms.keys.create({ tenant: 'acme', purpose: 'p', alg: 'ed25519', newTenant: true }, call())).kid);
  }
});

/** A store that counts how often records are opened. */
function counted(): { store: MemoryKms['store']; reads: string[] } {
  const reads: string[] = [];
  const store = Object.create(kms.store, {
    read: {
      value: (id: string) => {
        reads.push(id);
        return kms.store.read(id);
      },
    },
  }) as MemoryKms['store'];
  return { store, reads };
}

const message = new Uint8Array([1, 2, 3]);

describe('the key cache', () => {
  it('opens a record once, drops the oldest beyond its capacity, and opens it again', async () => {
    const { store, reads } = counted();
    const cache = new KeyCache(nativeCrypto(), store, 2);
    const use = (kid: string) => cache.use(kid, (key) => key.signers.get('ed25519')!.sign(message));
    await use(kids[0]!);
    await use(kids[0]!);
    await use(kids[1]!);
    expect(reads).toEqual([kids[0], kids[1]]);
    await use(kids[2]!);
    await use(kids[0]!);
    expect(reads).toEqual([kids[0], kids[1], kids[2], kids[0]]);
    cache.close();
  });

  it('a key that is dropped while in use finishes its call; then its secret is destroyed', async () => {
    const cache = new KeyCache(nativeCrypto(), kms.store);
    let leaked: { sign(message: Uint8Array): Promise<Uint8Array> } | undefined;
    const signature = await cache.use(kids[0]!, async (key) => {
      cache.forget(kids[0]!.split('#')[0]!);
      leaked = key.signers.get('ed25519')!;
      return leaked.sign(message);
    });
    expect(signature).toHaveLength(64);
    await Promise.resolve();
    await expect(async () => leaked!.sign(message)).rejects.toThrow(/destroyed/);
  });

  it('a record that is gone is Retired, and a failed opening is not remembered', async () => {
    const { store, reads } = counted();
    const cache = new KeyCache(nativeCrypto(), store);
    const gone = kids[0]!.replace('#v1', '#v9');
    expect((await refused(cache.use(gone, async () => null))).code).toBe('Retired');
    expect((await refused(cache.use(gone, async () => null))).code).toBe('Retired');
    expect(reads).toEqual([]);
  });
});
