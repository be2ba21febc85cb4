// Big-endian integers and concatenation.

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

const checked = (value: number, max: number): number => {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) throw new RangeError(`integer out of range: ${value}`);
  return value;
};

export function u8(value: number): Uint8Array {
  return Uint8Array.of(checked(value, 0xff));
}

export function u16be(value: number): Uint8Array {
  const out = new Uint8Array(2);
  new DataView(out.buffer).setUint16(0, checked(value, 0xffff));
  return out;
}

export function u32be(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, checked(value, 0xffff_ffff));
  return out;
}

export function u64be(value: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(checked(value, Number.MAX_SAFE_INTEGER)));
  return out;
}

const at = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function readU16be(bytes: Uint8Array, offset: number): number {
  return at(bytes).getUint16(offset);
}

export function readU32be(bytes: Uint8Array, offset: number): number {
  return at(bytes).getUint32(offset);
}

/** Null when the value does not fit 2^53-1. */
export function readU64be(bytes: Uint8Array, offset: number): number | null {
  const value = at(bytes).getBigUint64(offset);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(value);
}
