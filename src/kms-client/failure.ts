// What went wrong on the way to a server and back, as a RonError. The server's own refusals carry their code and are decoded
// elsewhere; here is everything that is no answer: no connection, too late, or bytes that are no answer of this interface.

import { RonError } from '../errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  ENOTSOCK: 'it is no socket',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no connection in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  UND_ERR_HEADERS_OVERFLOW: 'the headers of the answer are too long',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer is shorter or longer than it says',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not signed by kms.ca_file',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by kms.ca_file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by kms.ca_file',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not signed by kms.ca_file',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** The peer is there, and is not whom it should be. */
const IMPOSTOR: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if (thrown.name === 'HTTPParserError') return 'HPE';
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  if (thrown instanceof AggregateError) return errnoOf(thrown.errors[0]);
  return errnoOf(thrown.cause);
}

function reasonOf(errno: string | undefined): string {
  if (errno === undefined) return 'the connection failed';
  if (errno.startsWith('HPE')) return 'what answers there does not speak HTTP';
  if (errno.startsWith('ERR_SSL_') || errno.startsWith('EPROTO')) return `the TLS handshake failed (${errno})`;
  return REASONS[errno] ?? `the connection failed (${errno})`;
}

const HINTS: Readonly<Record<string, string>> = {
  local: 'Start it: ronctl kms serve',
};

/** `done`: what to say of a request that may have been carried out; null when nothing could have happened. */
export function unreachable(name: string, thrown: unknown, done: string | null): RonError {
  if (thrown instanceof RonError) return thrown;
  const errno = errnoOf(thrown);
  if (errno !== undefined && IMPOSTOR.has(errno)) {
    return new RonError('VerificationFailed', `${name}: ${reasonOf(errno)}`, {
      field: 'kms.ca_file',
      hint: 'Compare the certificate with its operator before anything is sent there.',
      cause: thrown,
    });
  }
  return new RonError('Unreachable', `${name}: ${reasonOf(errno)}`, { ...hinted(name, done), cause: thrown });
}

/** The whole exchange took too long. */
export function tooLate(name: string, timeoutMs: number, done: string | null): RonError {
  return new RonError('Unreachable', `${name}: no answer within ${timeoutMs / 1000} s`, hinted(name, done));
}

/** Bytes came that are no answer of this interface. Nothing of them is shown. */
export function badAnswer(name: string, what: string): RonError {
  return new RonError('Unreachable', `${name} gave an answer that cannot be used: ${what}`, {
    hint: 'Check that a ronctl server of this version listens there.',
  });
}

function hinted(name: string, done: string | null): { readonly hint?: string } {
  if (done !== null) return { hint: done };
  const hint = HINTS[name];
  return hint === undefined ? {} : { hint };
}
