// Binary form of a macaroon (libmacaroons doc/format.txt, version 2; service page 2, R-23):
//   0x02, then sections of fields `type varint, length varint, bytes` in ascending order, each section ended by 0x00:
//   header   [1 location] 2 identifier
//   caveat   [1 location] 2 identifier [4 vid]        a first-party caveat has neither location nor vid
//   0x00 after the last caveat, then 6 signature (32 bytes)
// Refused: varints longer than they need to be, fields out of order, unknown or twice, bytes behind the end, more than
// 4,096 bytes or 32 caveats. All of it is judged before any HMAC. A location may be absent, empty or up to 256 bytes: other
// libraries write it back differently, and it is no part of what is signed.

import { concat } from '../bytes/framing.ts';
import { fail } from '../errors.ts';
import { LIMITS } from '../limits.ts';

export interface MacaroonCaveat {
  readonly identifier: Uint8Array;
  /** Verification id: the caveat is for a third party, which discharges it. Null for a first-party caveat. */
  readonly vid: Uint8Array | null;
  readonly location: Uint8Array | null;
}

export interface Macaroon {
  readonly location: Uint8Array | null;
  readonly identifier: Uint8Array;
  readonly caveats: readonly MacaroonCaveat[];
  /** 32 bytes. */
  readonly signature: Uint8Array;
}

const VERSION = 2;
const EOS = 0;
const LOCATION = 1;
const IDENTIFIER = 2;
const VID = 4;
const SIGNATURE = 6;
export const SIGNATURE_BYTES = 32;

const refuse = (why: string): never => fail('Malformed', `not a capability: ${why}`);

/** Reads fields; never past the end. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? refuse('cut off');
  }

  /** At most three bytes: nothing in a token is longer than its 4,096 bytes. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift <= 14; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return byte === 0 && shift > 0 ? refuse('a number longer than it needs to be') : value;
    }
    return refuse('a length that no capability has');
  }

  bytes(): Uint8Array {
    const length = this.varint();
    if (length > this.#bytes.length - this.#at) refuse('a field reaches beyond the end');
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  /** Fields up to the end of the section. */
  section(): ReadonlyMap<number, Uint8Array> {
    const fields = new Map<number, Uint8Array>();
    let last = EOS;
    for (let type = this.varint(); type !== EOS; type = this.varint()) {
      if (type <= last) refuse('fields out of order');
      if (type !== LOCATION && type !== IDENTIFIER && type !== VID) refuse(`a field of the unknown type ${type}`);
      fields.set(type, this.bytes());
      last = type;
    }
    return fields;
  }
}

function locationOf(fields: ReadonlyMap<number, Uint8Array>): Uint8Array | null {
  const location = fields.get(LOCATION) ?? null;
  if (location !== null && location.length > LIMITS.capabilityLocationBytes) refuse('a location that is too long');
  return location;
}

function caveatOf(fields: ReadonlyMap<number, Uint8Array>): MacaroonCaveat {
  const identifier = fields.get(IDENTIFIER) ?? refuse('a caveat without identifier');
  const vid = fields.get(VID) ?? null;
  const location = locationOf(fields);
  if (vid === null && location !== null) refuse('a first-party caveat with a location');
  return { identifier, vid, location };
}

/** Throws Malformed; never with a byte of the token in the message. */
export function parseMacaroon(bytes: Uint8Array): Macaroon {
  if (bytes.length > LIMITS.capabilityBytes) refuse(`more than ${LIMITS.capabilityBytes} bytes`);
  const reader = new Reader(bytes);
  if (reader.byte() !== VERSION) refuse('another version than 2');
  const header = reader.section();
  if (header.has(VID)) refuse('a verification id in the header');
  const identifier = header.get(IDENTIFIER) ?? refuse('no identifier');
  const caveats: MacaroonCaveat[] = [];
  for (let fields = reader.section(); fields.size > 0; fields = reader.section()) {
    if (caveats.length === LIMITS.capabilityCaveats) refuse(`more than ${LIMITS.capabilityCaveats} caveats`);
    caveats.push(caveatOf(fields));
  }
  if (reader.varint() !== SIGNATURE) refuse('no signature');
  const signature = reader.bytes();
  if (signature.length !== SIGNATURE_BYTES) refuse('a signature of another length');
  if (!reader.atEnd) refuse('bytes behind the end');
  return { location: locationOf(header), identifier, caveats, signature };
}

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) out.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...out, rest);
}

const field = (type: number, bytes: Uint8Array | null): Uint8Array =>
  bytes === null ? new Uint8Array(0) : concat(varint(type), varint(bytes.length), bytes);

const END = Uint8Array.of(EOS);

/** The bytes that parseMacaroon reads back as the same macaroon. Throws TooLarge beyond what it would accept. */
export function printMacaroon(macaroon: Macaroon): Uint8Array {
  const { caveats } = macaroon;
  const out = concat(
    Uint8Array.of(VERSION),
    field(LOCATION, macaroon.location),
    field(IDENTIFIER, macaroon.identifier),
    END,
    ...caveats.flatMap((one) => [
      field(LOCATION, one.location),
      field(IDENTIFIER, one.identifier),
      field(VID, one.vid),
      END,
    ]),
    END,
    field(SIGNATURE, macaroon.signature),
  );
  if (out.length > LIMITS.capabilityBytes || caveats.length > LIMITS.capabilityCaveats) {
    fail(
      'TooLarge',
      `a capability has at most ${LIMITS.capabilityBytes} bytes and ${LIMITS.capabilityCaveats} caveats; this one would have ${out.length} and ${caveats.length}`,
    );
  }
  return out;
}
