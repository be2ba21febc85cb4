// Lower-case hexadecimal. Refuses upper case, odd lengths and anything else.

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Bytes of lower-case hex, or null when the text is not that (or not `lengthBytes` long, when given). */
export function fromHex(text: string, lengthBytes?: number): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return null;
  if (lengthBytes !== undefined && text.length !== lengthBytes * 2) return null;
  return new Uint8Array(Buffer.from(text, 'hex'));
}
