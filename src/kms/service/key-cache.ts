// Opened private keys by `<kid>#v<N>` (keys page 8): bounded, dropped on rotate, retire, compromise and close. A key that is
// in use when it is dropped finishes its calls ("calls that took version N before the commit finish with N"), then its
// secret is destroyed.

import { wipe } from '../../bytes/wipe.ts';
import type { Crypto, DecapsulationKey, SigningKey } from '../../crypto/provider.ts';
import { fail } from '../../errors.ts';
import { type KeyVersion, openKeyVersion } from '../../keys/key-record.ts';
import { componentsOf, type SignAlg } from '../../keys/tracks.ts';
import { LIMITS } from '../../limits.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';

/** One version with its imported private keys. */
export interface HeldKey {
  readonly version: KeyVersion;
  readonly signers: ReadonlyMap<SignAlg, SigningKey>;
  readonly kem: DecapsulationKey | null;
}

interface Entry {
  readonly key: Promise<HeldKey>;
  users: number;
  dropped: boolean;
}

/** Opens the sealed record of a version and imports its secrets. Throws Retired when the record is gone. */
async function load(crypto: Crypto, store: CustodyStore, kidWithVersion: string): Promise<HeldKey> {
  if (!store.recordIds().includes(kidWithVersion)) {
    return fail('Retired', `the private half of ${kidWithVersion} is gone`);
  }
  const item = await store.read(kidWithVersion);
  const opened = openKeyVersion(kidWithVersion, item.meta, item.secret);
  const signers = new Map<SignAlg, SigningKey>();
  let kem: DecapsulationKey | null = null;
  try {
    for (const [index, component] of componentsOf(opened).entries()) {
      const secret = opened.secrets[index]!;
      if (component.use === 'kem') kem = await crypto.kem(component.alg).importSecret(secret);
      else signers.set(component.alg, await crypto.signature(component.alg).importSecret(secret));
    }
  } finally {
    wipe(...opened.secrets);
  }
  const { secrets: _wiped, ...version } = opened;
  return { version, signers, kem };
}

function destroy(entry: Entry): void {
  entry.key.then(
    (held) => {
      for (const signer of held.signers.values()) signer.destroy();
      held.kem?.destroy();
    },
    () => {},
  );
}

export class KeyCache {
  readonly #crypto: Crypto;
  readonly #store: CustodyStore;
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry>();

  constructor(crypto: Crypto, store: CustodyStore, capacity: number = LIMITS.keyCacheEntries) {
    this.#crypto = crypto;
    this.#store = store;
    this.#capacity = capacity;
  }

  /** Runs `act` with the opened key; it must not keep the key. */
  async use<T>(kidWithVersion: string, act: (key: HeldKey) => Promise<T>): Promise<T> {
    const entry = this.#entry(kidWithVersion);
    entry.users++;
    try {
      return await act(await entry.key);
    } catch (error) {
      await entry.key.catch(() => this.#drop(kidWithVersion));
      throw error;
    } finally {
      entry.users--;
      if (entry.dropped && entry.users === 0) destroy(entry);
    }
  }

  /** Forgets every version of a key. */
  forget(kid: string): void {
    for (const held of this.#entries.keys()) if (held.startsWith(`${kid}#`)) this.#drop(held);
  }

  close(): void {
    for (const held of this.#entries.keys()) this.#drop(held);
  }

  #entry(kidWithVersion: string): Entry {
    const found = this.#entries.get(kidWithVersion);
    const entry = found ?? { key: load(this.#crypto, this.#store, kidWithVersion), users: 0, dropped: false };
    this.#entries.delete(kidWithVersion);
    this.#entries.set(kidWithVersion, entry);
    if (this.#entries.size > this.#capacity) this.#drop([...this.#entries.keys()][0]!);
    return entry;
  }

  #drop(kidWithVersion: string): void {
    const entry = this.#entries.get(kidWithVersion);
    if (entry === undefined) return;
    this.#entries.delete(kidWithVersion);
    entry.dropped = true;
    if (entry.users === 0) destroy(entry);
  }
}
