// Certificate and key of the TLS listener (service page 3, X-25): PEM files that the operator supplies. TLS 1.3 only, group
// X25519MLKEM768 first; `pqOnly` leaves that group alone. Refuses a pair that does not belong together, a certificate out of
// its time, and a key file that others can read (RefusedConfig, 3). Warns from 14 days before the end, and above 90 days
// of validity.

import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { toTime } from '../../bytes/time.ts';
import { fail, RonError } from '../../errors.ts';
import type { Files, Millis } from '../../host.ts';

const DAY_MS = 86_400_000;
const PEM_BYTES = 64 * 1024;
const WARN_DAYS = 14;
const LONG_DAYS = 90;
const PQ_GROUP = 'X25519MLKEM768';

export interface TlsMaterial {
  readonly cert: Uint8Array;
  readonly key: Uint8Array;
  /** Lower hex SHA-256 of the leaf certificate (DER): what clients pin. */
  readonly sha256: string;
  readonly notAfterMs: Millis;
  readonly warnings: readonly string[];
}

function pem(files: Files, path: string, field: string): Uint8Array {
  if (path === '') {
    fail('RefusedConfig', `${field} is not set, and tls.enabled is true`, {
      field,
      hint: `Set ${field} to a PEM file.`,
    });
  }
  const info = files.info(path);
  if (info === null) fail('RefusedConfig', `${field}: there is no file ${path}`, { field });
  if ((info.mode & 0o007) !== 0) {
    fail('RefusedConfig', `${field}: ${path} can be read by everybody (mode ${info.mode.toString(8)})`, {
      field,
      hint: `chmod 600 ${path}`,
    });
  }
  try {
    return files.read(path, PEM_BYTES) ?? fail('RefusedConfig', `${field}: there is no file ${path}`, { field });
  } catch (thrown) {
    if (!(thrown instanceof RonError)) throw thrown;
    return fail('RefusedConfig', `${field}: ${thrown.message}`, { field, cause: thrown });
  }
}

/** Throws RefusedConfig naming the key of the configuration. */
export function loadTlsMaterial(
  files: Files,
  paths: { readonly cert_path: string; readonly key_path: string },
  nowMs: Millis,
): TlsMaterial {
  const cert = pem(files, paths.cert_path, 'tls.cert_path');
  const key = pem(files, paths.key_path, 'tls.key_path');
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(cert);
  } catch (cause) {
    return fail('RefusedConfig', `tls.cert_path: ${paths.cert_path} holds no certificate`, {
      field: 'tls.cert_path',
      cause,
    });
  }
  let belongs: boolean;
  try {
    belongs = leaf.checkPrivateKey(createPrivateKey(Buffer.from(key)));
  } catch {
    // The cause would carry parts of the file.
    return fail(
      'RefusedConfig',
      `tls.key_path: ${paths.key_path} holds no private key that opens without a passphrase`,
      {
        field: 'tls.key_path',
      },
    );
  }
  if (!belongs) {
    fail('RefusedConfig', `tls.key_path: the key in ${paths.key_path} does not belong to the certificate`, {
      field: 'tls.key_path',
    });
  }
  const notBeforeMs = Date.parse(leaf.validFrom);
  const notAfterMs = Date.parse(leaf.validTo);
  const span = `${toTime(notBeforeMs)} to ${toTime(notAfterMs)}`;
  if (nowMs < notBeforeMs || nowMs >= notAfterMs) {
    fail('RefusedConfig', `tls.cert_path: the certificate is valid from ${span}; it is ${toTime(nowMs)}`, {
      field: 'tls.cert_path',
      hint: 'Put a new certificate there; see ronctl-custody(7).',
    });
  }
  const warnings: string[] = [];
  const daysLeft = Math.floor((notAfterMs - nowMs) / DAY_MS);
  if (daysLeft < WARN_DAYS) warnings.push(`the TLS certificate ends in ${daysLeft} days, at ${toTime(notAfterMs)}`);
  if (notAfterMs - notBeforeMs > LONG_DAYS * DAY_MS) {
    warnings.push(
      `the TLS certificate is valid for over ${LONG_DAYS} days; rotate it at least every ${LONG_DAYS} days`,
    );
  }
  const sha256 = createHash('sha256').update(leaf.raw).digest('hex');
  return { cert, key, sha256, notAfterMs, warnings };
}

/** Options of a listener, and of `setSecureContext` at a reload. */
export function tlsOptions(
  material: TlsMaterial,
  { pqOnly }: { readonly pqOnly: boolean },
): SecureContextOptions & { readonly minVersion: 'TLSv1.3' } {
  return {
    cert: Buffer.from(material.cert),
    key: Buffer.from(material.key),
    minVersion: 'TLSv1.3',
    ecdhCurve: pqOnly ? PQ_GROUP : `${PQ_GROUP}:X25519`,
  };
}

/** Whether this runtime can negotiate the group at all (C-45, C-63): a policy that asks for it is not ready without it. */
export function canNegotiate(group: string = PQ_GROUP): boolean {
  try {
    createSecureContext({ ecdhCurve: group, minVersion: 'TLSv1.3' });
    return true;
  } catch {
    return false;
  }
}

/** IANA numbers of the groups that are told apart. */
const GROUPS: ReadonlyMap<number, string> = new Map([
  [0x11ec, PQ_GROUP],
  [0x1d, 'X25519'],
  [0x17, 'P-256'],
  [0x18, 'P-384'],
]);

/** Where the content of the DER member at `at` begins and ends; null when its length is none. */
function contentAt(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } | null {
  const first = bytes[at + 1];
  if (first === undefined) return null;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  if (count < 1 || count > 3) return null;
  let length = 0;
  for (let n = 0; n < count; n++) length = length * 256 + (bytes[at + 2 + n] ?? 0);
  return { start: at + 2 + count, end: at + 2 + count + length };
}

/**
 * Name of the group of a server-side connection, from the encoded session (SSL_SESSION, context tag 19): Node tells it on
 * the client side only. For counting; what is allowed is decided by `tlsOptions`. Null when it cannot be told.
 */
export function groupOfSession(session: Uint8Array | undefined): string | null {
  if (session === undefined || session[0] !== 0x30) return null;
  const all = contentAt(session, 0);
  if (all === null) return null;
  for (let at = all.start; at < all.end; ) {
    const member = contentAt(session, at);
    if (member === null || member.end > session.length) return null;
    if (session[at] === 0xb3) {
      const value = contentAt(session, member.start);
      if (value === null || session[member.start] !== 0x02) return null;
      let id = 0;
      for (const byte of session.subarray(value.start, value.end)) id = id * 256 + byte;
      return GROUPS.get(id) ?? `0x${id.toString(16)}`;
    }
    at = member.end;
  }
  return null;
}

export const isPqGroup = (group: string | null): boolean => group === PQ_GROUP;

/** The group of an accepted connection. */
export const groupOfSocket = (socket: TLSSocket): string | null => groupOfSession(socket.getSession());
