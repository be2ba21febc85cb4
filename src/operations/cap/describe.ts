// What a token says about itself, without its root key: shared by `cap inspect`, `cap attenuate` and `cap verify`.

import { fromUtf8, utf8 } from '../../bytes/text.ts';
import { toTime } from '../../bytes/time.ts';
import { type EffectiveCaveats, effectiveCaveats, kidText } from '../../capability/effective.ts';
import type { Token } from '../../capability/token.ts';
import { RonError } from '../../errors.ts';

/** What all caveats leave together; null = not narrowed. */
export interface DescribedCaveats {
  readonly tenants: readonly string[];
  readonly scopes: readonly string[];
  readonly expires_at: string;
  readonly not_before: string | null;
  readonly algs: readonly string[] | null;
  readonly purposes: readonly string[] | null;
  readonly kid: string | null;
  readonly rps: number | null;
  readonly once: boolean;
  readonly nonce: string | null;
}

export interface DescribedCapability {
  readonly id: string;
  readonly root: number;
  readonly once: boolean;
  readonly sub: string | null;
  readonly minted_at: string;
  readonly minted_by: string;
  /** Untrusted: no part of what is signed. */
  readonly location: string | null;
  /** First-party predicates in order. Untrusted text until the MAC is checked. */
  readonly caveats: readonly string[];
  /** Third-party caveats, each of which needs a discharge. */
  readonly third_party: number;
  /** Null when the caveats allow nothing; `refusal` says why. */
  readonly effective: DescribedCaveats | null;
  readonly refusal: string | null;
}

function described(of: EffectiveCaveats): DescribedCaveats {
  return {
    tenants: of.tenants,
    scopes: of.scopes,
    expires_at: toTime(of.expiresMs),
    not_before: of.notBeforeMs === null ? null : toTime(of.notBeforeMs),
    algs: of.algs,
    purposes: of.purposes,
    kid: of.kid === null ? null : kidText(of.kid),
    rps: of.rps,
    once: of.once,
    nonce: of.nonce,
  };
}

export function describe(token: Token): DescribedCapability {
  const { identifier, caveats, macaroon } = token;
  const { id, root, once, sub, minted_at, minted_by } = identifier;
  let effective: DescribedCaveats | null = null;
  let refusal: string | null = null;
  try {
    effective = described(effectiveCaveats(caveats));
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    refusal = error.message;
  }
  return {
    id,
    root,
    once,
    sub: sub ?? null,
    minted_at,
    minted_by,
    location: macaroon.location === null ? null : (fromUtf8(macaroon.location) ?? '\ufffd'),
    caveats,
    third_party: macaroon.caveats.filter((one) => one.vid !== null).length,
    effective,
    refusal,
  };
}

/** A token file: one line. A secret. */
export function tokenFile(token: string): Uint8Array {
  return utf8(`${token}\n`);
}
