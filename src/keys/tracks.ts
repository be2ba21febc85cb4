// What a key version consists of (keys page 4): the creation algorithm and the effective phase give its tracks and, for
// KEM keys, its wrap suite (page 7). A hybrid KEM version is one X-Wing seed (R-12, I-16); its two tracks are views of the
// one public key. Attack: independent tracks put the same X25519 and ML-KEM keys into three KEMs, and anyone can make a
// classical envelope for a hybrid kid.

import { type AeadAlg, KEMS, type KemAlg, type KeyMember, SIGNATURES, type SignatureAlg } from '../crypto/suite.ts';

export const CREATION_ALGS = ['ed25519', 'hybrid', 'ml-dsa', 'slh-dsa', 'x25519', 'hybrid-kem', 'ml-kem'] as const;
export type CreationAlg = (typeof CREATION_ALGS)[number];

/** Algorithms of `sign`; `ml-dsa-44` belongs to log keys. In the order in which `algs` and bundles name them. */
export const SIGN_ALGS = ['ed25519', 'ml-dsa', 'slh-dsa'] as const;
export type SignAlg = (typeof SIGN_ALGS)[number];

/** Names in `tracks`. */
export const TRACKS = ['ed25519', 'ml-dsa', 'slh-dsa', 'x25519', 'ml-kem'] as const;
export type Track = (typeof TRACKS)[number];

export type WrapSuite = 1 | 2 | 3 | 4;

/** The KEM and AEAD of each wrap suite; the KDF is HKDF-SHA256 in all. */
export const WRAP_SUITES: Readonly<Record<WrapSuite, { readonly kem: KemAlg; readonly aead: AeadAlg }>> = {
  1: { kem: 'x-wing', aead: 'chacha20-poly1305' },
  2: { kem: 'x-wing', aead: 'aes-256-gcm' },
  3: { kem: 'x25519', aead: 'chacha20-poly1305' },
  4: { kem: 'ml-kem', aead: 'chacha20-poly1305' },
};

export function isWrapSuite(value: number): value is WrapSuite {
  return value === 1 || value === 2 || value === 3 || value === 4;
}

export interface Material {
  readonly tracks: readonly Track[];
  /** KEM keys only. */
  readonly suite?: WrapSuite;
}

/** Whether an `alg` makes keys for `sign` or for `wrap`. */
export function isKemAlg(alg: CreationAlg): boolean {
  return alg === 'x25519' || alg === 'hybrid-kem' || alg === 'ml-kem';
}

/**
 * The material of a first version. `hybrid`: the phase in force is 1 or later. `aes`: suite 2 instead of 1, for X-Wing
 * only; null when it is asked of a key that has no such choice.
 */
export function materialOf(alg: CreationAlg, hybrid: boolean, aes = false): Material | null {
  const xWing: Material = { tracks: ['x25519', 'ml-kem'], suite: aes ? 2 : 1 };
  switch (alg) {
    case 'hybrid-kem':
      return xWing;
    case 'x25519':
      if (hybrid) return xWing;
      return aes ? null : { tracks: ['x25519'], suite: 3 };
    case 'ml-kem':
      return aes ? null : { tracks: ['ml-kem'], suite: 4 };
    default:
      if (aes) return null;
      return { tracks: signTracks(alg, hybrid) };
  }
}

function signTracks(alg: 'ed25519' | 'hybrid' | 'ml-dsa' | 'slh-dsa', hybrid: boolean): readonly SignAlg[] {
  if (alg === 'ml-dsa' || alg === 'slh-dsa') return [alg];
  return alg === 'hybrid' || hybrid ? ['ed25519', 'ml-dsa'] : ['ed25519'];
}

/**
 * The material of the next version: what section 4 gives now, but never fewer tracks than the predecessor and never
 * without its PQ one; suite 2 stays suite 2.
 */
export function rotatedMaterial(alg: CreationAlg, hybrid: boolean, previous: Material): Material {
  return materialOf(alg, hybrid || previous.tracks.length === 2, previous.suite === 2)!;
}

/** True when no track is post-quantum. */
export function isClassical(tracks: readonly string[]): boolean {
  return tracks.every((track) => track === 'ed25519' || track === 'x25519');
}

/** The signing tracks among `tracks`, in the order of `algs`. */
export function signAlgsOf(tracks: readonly string[]): readonly SignAlg[] {
  return SIGN_ALGS.filter((alg) => tracks.includes(alg));
}

/** One secret of a version: the algorithm that makes and imports it, and the member that names it in JSON. */
export type Component =
  | {
      readonly use: 'sign';
      readonly alg: SignAlg & SignatureAlg;
      readonly member: KeyMember;
      readonly secretBytes: number;
      readonly publicBytes: number;
    }
  | {
      readonly use: 'kem';
      readonly alg: KemAlg;
      readonly member: KeyMember;
      readonly secretBytes: number;
      readonly publicBytes: number;
    };

/** The secrets of a version in stored order: one per signing track, or the one KEM key of its suite. */
export function componentsOf(material: Material): readonly Component[] {
  if (material.suite !== undefined) {
    const { alg, member, secretBytes, publicBytes } = KEMS[WRAP_SUITES[material.suite].kem];
    return [{ use: 'kem', alg, member, secretBytes, publicBytes }];
  }
  return signAlgsOf(material.tracks).map((alg) => {
    const { member, secretBytes, publicBytes } = SIGNATURES[alg];
    return { use: 'sign', alg, member, secretBytes, publicBytes };
  });
}
