// Ed25519: the one verdict of ronctl (keys page 3, R-10), steps 1-4. A signature is valid exactly if
//   1. the public key has 32 bytes and the signature 64;
//   2. S < L;
//   3. A and R are canonical encodings of curve points;
//   4. neither A nor R is one of the 8 small-order points;
//   5. bytes([S]B - [k]A) == R, without cofactor: the provider's part.
// Steps 1-4 run first under both providers. Attack: with "the provider's verify" alone 63 of the 914 published edge cases
// differ between engines, so evidence that verifies on one machine fails on another.
//
// All of it works on bytes; no curve library is loaded. That A is on the curve is decided by whoever decodes it in step 5
// (a point that does not decode verifies nothing), and once more on registration by `isEd25519PublicKey`. That R is on the
// curve follows from step 5: R equals the encoding of a computed point.

const POINT_BYTES = 32;
export const ED25519_SIGNATURE_BYTES = 64;

const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

// L = 2^252 + 27742317777372353535851937790883648493, little-endian.
const L_BYTES = Uint8Array.from(Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex'));

// y of the small-order points with the sign bit cleared: 0 and -1's partners of order 4, 1, -1, and the two of order 8.
// A sign bit on y = 1 or y = -1 (where x = 0) is not canonical; every other y has both signs: 8 points.
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));

/** S < L, for the 32 bytes at `offset`. */
function isReducedScalar(bytes: Uint8Array, offset: number): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = bytes[offset + i]! - L_BYTES[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** y < p: only 2^255-19 .. 2^255-1 are not. The sign bit is not part of y. */
function isReducedY(bytes: Uint8Array, offset: number): boolean {
  if ((bytes[offset + 31]! & 0x7f) !== 0x7f) return true;
  for (let i = 30; i > 0; i--) if (bytes[offset + i]! !== 0xff) return true;
  return bytes[offset]! < 0xed;
}

function isSmallOrder(bytes: Uint8Array, offset: number): boolean {
  return SMALL_ORDER_Y.some((y) => {
    if ((bytes[offset + 31]! & 0x7f) !== y[31]) return false;
    for (let i = 0; i < 31; i++) if (bytes[offset + i] !== y[i]) return false;
    return true;
  });
}

/**
 * The byte part of steps 3 and 4 for one encoding. The other non-canonical form, x = 0 with the sign bit set, occurs only
 * at y = 1 and y = -1, which are of small order under either sign.
 */
function isAcceptableEncoding(bytes: Uint8Array, offset: number): boolean {
  return isReducedY(bytes, offset) && !isSmallOrder(bytes, offset);
}

/** Steps 1-4 for a public key and a signature, except that A and R decode (see the head of this file). */
export function passesEd25519PreChecks(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    publicKey.length === POINT_BYTES &&
    signature.length === ED25519_SIGNATURE_BYTES &&
    isReducedScalar(signature, POINT_BYTES) &&
    isAcceptableEncoding(publicKey, 0) &&
    isAcceptableEncoding(signature, 0)
  );
}

/** Jacobi symbol (a | n) for odd n > 0. */
function jacobi(value: bigint, modulus: bigint): -1 | 0 | 1 {
  let a = value % modulus;
  let n = modulus;
  let sign: -1 | 1 = 1;
  while (a !== 0n) {
    while ((a & 1n) === 0n) {
      a >>= 1n;
      const residue = n & 7n;
      if (residue === 3n || residue === 5n) sign = sign === 1 ? -1 : 1;
    }
    [a, n] = [n, a];
    if ((a & 3n) === 3n && (n & 3n) === 3n) sign = sign === 1 ? -1 : 1;
    a %= n;
  }
  return n === 1n ? sign : 0;
}

/**
 * True when the bytes are a public key that may be registered: 32 bytes, canonical, on the curve, not of small order.
 * y is on the curve when (y^2 - 1) / (d y^2 + 1) is a square, that is when the product of both is.
 */
export function isEd25519PublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== POINT_BYTES || !isAcceptableEncoding(bytes, 0)) return false;
  const littleEndian = Uint8Array.from(bytes).reverse();
  littleEndian[0]! &= 0x7f;
  const y = BigInt(`0x${Buffer.from(littleEndian).toString('hex')}`);
  const y2 = (y * y) % P;
  return jacobi(((y2 + P - 1n) * (D * y2 + 1n)) % P, P) === 1;
}
