// All ports of a custody service over HTTP (service page 1): the same interfaces as the in-process service, checked by the
// same contract suites.

import type { Kms, PublicFiles } from '../kms/admin-ports.ts';
import { adminClient } from './admin-client.ts';
import { answersOf } from './answers.ts';
import { exchangeOver } from './exchange.ts';
import { filesClient } from './files-client.ts';
import { keysClient } from './keys-client.ts';
import { type HttpReply, openTransport, type TransportOptions } from './transport.ts';

export interface ConnectOptions extends TransportOptions {
  /** base64url; null = none, for routes that want none. */
  readonly token: string | null;
  /** A uuid for requests that no call names. */
  readonly corrId: string;
}

export interface KmsClient {
  readonly kms: Kms;
  /** A path that wants no capability, as it answers. */
  probe(path: '/metrics' | '/readyz' | '/version'): Promise<HttpReply>;
  /** Key exchange group of the TLS connection, once there was one. */
  tlsGroup(): string | null;
  close(): Promise<void>;
}

/** The public files alone, without the schemas of the other routes. */
export async function connectFiles(options: Omit<ConnectOptions, 'corrId'>): Promise<PublicFiles> {
  const transport = await openTransport(options);
  return filesClient(exchangeOver({ transport, token: options.token, clock: options.clock }));
}

/** Loads undici; connects at the first call. */
export async function connectKms(options: ConnectOptions): Promise<KmsClient> {
  const transport = await openTransport(options);
  const exchange = exchangeOver({ transport, token: options.token, clock: options.clock });
  const answers = answersOf(exchange);
  return {
    kms: { ...keysClient(answers), ...adminClient(exchange, answers), files: filesClient(exchange) },
    probe: (path) =>
      transport.send({
        method: 'GET',
        path,
        bearer: null,
        corrId: options.corrId,
        // A server that is not ready says so with 503, and that is the answer.
        repeatable: false,
        resume: null,
        signal: new AbortController().signal,
      }),
    tlsGroup: () => transport.tlsGroup(),
    close: () => transport.close(),
  };
}
