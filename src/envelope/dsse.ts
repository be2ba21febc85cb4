// DSSE envelope as ronctl writes it (governance page 1): canonical JSON, exactly
//   {payload, payloadType, signatures: [{keyid, sig}]}
// payload and sig in standard base64 with padding, signatures sorted by keyid, keyids unique, at most 32. Payload bytes are
// kept and passed on as received. This module checks form; which keys must have signed is the caller's rule.

import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { canonicalFile } from '../bytes/canonical-json.ts';
import { array, decodeFile, malformed, object, string } from '../bytes/decode.ts';
import { LIMITS } from '../limits.ts';
import { digestH, pae } from './h.ts';

export interface EnvelopeSignature {
  /** `<id>/<alg>` */
  readonly keyid: string;
  readonly signature: Uint8Array;
}

export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
}

const KEYID = /^[A-Za-z0-9._@#/-]{1,256}$/;

const shape = object({
  payload: string(),
  payloadType: string({ pattern: /^application\/vnd\.ron\.[a-z0-9.-]{1,64}\+json$/, what: 'a ronctl payload type' }),
  signatures: array(
    object({ keyid: string({ pattern: KEYID, what: 'a key id' }), sig: string() }),
    LIMITS.envelopeSignatures,
    1,
  ),
});

export type EnvelopeJson = ReturnType<typeof shape>;

/** Decodes the JSON form (also inside requests and ledger lines). */
export function decodeEnvelope(value: Parameters<typeof shape>[0], path: string): Envelope {
  const raw = shape(value, path);
  const payload = fromBase64(raw.payload) ?? malformed(`${path}.payload`, 'standard padded base64 is expected');
  const signatures = raw.signatures.map((one, index) => {
    const signature =
      fromBase64(one.sig) ?? malformed(`${path}.signatures[${index}].sig`, 'standard padded base64 is expected');
    const previous = raw.signatures[index - 1];
    if (previous !== undefined && previous.keyid >= one.keyid) {
      malformed(`${path}.signatures[${index}].keyid`, 'signatures are not sorted by unique keyid');
    }
    return { keyid: one.keyid, signature };
  });
  return { payloadType: raw.payloadType, payload, signatures };
}

/** Parses an envelope file. */
export function parseEnvelope(bytes: Uint8Array, what: string): Envelope {
  return decodeFile(decodeEnvelope, bytes, what);
}

/** The JSON form, for files, ledger lines and requests. */
export function envelopeJson(envelope: Envelope): EnvelopeJson {
  const signatures = [...envelope.signatures].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  return {
    payload: toBase64(envelope.payload),
    payloadType: envelope.payloadType,
    signatures: signatures.map((one) => ({ keyid: one.keyid, sig: toBase64(one.signature) })),
  };
}

export function envelopeFile(envelope: Envelope): Uint8Array {
  return canonicalFile(envelopeJson(envelope));
}

/** The bytes that every signature of this envelope signs. */
export function signedBytes(envelope: { readonly payloadType: string; readonly payload: Uint8Array }): Uint8Array {
  return pae(envelope.payloadType, envelope.payload);
}

/** H of the payload: the one digest of this object. */
export function envelopeDigest(envelope: { readonly payloadType: string; readonly payload: Uint8Array }): string {
  return digestH(envelope.payloadType, envelope.payload);
}
