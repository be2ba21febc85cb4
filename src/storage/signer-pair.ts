// One key pair of a signer: an Ed25519 and an ML-DSA-65 seed, 32 bytes each, in this order (store page 7).

import { toBase64Url } from '../bytes/base64.ts';
import { concat } from '../bytes/framing.ts';
import { wipe } from '../bytes/wipe.ts';
import type { DualSigningKeys } from '../envelope/dual-signature.ts';
import type { PublicKeys } from '../governance/names.ts';
import { ED25519_SEED_BYTES } from './signer-record.ts';
import type { StoreContext } from './store-deps.ts';

/** Imports the two seeds of a pair; the secret is not wiped. */
export async function importPair(ctx: Pick<StoreContext, 'crypto'>, secret: Uint8Array): Promise<DualSigningKeys> {
  const ed25519 = secret.slice(0, ED25519_SEED_BYTES);
  const mlDsa = secret.slice(ED25519_SEED_BYTES);
  try {
    return {
      ed25519: await ctx.crypto.signature('ed25519').importSecret(ed25519),
      mlDsa: await ctx.crypto.signature('ml-dsa').importSecret(mlDsa),
    };
  } finally {
    wipe(ed25519, mlDsa);
  }
}

export async function generatePair(ctx: Pick<StoreContext, 'crypto'>): Promise<Uint8Array> {
  const ed25519 = await ctx.crypto.signature('ed25519').generate();
  const mlDsa = await ctx.crypto.signature('ml-dsa').generate();
  const secret = concat(ed25519, mlDsa);
  wipe(ed25519, mlDsa);
  return secret;
}

/** True when the private halves belong to the public keys of a bundle. */
export function sameKeys(known: PublicKeys, keys: DualSigningKeys): boolean {
  return known.ed25519 === toBase64Url(keys.ed25519.publicKey) && known.ml_dsa_65 === toBase64Url(keys.mlDsa.publicKey);
}

export function destroyPair(keys: DualSigningKeys): void {
  keys.ed25519.destroy();
  keys.mlDsa.destroy();
}
