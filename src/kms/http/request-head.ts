// What the head of a request must be before anything else is looked at (X-19, RFC 9110, RFC 9112): one Host, no header twice
// that can have one value only, no expectation but 100-continue, at most 64. Refuses with Malformed naming the header; 417; 431.
// Attack: two proxies that each believe another one of two headers see two requests, or two bearers.

import type { IncomingMessage } from 'node:http';
import { RonError } from '../../errors.ts';
import { Refusal } from './refusal.ts';

/** The most of them. */
export const HEADERS = 64;

/** Headers with one value; all others are lists, or nobody here reads them. */
const SINGLE: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'x-corr-id',
]);

/** RFC 3986 3.2, without user information; may be empty. */
const AUTHORITY = /^[\w.~%!$&'()*+,;=:[\]-]*$/;

const malformed = (field: string, why: string): never => {
  throw new RonError('Malformed', `${field}: ${why}`, { field });
};

function refuseTwice(rawHeaders: readonly string[]): void {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (seen.has(name) && SINGLE.has(name)) malformed(name, 'the header is there twice');
    seen.add(name);
  }
}

/** Throws Malformed, and Unsupported as 417. */
export function checkHead({ rawHeaders, headers, httpVersion }: IncomingMessage): void {
  if (rawHeaders.length > 2 * HEADERS) {
    throw new Refusal('TooLarge', `there are more than ${HEADERS} headers`, { status: 431 });
  }
  // As many names as headers: none of them is there twice.
  if (rawHeaders.length !== 2 * Object.keys(headers).length) refuseTwice(rawHeaders);
  const { expect, host } = headers;
  if (host === undefined && httpVersion !== '1.0') malformed('host', 'the header is missing');
  if (host !== undefined && !AUTHORITY.test(host)) malformed('host', 'a name and a port are expected');
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    const why = 'expect: only 100-continue is met';
    throw new Refusal('Unsupported', why, { status: 417, reason: 'unsupported' }, { field: 'expect' });
  }
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** What was not read cannot be skipped: the next request would begin in the middle of it. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  return !request.complete && hasBody(request);
}

/** For methods that take none. Throws Malformed. */
export function refuseBody(request: IncomingMessage): void {
  if (hasBody(request)) throw new RonError('Malformed', `${request.method ?? 'this method'} takes no body`);
}
