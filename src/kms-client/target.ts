// What `--kms` may say (service page 3, R-26, X-12): local | unix:PATH | https://HOST[:PORT] | http://127.0.0.1:PORT | none.
// Nothing else: no user or password in the URL, no path, no plain http to another machine. No other address is ever tried.

import { RonError } from '../errors.ts';

export type Target =
  | { readonly kind: 'none' }
  | { readonly kind: 'local' }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'https'; readonly host: string; readonly port: number }
  | { readonly kind: 'loopback'; readonly host: string; readonly port: number };

const FORMS = 'local, unix:PATH, https://HOST[:PORT], http://127.0.0.1:PORT or none';
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** sun_path holds 108 bytes with its NUL; longer names would be cut. */
export const SOCKET_PATH_BYTES = 100;

/** `place` is the flag, variable or key that the text comes from; errors name it. Throws InvalidValue. */
export function parseTarget(text: string, place: string): Target {
  const refuse = (why: string): never => {
    throw new RonError('InvalidValue', `${place}: ${why}`, { field: place, hint: `Give ${FORMS}.` });
  };
  if (text === 'none' || text === 'local') return { kind: text };
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (!path.startsWith('/')) return refuse(`unix: wants an absolute path, not ${JSON.stringify(path)}`);
    if (Buffer.byteLength(path) > SOCKET_PATH_BYTES) {
      return refuse(`a socket path has at most ${SOCKET_PATH_BYTES} bytes, this one ${Buffer.byteLength(path)}`);
    }
    return { kind: 'unix', path };
  }
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return refuse(`${FORMS} is expected, not ${JSON.stringify(text)}`);
  }
  if (url.username !== '' || url.password !== '') return refuse('a URL with a user or password is refused');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || text.includes('?') || text.includes('#')) {
    return refuse('the URL ends after host and port');
  }
  if (url.protocol === 'https:') {
    return { kind: 'https', host: url.hostname, port: url.port === '' ? 443 : Number(url.port) };
  }
  if (!LOOPBACK.has(url.hostname)) {
    return refuse(`plain http reaches this machine only; ${url.hostname} wants https`);
  }
  if (url.port === '') return refuse('http wants a port, as the server printed it');
  // localhost may be mapped to anything; the address is what counts.
  const host = url.hostname === 'localhost' ? '127.0.0.1' : url.hostname;
  return { kind: 'loopback', host, port: Number(url.port) };
}

/** The first of flag, variable and configuration that says anything decides; `none` when nothing does. */
export function chooseTarget(sources: readonly (readonly [place: string, text: string | undefined])[]): Target {
  const [place, text] = sources.find(([, one]) => one !== undefined && one !== '') ?? [];
  return place === undefined ? { kind: 'none' } : parseTarget(text!, place);
}

/** As errors and results name it. */
export function targetName(target: Target): string {
  switch (target.kind) {
    case 'unix':
      return `unix:${target.path}`;
    case 'https':
      return `https://${target.host}:${target.port}`;
    case 'loopback':
      return `http://${target.host}:${target.port}`;
    default:
      return target.kind;
  }
}
