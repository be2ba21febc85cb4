// Cosignatures of witnesses on checkpoints (log page 4.11, C2SP tlog-cosignature): u64be seconds ‖ signature.
//   0x04, Ed25519:    over "cosignature/v1\ntime N\n" ‖ note text
//   0x06, ML-DSA-44:  over the subtree message for the whole tree, which also names the cosigner
// Refused: a plain note signature in their place (too short), a time that does not fit 2^53-1, a body that is not exactly
// origin, size and root under 0x06. A time of 0 says nothing about "newest" and never counts; ours is never 0.

import { concat, readU64be, u64be } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import type { Crypto, SigningKey } from '../crypto/provider.ts';
import { formatVkey, NOTE_TYPES, type NoteSignature, parseVkey, type Vkey } from '../envelope/note.ts';
import { RonError } from '../errors.ts';
import { type CheckpointBody, formatBody, parseBody, subtreeMessage } from './checkpoint.ts';

const TIME_BYTES = 8;
const SIGNATURE_BYTES = { [NOTE_TYPES.ed25519Cosignature]: 64, [NOTE_TYPES.mlDsa44Cosignature]: 2420 } as const;

/** The two keys of one witness, under one name. */
export interface CosigningKeys {
  /** Key name of both; a note name. */
  readonly name: string;
  readonly ed25519: SigningKey;
  readonly mlDsa44: SigningKey;
}

/** What a type 0x04 signature signs. `text` is the whole note text with its final LF. */
export function cosignatureMessage(timestamp: number, text: string): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timestamp}\n${text}`);
}

/** [Ed25519 (type 04), ML-DSA-44 (type 06)]. */
export function cosignerVkeys(keys: CosigningKeys): readonly [string, string] {
  return [
    formatVkey(keys.name, NOTE_TYPES.ed25519Cosignature, keys.ed25519.publicKey),
    formatVkey(keys.name, NOTE_TYPES.mlDsa44Cosignature, keys.mlDsa44.publicKey),
  ];
}

/** Both cosignatures on a checkpoint, in the order of the vkeys. `timestamp` in seconds, never 0. */
export async function cosign(
  body: CheckpointBody,
  timestamp: number,
  keys: CosigningKeys,
): Promise<readonly NoteSignature[]> {
  if (timestamp <= 0) throw new RangeError('the time of a cosignature is never 0');
  const [ed25519, mlDsa44] = cosignerVkeys(keys).map((vkey) => parseVkey(vkey));
  const time = u64be(timestamp);
  return [
    {
      name: keys.name,
      keyId: ed25519!.keyId,
      signature: concat(time, await keys.ed25519.sign(cosignatureMessage(timestamp, formatBody(body)))),
    },
    {
      name: keys.name,
      keyId: mlDsa44!.keyId,
      signature: concat(time, await keys.mlDsa44.sign(subtreeMessage(keys.name, timestamp, body))),
    },
  ];
}

/** A witness key that can judge signature lines of its name and key id. */
export interface CosignatureVerifier {
  readonly vkey: Vkey;
  /** The time in seconds when the signature (what follows the key id) is right for the note text, else null. */
  check(text: string, signature: Uint8Array): number | null;
}

/** Throws Malformed for a vkey that is no cosigner's, or whose key is refused (not on the curve, small order). */
export function createCosignatureVerifier(vkey: Vkey, crypto: Crypto, field = 'vkey'): CosignatureVerifier {
  const { type } = vkey;
  if (type !== NOTE_TYPES.ed25519Cosignature && type !== NOTE_TYPES.mlDsa44Cosignature) {
    throw new RonError('Malformed', `${field}: a witness key has type 04 or 06, not 0${type}`, { field });
  }
  const alg = type === NOTE_TYPES.ed25519Cosignature ? 'ed25519' : 'ml-dsa-44';
  const key = crypto.signature(alg).importPublic(vkey.publicKey);
  if (key === null) throw new RonError('Malformed', `${field}: not a valid public key`, { field });
  const check = (text: string, signature: Uint8Array): number | null => {
    if (signature.length !== TIME_BYTES + SIGNATURE_BYTES[type]) return null;
    const seconds = readU64be(signature, 0);
    if (seconds === null) return null;
    const body = alg === 'ed25519' ? null : parseBody(text);
    if (alg !== 'ed25519' && body === null) return null;
    const message = body === null ? cosignatureMessage(seconds, text) : subtreeMessage(vkey.name, seconds, body);
    return key.verify(message, signature.subarray(TIME_BYTES)) ? seconds : null;
  };
  return { vkey, check };
}
