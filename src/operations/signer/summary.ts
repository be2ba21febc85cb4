// How the commands of `signer` show an identity: its bundle, the digest of the bundle, and the 12 words to compare by voice.

import { fingerprintWords } from '../../envelope/fingerprint.ts';
import type { VerifiedBundle } from '../../governance/signer-bundle.ts';

export interface SignerSummary {
  readonly id: string;
  /** H of the bundle. */
  readonly digest: string;
  readonly words: readonly string[];
  readonly created_at: string;
  readonly keys: { readonly ed25519: string; readonly ml_dsa_65: string };
  /** Digest of the bundle before the last rotation. */
  readonly previous: string | null;
}

export function signerSummary({ bundle, digest }: VerifiedBundle): SignerSummary {
  return {
    id: bundle.id,
    digest,
    words: fingerprintWords(digest),
    created_at: bundle.created_at,
    keys: { ...bundle.keys },
    previous: bundle.prev?.digest ?? null,
  };
}
