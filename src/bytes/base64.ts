// RFC 4648: base64url without padding (our JSON members), standard base64 with padding (DSSE, signed notes, `_b64`
// wire members). Decoders accept the canonical form only: trailing bits zero, exact padding, no white space.

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function toBase64Url(bytes: Uint8Array): string {
  return view(bytes).toString('base64url');
}

export function toBase64(bytes: Uint8Array): string {
  return view(bytes).toString('base64');
}

/** Null when the text is not canonical unpadded base64url (or not `lengthBytes` long, when given). */
export function fromBase64Url(text: string, lengthBytes?: number): Uint8Array | null {
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'));
  if (toBase64Url(bytes) !== text) return null;
  return lengthBytes === undefined || bytes.length === lengthBytes ? bytes : null;
}

/** Null when the text is not canonical padded standard base64 (or not `lengthBytes` long, when given). */
export function fromBase64(text: string, lengthBytes?: number): Uint8Array | null {
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  if (toBase64(bytes) !== text) return null;
  return lengthBytes === undefined || bytes.length === lengthBytes ? bytes : null;
}

/** Padded standard or URL-safe base64, for foreign DSSE envelopes only. */
export function fromAnyBase64(text: string): Uint8Array | null {
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'));
}
