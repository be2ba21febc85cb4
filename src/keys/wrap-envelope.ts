// The wrap envelope (keys page 7, R-12, D-08):
//   "RONW"  01  suite(1)  u16 kid length  kid#vN (UTF-8)  enc  ciphertext
//   AAD = every byte before enc      info = "ron-kms/wrap/v1" 00 kid#vN      HPKE base mode, one message, sequence 0
//   suite 1 X-Wing, ChaCha20-Poly1305   enc 1120        suite 3 x25519, ChaCha20-Poly1305   enc 32
//   suite 2 X-Wing, AES-256-GCM         enc 1120        suite 4 ml-kem, ChaCha20-Poly1305   enc 1088
// Plaintext 16..64 bytes, so ciphertext 32..80; the total length fits exactly. Any other suite byte is refused before
// decapsulation (SuiteMismatch); every failure after the header checks is one UnwrapFailed with one text, because ML-KEM
// rejects implicitly and a difference would be an oracle.

import { concat, readU16be, u8, u16be } from '../bytes/framing.ts';
import { fromUtf8, utf8 } from '../bytes/text.ts';
import { openBase, sealBase } from '../crypto/hpke.ts';
import type { Crypto, DecapsulationKey } from '../crypto/provider.ts';
import { KEMS } from '../crypto/suite.ts';
import { fail } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { parseKeyId, type VersionedKeyId } from './key-id.ts';
import { isWrapSuite, WRAP_SUITES, type WrapSuite } from './tracks.ts';

const MAGIC = utf8('RONW');
const VERSION = 1;
const HEAD_BYTES = 8;
const TAG_BYTES = 16;

export interface WrapEnvelope {
  readonly suite: WrapSuite;
  readonly kid: VersionedKeyId;
  /** `<kid>#v<N>` */
  readonly kidText: string;
  readonly aad: Uint8Array;
  readonly enc: Uint8Array;
  readonly ciphertext: Uint8Array;
}

function header(suite: WrapSuite, kidText: string): Uint8Array {
  const kid = utf8(kidText);
  return concat(MAGIC, u8(VERSION), u8(suite), u16be(kid.length), kid);
}

function info(kidText: string): Uint8Array {
  return concat(utf8('ron-kms/wrap/v1'), u8(0), utf8(kidText));
}

/** Throws InvalidValue naming the bounds. */
export function checkPlaintextSize(bytes: number, field: string): void {
  if (Number.isInteger(bytes) && bytes >= LIMITS.wrapPlaintextMin && bytes <= LIMITS.wrapPlaintextMax) return;
  fail(
    'InvalidValue',
    `${field}: a key of ${LIMITS.wrapPlaintextMin} to ${LIMITS.wrapPlaintextMax} bytes is expected, not ${bytes}`,
    { field, hint: 'Wrap a data key, and encrypt the data itself with it.' },
  );
}

/** Wraps `plaintext` (16..64 bytes) for the public key of the suite's KEM. */
export async function sealEnvelope(
  crypto: Crypto,
  suite: WrapSuite,
  kidText: string,
  publicKey: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  checkPlaintextSize(plaintext.length, 'plaintext');
  const aad = header(suite, kidText);
  const { enc, ciphertext } = await sealBase(crypto, WRAP_SUITES[suite], publicKey, info(kidText), aad, plaintext);
  return concat(aad, enc, ciphertext);
}

/** Reads the clear part. Throws Malformed, NewerVersion, SuiteMismatch. */
export function parseEnvelope(bytes: Uint8Array): WrapEnvelope {
  if (bytes.length < HEAD_BYTES || MAGIC.some((byte, index) => bytes[index] !== byte)) {
    return fail('Malformed', 'the file is no wrap envelope (it does not begin with RONW)');
  }
  if (bytes[4] !== VERSION) {
    if (bytes[4]! > VERSION)
      fail('NewerVersion', `the wrap envelope has format version ${bytes[4]}; this ronctl reads 1`);
    return fail('Malformed', `the wrap envelope has format version ${bytes[4]}, which does not exist`);
  }
  const suite = bytes[5]!;
  if (!isWrapSuite(suite)) {
    return fail('SuiteMismatch', `the wrap envelope names suite ${suite}; suites 1 to 4 exist`, { field: 'suite' });
  }
  const kidBytes = readU16be(bytes, 6);
  const { ciphertextBytes: encBytes } = KEMS[WRAP_SUITES[suite].kem];
  const ciphertextAt = HEAD_BYTES + kidBytes + encBytes;
  const ciphertextBytes = bytes.length - ciphertextAt;
  if (
    kidBytes > LIMITS.kidBytes ||
    ciphertextBytes < LIMITS.wrapPlaintextMin + TAG_BYTES ||
    ciphertextBytes > LIMITS.wrapPlaintextMax + TAG_BYTES
  ) {
    return fail(
      'Malformed',
      `the wrap envelope has ${bytes.length} bytes, which no kid and ciphertext of suite ${suite} fill`,
    );
  }
  const kidText = fromUtf8(bytes.subarray(HEAD_BYTES, HEAD_BYTES + kidBytes));
  const kid = kidText === null ? null : parseKeyId(kidText);
  if (kidText === null || kid === null || kid.version === null) {
    return fail('Malformed', 'the wrap envelope names no key id with version', { field: 'kid' });
  }
  return {
    suite,
    kid: { ...kid, version: kid.version },
    kidText,
    aad: bytes.slice(0, HEAD_BYTES + kidBytes),
    enc: bytes.slice(HEAD_BYTES + kidBytes, ciphertextAt),
    ciphertext: bytes.slice(ciphertextAt),
  };
}

/** Opens a parsed envelope with the secret of its kid and suite. Throws UnwrapFailed, always with the same text. */
export async function openEnvelope(
  crypto: Crypto,
  envelope: WrapEnvelope,
  secret: DecapsulationKey | Uint8Array,
): Promise<Uint8Array> {
  const { suite, kidText, enc, aad, ciphertext } = envelope;
  const plaintext = await openBase(crypto, WRAP_SUITES[suite], secret, enc, info(kidText), aad, ciphertext);
  return plaintext ?? fail('UnwrapFailed', 'the envelope does not open with the key that it names');
}
