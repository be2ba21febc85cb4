// Absolute paths as the `paths` caveat names them and as requests carry them (service page 2): percent-decoded segment by
// segment, compared in whole decoded segments. Refused (null): an empty segment, `.` or `..` in any spelling, a broken
// percent escape, bytes that are no UTF-8. Attack: a prefix match on the encoded path lets `acme` match `acme-evil`.

import { fromUtf8 } from '../bytes/text.ts';

/** Decoded segments; never `.`, `..` or empty. `/` is the empty list, which every path begins with. */
export type PathSegments = readonly string[];

// RFC 3986 pchar without the comma, which separates the items of a list.
const PATH = /^(?:\/[A-Za-z0-9._~!$&'()*+;=:@%-]*)+$/;

function decodeSegment(text: string): string | null {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '%') {
      bytes.push(text.charCodeAt(at));
      continue;
    }
    const hex = text.slice(at + 1, at + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return null;
    bytes.push(Number.parseInt(hex, 16));
    at += 2;
  }
  const decoded = fromUtf8(Uint8Array.from(bytes));
  return decoded === null || decoded === '' || decoded === '.' || decoded === '..' ? null : decoded;
}

/** The segments of a path without query; null when it is not in the form above. */
export function decodePath(path: string): PathSegments | null {
  if (!PATH.test(path)) return null;
  if (path === '/') return [];
  const out: string[] = [];
  for (const part of path.slice(1).split('/')) {
    const segment = decodeSegment(part);
    if (segment === null) return null;
    out.push(segment);
  }
  return out;
}

const isPrefix = (prefix: PathSegments, path: PathSegments): boolean =>
  prefix.length <= path.length && prefix.every((segment, at) => path[at] === segment);

/**
 * True when every list has a path that the request begins with, in whole segments: each `paths` caveat of a token is one
 * list. No list allows everything; a list always has an item. `request`: from decodePath; a path that has none is refused.
 */
export function pathAllowed(lists: readonly (readonly PathSegments[])[], request: PathSegments): boolean {
  return lists.every((list) => list.some((prefix) => isPrefix(prefix, request)));
}
