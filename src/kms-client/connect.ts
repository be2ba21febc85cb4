// Connections to a server (service page 3): Unix socket, plain loopback, or TLS 1.3 pinned by a CA or the digest of the
// certificate, with X25519MLKEM768 offered first. Refuses an unpinned certificate, an expired one and, when told, every
// classical group. Attack: any local user binds the port of a dead server, receives tokens and answers `verify: ok`.

import type { TLSSocket } from 'node:tls';
import type { buildConnector, Pool } from 'undici';
import { RonError } from '../errors.ts';

export interface TlsPin {
  /** PEM text of the CA. */
  readonly ca?: string;
  /** Lower hex SHA-256 of the server's certificate (DER). */
  readonly certSha256?: string;
  /** Only X25519MLKEM768: another group is PqPolicy (16). */
  readonly pqOnly: boolean;
}

export interface Endpoint {
  /** As errors name it. */
  readonly name: string;
  readonly socketPath?: string;
  readonly host?: string;
  readonly port?: number;
  /** Absent: plain, on a Unix socket or loopback. */
  readonly tls?: TlsPin;
}

export interface Connections {
  readonly pool: Pool;
  /** Key exchange group of the newest TLS connection, null before it or without TLS. */
  tlsGroup(): string | null;
}

export const PQ_GROUP = 'X25519MLKEM768';
export const CONNECT_TIMEOUT_MS = 2000;
const CONNECTIONS = 8;

type Undici = typeof import('undici');

/** Throws nothing; connects at the first request. */
export function connectionsTo(undici: Undici, endpoint: Endpoint, now: () => number): Connections {
  const { tls, host, port, socketPath } = endpoint;
  const origin = `${tls === undefined ? 'http' : 'https'}://${host ?? 'localhost'}${port === undefined ? '' : `:${port}`}`;
  let group: string | null = null;
  const base = undici.buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    allowH2: false,
    maxCachedSessions: 0,
    socketPath: socketPath ?? null,
    ...(tls === undefined ? {} : tlsOptions(tls)),
  });
  const connect: buildConnector.connector = (options, callback) =>
    base(options, (...done) => {
      const [error, socket] = done;
      if (error !== null || tls === undefined) return callback(...done);
      try {
        group = checkTls(endpoint.name, tls, socket as TLSSocket, now());
      } catch (refused) {
        socket.destroy();
        return callback(refused as Error, null);
      }
      return callback(null, socket);
    });
  const pool = new undici.Pool(origin, {
    connect,
    connections: CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: 4000,
    keepAliveMaxTimeout: 30_000,
    allowH2: false,
    useMilo: false,
    ...(socketPath === undefined ? {} : { socketPath }),
  });
  return { pool, tlsGroup: () => group };
}

function tlsOptions({ ca, certSha256, pqOnly }: TlsPin) {
  return {
    minVersion: 'TLSv1.3' as const,
    ecdhCurve: pqOnly ? PQ_GROUP : `${PQ_GROUP}:X25519`,
    ...(ca === undefined ? {} : { ca: [ca] }),
    // A certificate that is pinned by its digest alone needs no CA: TLS 1.3 proves that the peer has its key, checkTls compares.
    rejectUnauthorized: ca !== undefined || certSha256 === undefined,
  };
}

/** The negotiated group. Throws VerificationFailed for another certificate, PqPolicy for a classical group. */
function checkTls(name: string, pin: TlsPin, socket: TLSSocket, nowMs: number): string {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw new RonError('VerificationFailed', `${name} shows no certificate`);
  if (pin.certSha256 !== undefined) {
    const found = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    if (found !== pin.certSha256) {
      throw new RonError('VerificationFailed', `${name} shows a certificate of digest ${found}, not the pinned one`, {
        field: 'kms.cert_sha256',
        hint: 'If its certificate was replaced, compare the digest with its operator by voice, then change kms.cert_sha256.',
      });
    }
    if (nowMs < certificate.validFromDate.getTime() || nowMs >= certificate.validToDate.getTime()) {
      throw new RonError(
        'VerificationFailed',
        `the certificate of ${name} is valid from ${certificate.validFrom} to ${certificate.validTo}, not now`,
        { field: 'kms.cert_sha256', hint: 'Its operator supplies a new certificate; check the clock here too.' },
      );
    }
  }
  const info = socket.getEphemeralKeyInfo();
  const group = info !== null && 'name' in info && typeof info.name === 'string' ? info.name : 'unknown';
  if (pin.pqOnly && group !== PQ_GROUP) {
    throw new RonError('PqPolicy', `${name} agreed on the key exchange ${group}; only ${PQ_GROUP} is accepted`, {
      field: 'kms.url',
      hint: 'Its operator enables the hybrid group: tls.pq_only, or a newer TLS library.',
    });
  }
  return group;
}
