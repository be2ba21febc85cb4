// Which pair of the service signs a receipt (governance page 6, 10): the one that was in force before the execution. After
// `service-key-rotate` the sealed record holds it as the previous pair, so that a recovery signs with it as well.

import { toBase64Url } from '../../bytes/base64.ts';
import { wipe } from '../../bytes/wipe.ts';
import type { Crypto } from '../../crypto/provider.ts';
import type { DualSigningKeys } from '../../envelope/dual-signature.ts';
import { RonError } from '../../errors.ts';
import type { PublicKeys } from '../../governance/names.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import { decodeKeyRecord } from '../../storage/custody-record.ts';

export interface HeldPair {
  readonly keys: DualSigningKeys;
  /** Destroys what was imported for this use; keys that the store keeps stay. */
  release(): void;
}

const matches = (keys: DualSigningKeys, wanted: PublicKeys): boolean =>
  toBase64Url(keys.ed25519.publicKey) === wanted.ed25519 && toBase64Url(keys.mlDsa.publicKey) === wanted.ml_dsa_65;

/** The private half of `wanted`: the current or the previous service pair. `Tampered` when the store has neither. */
export async function servicePairFor(store: CustodyStore, crypto: Crypto, wanted: PublicKeys): Promise<HeldPair> {
  const current = await store.serviceKeys();
  if (matches(current, wanted)) return { keys: current, release: () => undefined };
  const item = await store.read('service-keys');
  const parts = decodeKeyRecord(item.meta, item.secret, 'service-keys');
  const ed25519 = parts.get('previous_ed25519');
  const mlDsa = parts.get('previous_ml_dsa_65');
  try {
    if (ed25519 !== undefined && mlDsa !== undefined) {
      const keys = {
        ed25519: await crypto.signature('ed25519').importSecret(ed25519),
        mlDsa: await crypto.signature('ml-dsa').importSecret(mlDsa),
      };
      const release = (): void => {
        keys.ed25519.destroy();
        keys.mlDsa.destroy();
      };
      if (matches(keys, wanted)) return { keys, release };
      release();
    }
  } finally {
    wipe(item.secret, ...parts.values());
  }
  throw new RonError('Tampered', 'the store holds other service keys than the ledger names', { field: 'service_keys' });
}
