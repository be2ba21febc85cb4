// Handshakes of the TLS listener, counted (MQ-19, MQ-22, MS-14, XH-07..10, XH-14): each one by its key exchange, failed ones
// by reason, and a session with a classical group as a downgrade, because the listener offers the hybrid group first. What
// may be negotiated is decided by tls-material.ts; here nothing is refused.

import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import type { LogFields } from '../../kms-api/log-fields.ts';
import type { Telemetry } from '../telemetry.ts';
import { groupOfSocket, isPqGroup } from './tls-material.ts';

export type HandshakeFailure = 'timeout' | 'invalid_key' | 'classical_refused' | 'no_shared_group' | 'other';

const SLOW_MS = 100;
const NO_GROUP: ReadonlySet<string> = new Set(['ERR_SSL_NO_SUITABLE_KEY_SHARE', 'ERR_SSL_NO_SUITABLE_GROUPS']);

/** The reason of a failed handshake, from OpenSSL's code; `pqOnly` says whose wish the missing group was. */
export function handshakeFailure(code: string | undefined, pqOnly: boolean): HandshakeFailure {
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout';
  if (code !== undefined && NO_GROUP.has(code)) return pqOnly ? 'classical_refused' : 'no_shared_group';
  if (code !== undefined && /CERT|BAD_KEY|KEY_SHARE|ECPOINT/.test(code)) return 'invalid_key';
  return 'other';
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress}:${remotePort}`;
const peerField = ({ remoteAddress: peer }: Socket): LogFields => (peer === undefined ? {} : { peer_addr: peer });

export interface WatchOptions {
  readonly telemetry: Pick<Telemetry, 'count' | 'observe' | 'log' | 'publish'>;
  readonly monotonicMs: () => number;
  readonly pqOnly: () => boolean;
}

export function watchHandshakes(server: Server, { telemetry, monotonicMs, pqOnly }: WatchOptions): void {
  /** Start of handshakes in progress, by peer. */
  const started = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    started.set(peer, monotonicMs());
    socket.once('close', () => started.delete(peer));
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const since = started.get(peerOf(socket));
    started.delete(peerOf(socket));
    const ms = since === undefined ? null : Math.max(0, monotonicMs() - since);
    const group = groupOfSocket(socket);
    const hybrid = isPqGroup(group);
    telemetry.count('pq_handshake_total', { algo: hybrid ? 'hybrid' : 'x25519', role: 'server' });
    if (ms !== null)
      telemetry.observe('crypto_latency_seconds', ms / 1000, { op: 'kex', algo: hybrid ? 'hybrid' : 'x25519' });
    if (hybrid) {
      telemetry.count('pqc_handshake_success_total');
      if (ms === null) return;
      telemetry.observe('pqc_handshake_latency_seconds', ms / 1000);
      if (ms > SLOW_MS)
        telemetry.log('warn', 'tls_handshake_slow', { ...peerField(socket), latency_ms: Math.round(ms), pq: 'hybrid' });
      return;
    }
    const downgrade = { from: 'hybrid', to: 'classical', reason: 'peer' } as const;
    telemetry.count('pq_downgrade_events_total', downgrade);
    telemetry.log('warn', 'pq_downgrade', {
      ...peerField(socket),
      pq: 'off',
      algo: group ?? 'unknown',
      peer_mode: 'classical',
      downgrade_reason: 'peer',
    });
    telemetry.publish('kms.pq.downgrade', { ...downgrade, algo: group ?? 'unknown' });
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const reason = handshakeFailure(error.code, pqOnly());
    telemetry.count('tls_handshake_failures_total');
    telemetry.count('pqc_handshake_failure_total', { reason });
    telemetry.log('warn', 'tls_handshake_failed', { ...peerField(socket), reason, code: error.code ?? 'unknown' });
  });
}
