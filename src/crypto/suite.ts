// The closed list of algorithms: names, parameter sets and lengths in bytes (keys page 2). The parameter set follows from
// the name and is never negotiated.

/** Names in `alg`, `tracks` and DSSE keyids. */
export type SignatureAlg = 'ed25519' | 'ml-dsa' | 'ml-dsa-44' | 'slh-dsa';
/** `ml-dsa-87` exists for its vectors only; no key of ours uses it. */
export type KemAlg = 'x25519' | 'ml-kem' | 'x-wing';
export type AeadAlg = 'chacha20-poly1305' | 'aes-256-gcm';

/** Names of key bytes in JSON (`keys`, `pub`): the parameter set, unlike the alg name. */
export type KeyMember =
  | 'ed25519'
  | 'ml_dsa_65'
  | 'ml_dsa_44'
  | 'slh_dsa_sha2_128s'
  | 'x25519'
  | 'ml_kem_768'
  | 'x_wing';

export interface SignatureSuite {
  readonly alg: SignatureAlg;
  readonly set: string;
  readonly member: KeyMember;
  readonly secretBytes: number;
  readonly publicBytes: number;
  readonly signatureBytes: number;
}

export interface KemSuite {
  readonly alg: KemAlg;
  readonly set: string;
  readonly member: KeyMember;
  readonly secretBytes: number;
  readonly publicBytes: number;
  readonly ciphertextBytes: number;
  readonly sharedBytes: 32;
}

export const SIGNATURES: Readonly<Record<SignatureAlg, SignatureSuite>> = {
  ed25519: {
    alg: 'ed25519',
    set: 'Ed25519',
    member: 'ed25519',
    secretBytes: 32,
    publicBytes: 32,
    signatureBytes: 64,
  },
  'ml-dsa': {
    alg: 'ml-dsa',
    set: 'ML-DSA-65',
    member: 'ml_dsa_65',
    secretBytes: 32,
    publicBytes: 1952,
    signatureBytes: 3309,
  },
  'ml-dsa-44': {
    alg: 'ml-dsa-44',
    set: 'ML-DSA-44',
    member: 'ml_dsa_44',
    secretBytes: 32,
    publicBytes: 1312,
    signatureBytes: 2420,
  },
  'slh-dsa': {
    alg: 'slh-dsa',
    set: 'SLH-DSA-SHA2-128s',
    member: 'slh_dsa_sha2_128s',
    secretBytes: 64,
    publicBytes: 32,
    signatureBytes: 7856,
  },
};

export const KEMS: Readonly<Record<KemAlg, KemSuite>> = {
  x25519: {
    alg: 'x25519',
    set: 'DHKEM(X25519, HKDF-SHA256)',
    member: 'x25519',
    secretBytes: 32,
    publicBytes: 32,
    ciphertextBytes: 32,
    sharedBytes: 32,
  },
  'ml-kem': {
    alg: 'ml-kem',
    set: 'ML-KEM-768',
    member: 'ml_kem_768',
    secretBytes: 64,
    publicBytes: 1184,
    ciphertextBytes: 1088,
    sharedBytes: 32,
  },
  'x-wing': {
    alg: 'x-wing',
    set: 'X-Wing',
    member: 'x_wing',
    secretBytes: 32,
    publicBytes: 1216,
    ciphertextBytes: 1120,
    sharedBytes: 32,
  },
};

export const AEADS: Readonly<
  Record<AeadAlg, { readonly keyBytes: 32; readonly nonceBytes: 12; readonly tagBytes: 16 }>
> = {
  'chacha20-poly1305': { keyBytes: 32, nonceBytes: 12, tagBytes: 16 },
  'aes-256-gcm': { keyBytes: 32, nonceBytes: 12, tagBytes: 16 },
};
