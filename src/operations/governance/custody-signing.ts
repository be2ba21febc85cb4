// Signatures of the custody store on a genesis: the service pair and the log pair out of its sealed records.

import { toBase64Url } from '../../bytes/base64.ts';
import { wipe } from '../../bytes/wipe.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { type EnvelopeSignature, signedBytes } from '../../envelope/dsse.ts';
import { signDual } from '../../envelope/dual-signature.ts';
import type { LogKeys, PublicKeys } from '../../governance/names.ts';
import { destroyLogKeys, importLogKeys } from '../../storage/custody-keys.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';

export interface CustodyIdentity {
  readonly serviceKeys: PublicKeys;
  readonly logKeys: LogKeys;
  /** `service/…` and `log/…` over a genesis payload. */
  sign(of: { readonly payloadType: string; readonly payload: Uint8Array }): Promise<EnvelopeSignature[]>;
  release(): void;
}

export async function custodyIdentity(store: CustodyStore, crypto: Crypto): Promise<CustodyIdentity> {
  const service = await store.serviceKeys();
  const item = await store.read('log-keys');
  const held = await importLogKeys(crypto, item);
  wipe(item.secret);
  const log = held.current;
  return {
    serviceKeys: { ed25519: toBase64Url(service.ed25519.publicKey), ml_dsa_65: toBase64Url(service.mlDsa.publicKey) },
    logKeys: { ed25519: toBase64Url(log.ed25519.publicKey), ml_dsa_44: toBase64Url(log.mlDsa44.publicKey) },
    async sign(of) {
      const message = signedBytes(of);
      return [
        ...(await signDual(crypto, of.payloadType, of.payload, 'service', service)),
        { keyid: 'log/ed25519', signature: await log.ed25519.sign(message) },
        { keyid: 'log/ml-dsa-44', signature: await log.mlDsa44.sign(message) },
      ];
    },
    release: () => destroyLogKeys(held),
  };
}
