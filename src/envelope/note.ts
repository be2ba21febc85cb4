// C2SP signed note (c2sp.org/signed-note): text ending in LF, a blank line, then lines `— <name> <base64(key id ‖ sig)>`.
// Key id = first 4 bytes of SHA-256(name ‖ LF ‖ type ‖ public key); vkey = `<name>+<hex8 key id>+<base64(type ‖ key)>`.
// Refused: bytes that are not UTF-8, control characters other than LF, empty text, no signature line, a name with a space
// or `+`, a vkey whose key id does not follow from it, more than 100 signature lines.

import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { malformed } from '../bytes/decode.ts';
import { concat, u8 } from '../bytes/framing.ts';
import { fromHex, toHex } from '../bytes/hex.ts';
import { fromUtf8, utf8 } from '../bytes/text.ts';
import { sha256 } from '../crypto/hash.ts';

/** Algorithm bytes of the C2SP registry that ronctl knows. */
export const NOTE_TYPES = {
  ed25519: 0x01,
  ed25519Cosignature: 0x04,
  mlDsa44Cosignature: 0x06,
} as const;

const PUBLIC_KEY_BYTES: Readonly<Record<number, number>> = { 1: 32, 4: 32, 6: 1312 };
const SIGNATURES_MAX = 100;
const NOTE_BYTES_MAX = 1024 * 1024;

export interface Vkey {
  readonly text: string;
  readonly name: string;
  /** Lower hex, 8 characters. */
  readonly keyId: string;
  readonly type: number;
  readonly publicKey: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  /** Lower hex, 8 characters. */
  readonly keyId: string;
  /** What follows the key id; never empty. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** With its final LF. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key name: not empty, no Unicode space, no plus, no control character. */
export function isNoteName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s+\u0000-\u001f\u007f\u0085\u180e\ufffd]/u.test(name);
}

export function noteKeyId(name: string, type: number, publicKey: Uint8Array): string {
  return toHex(sha256(concat(utf8(`${name}\n`), u8(type), publicKey)).subarray(0, 4));
}

export function formatVkey(name: string, type: number, publicKey: Uint8Array): string {
  if (!isNoteName(name)) throw new TypeError(`not a note key name: ${JSON.stringify(name)}`);
  return `${name}+${noteKeyId(name, type, publicKey)}+${toBase64(concat(u8(type), publicKey))}`;
}

/** Throws Malformed; `field` names the input. */
export function parseVkey(text: string, field = 'vkey'): Vkey {
  const [name, keyId, encoded, ...rest] = text.split('+');
  // Standard base64 may contain `+` itself.
  const data = encoded === undefined ? null : fromBase64([encoded, ...rest].join('+'));
  if (name === undefined || keyId === undefined || data === null || data.length < 2) {
    return malformed(field, 'a verifier key `name+keyid+base64` is expected');
  }
  if (!isNoteName(name)) malformed(field, 'the name of the verifier key is empty or has a space or control character');
  if (fromHex(keyId, 4) === null) malformed(field, 'the key id is not 8 lower-case hex characters');
  const type = data[0]!;
  const publicKey = data.subarray(1);
  const expected = PUBLIC_KEY_BYTES[type];
  if (expected === undefined) malformed(field, `the verifier key has the unknown algorithm type ${type}`);
  if (publicKey.length !== expected)
    malformed(field, `a key of ${expected} bytes is expected, found ${publicKey.length}`);
  if (noteKeyId(name, type, publicKey) !== keyId) malformed(field, 'the key id does not follow from name and key');
  return { text, name, keyId, type, publicKey };
}

export function formatNote(note: Note): Uint8Array {
  if (!note.text.endsWith('\n') || !isNoteText(note.text)) throw new TypeError('a note text ends in a line feed');
  const lines = note.signatures.map((one) => {
    const id = fromHex(one.keyId, 4);
    if (id === null || !isNoteName(one.name)) throw new TypeError('not a note signature');
    return `\u2014 ${one.name} ${toBase64(concat(id, one.signature))}\n`;
  });
  return utf8(`${note.text}\n${lines.join('')}`);
}

const isNoteText = (text: string): boolean => !/[\u0000-\u0009\u000b-\u001f\u007f]/.test(text);

/** Throws Malformed naming `what`. Signatures are not checked here. */
export function parseNote(bytes: Uint8Array, what: string): Note {
  if (bytes.length > NOTE_BYTES_MAX) malformed('', `${what}: longer than ${NOTE_BYTES_MAX} bytes`);
  const whole = fromUtf8(bytes);
  if (whole === null) return malformed('', `${what}: not UTF-8`);
  if (!isNoteText(whole)) malformed('', `${what}: a control character in a note`);
  const split = whole.lastIndexOf('\n\n');
  if (split < 0) return malformed('', `${what}: no blank line before the signatures`);
  const text = whole.slice(0, split + 1);
  const tail = whole.slice(split + 2);
  if (tail === '' || !tail.endsWith('\n')) malformed('', `${what}: no signature lines, or the last has no line feed`);
  const lines = tail.slice(0, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) malformed('', `${what}: more than ${SIGNATURES_MAX} signature lines`);
  const signatures = lines.map((line) => {
    const parts = line.split(' ');
    const blob = parts.length === 3 && parts[0] === '\u2014' ? fromBase64(parts[2]!) : null;
    if (blob === null || blob.length < 5 || !isNoteName(parts[1]!)) {
      return malformed('', `${what}: a signature line that is not \`\u2014 name base64\``);
    }
    return { name: parts[1]!, keyId: toHex(blob.subarray(0, 4)), signature: blob.subarray(4) };
  });
  return { text, signatures };
}

/** A key that can judge a note: by name and key id. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: string;
  verify(text: string, signature: Uint8Array): boolean;
}

export type NoteVerdict =
  | { readonly kind: 'ok'; readonly verified: readonly NoteSignature[]; readonly unknown: readonly NoteSignature[] }
  /** No signature by a known key. */
  | { readonly kind: 'unverified' }
  /** A known key's signature does not verify: the whole note is refused. */
  | { readonly kind: 'invalid-signature'; readonly name: string }
  /** Two different verifiers for one name and key id. */
  | { readonly kind: 'ambiguous-key'; readonly name: string };

/** The signed-note rule: unknown keys are ignored, a known key's bad signature refuses the note; repeats count once. */
export function judgeNote(note: Note, verifiers: readonly NoteVerifier[]): NoteVerdict {
  const verified = new Map<string, NoteSignature>();
  const unknown: NoteSignature[] = [];
  for (const one of note.signatures) {
    const known = verifiers.filter((verifier) => verifier.name === one.name && verifier.keyId === one.keyId);
    if (known.length > 1) return { kind: 'ambiguous-key', name: one.name };
    const id = `${one.name}+${one.keyId}`;
    if (known.length === 0) unknown.push(one);
    else if (!verified.has(id)) {
      if (!known[0]!.verify(note.text, one.signature)) return { kind: 'invalid-signature', name: one.name };
      verified.set(id, one);
    }
  }
  return verified.size === 0 ? { kind: 'unverified' } : { kind: 'ok', verified: [...verified.values()], unknown };
}
