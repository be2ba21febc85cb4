// The body of a witness request (C2SP tlog-witness, log page 4.11), over HTTP and as a file for an air gap:
//   old <decimal size>
//   <base64 hash> ...       consistency proof, at most 63
//   (empty line)
//   checkpoint              a signed note
// Refused: any other line, a decimal or base64 that is not canonical, more than 63 hashes, more than 256 KiB. The answer is
// one or more signature lines of a note.

import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { malformed } from '../bytes/decode.ts';
import { concat } from '../bytes/framing.ts';
import { fromUtf8, utf8 } from '../bytes/text.ts';
import { formatNote, type NoteSignature, parseNote } from '../envelope/note.ts';
import { LIMITS } from '../limits.ts';
import { HASH_BYTES } from './leaf.ts';

const PROOF_MAX = 63;

export interface WitnessRequest {
  /** The size that the witness is believed to know; 0 = none. */
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  /** The exact note. */
  readonly note: Uint8Array;
}

/** True when the bytes begin like a request. */
export function isWitnessRequest(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(4, bytes.length)).toString('latin1') === 'old ';
}

export function formatWitnessRequest({ oldSize, proof, note }: WitnessRequest): Uint8Array {
  return concat(utf8(`old ${oldSize}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n`), note);
}

/** Throws Malformed naming `what`. The note is not parsed here. */
export function parseWitnessRequest(bytes: Uint8Array, what: string): WitnessRequest {
  if (bytes.length > LIMITS.witnessBodyBytes) malformed('', `${what}: longer than ${LIMITS.witnessBodyBytes} bytes`);
  const text = fromUtf8(bytes);
  if (text === null) return malformed('', `${what}: not UTF-8`);
  const end = text.indexOf('\n\n');
  if (end < 0) return malformed('', `${what}: no empty line before the checkpoint`);
  const [first, ...hashes] = text.slice(0, end).split('\n');
  const size = /^old (0|[1-9][0-9]{0,15})$/.exec(first ?? '')?.[1];
  if (size === undefined || !Number.isSafeInteger(Number(size))) {
    return malformed('', `${what}: the first line is not \`old <size>\``);
  }
  if (hashes.length > PROOF_MAX) malformed('', `${what}: more than ${PROOF_MAX} proof lines`);
  const proof = hashes.map((line) => fromBase64(line, HASH_BYTES));
  if (proof.includes(null)) malformed('', `${what}: a proof line that is not the base64 of 32 bytes`);
  const note = bytes.subarray(Buffer.byteLength(text.slice(0, end + 2)));
  if (note.length === 0) malformed('', `${what}: no checkpoint`);
  return { oldSize: Number(size), proof: proof as Uint8Array[], note };
}

const ANY_TEXT = 'x\n';

/** The answer of a witness: signature lines alone. */
export function formatSignatureLines(signatures: readonly NoteSignature[]): Uint8Array {
  return formatNote({ text: ANY_TEXT, signatures }).subarray(ANY_TEXT.length + 1);
}

/** Throws Malformed naming `what`. Nothing is verified here. */
export function parseSignatureLines(bytes: Uint8Array, what: string): readonly NoteSignature[] {
  if (bytes.length > LIMITS.witnessBodyBytes) malformed('', `${what}: longer than ${LIMITS.witnessBodyBytes} bytes`);
  const text = fromUtf8(bytes);
  if (text === null || !text.startsWith('\u2014 '))
    return malformed('', `${what}: not signature lines \`\u2014 name base64\``);
  return parseNote(concat(utf8(`${ANY_TEXT}\n`), bytes), what).signatures;
}

/** What a witness answered over HTTP. */
export interface WitnessAnswer {
  readonly status: number;
  /** Media type, lower case. */
  readonly type: string;
  readonly body: Uint8Array;
}

/** Sends a body to `<prefix>/add-checkpoint`. Throws Unreachable. */
export type AskWitness = (prefix: string, body: Uint8Array, signal: AbortSignal) => Promise<WitnessAnswer>;
