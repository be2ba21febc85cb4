// UTF-8, NFC at creation, and what untrusted text may contain when it is shown.

const encoder = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Of text that is known to be ASCII: several times as fast for short text. */
export function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** Null when the bytes are not well-formed UTF-8. A BOM is kept, so that parsers can refuse it. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** True for text that is well formed and in NFC; checked when text is created, never when it is verified (R-45 b). */
export function isCleanText(text: string): boolean {
  return text.isWellFormed() && text.normalize('NFC') === text;
}

// Controls (C0, C1, DEL), format characters (bidi, zero width, tags), surrogates, line and paragraph separators, and
// whatever Unicode says may be left invisible (Hangul fillers, variation selectors).
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Untrusted text for a terminal: every control, bidi and invisible character as `\u{...}`, so that it cannot act. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** True when the text would be shown unchanged by `escapeText`. */
export function isPlainText(text: string): boolean {
  return escapeText(text) === text;
}
