// Sockets of the server (service page 3): Unix socket of mode 0600, TCP, TLS 1.3, metrics. All of them hand their requests to
// one fastify router. Slow senders, oversize headers, silent connections and too many connections end here (CON-22, SEC-12).

import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import type { ServerConfig } from '../../config/server-config.ts';
import { RonError } from '../../errors.ts';
import { type BareAnswer, type Broken, BrokenRequests } from './broken-requests.ts';
import { receivedOn } from './request-context.ts';
import { HEADERS } from './request-head.ts';
import type { Bound, Listen, TlsOptions } from './server-parts.ts';

export type Routing = (request: IncomingMessage, response: ServerResponse) => void;

const HEADER_BYTES = 16 * 1024;
/** How often overdue connections are looked for. */
const CHECK_MS = 250;

export interface Listener {
  readonly bound: Bound;
  /** No new connections; those that are open stay. */
  stopAccepting(): void;
  /** Ends every connection. */
  close(): Promise<void>;
}

function options(config: ServerConfig): ServerOptions {
  return {
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: config.read_timeout_ms,
    requestTimeout: config.read_timeout_ms,
    keepAliveTimeout: config.idle_timeout_ms,
    connectionsCheckingInterval: CHECK_MS,
    insecureHTTPParser: false,
    // Its absence is refused in the error envelope, like everything else.
    requireHostHeader: false,
    noDelay: true,
  };
}

export interface ListenerDeps {
  readonly config: ServerConfig;
  readonly routing: Routing;
  /** For a connection whose request never became one. */
  refusal(broken: Broken): BareAnswer;
  /** A connection beyond the most. */
  onDropped(): void;
  /** A TLS listener, before it is bound. */
  watchTls(server: TlsServer): void;
}

const tlsOf = (where: Listen): TlsOptions | undefined =>
  where.kind === 'tcp' || where.kind === 'tlog' ? where.tls : undefined;

function make(where: Listen, deps: ListenerDeps): Server | TlsServer {
  const requests = new BrokenRequests((broken) => deps.refusal(broken));
  const routing: Routing = (request, response) => {
    requests.begun(request, response);
    receivedOn(request, where.kind);
    deps.routing(request, response);
  };
  const tls = tlsOf(where);
  const server =
    tls === undefined
      ? createServer(options(deps.config), routing)
      : createTlsServer(
          {
            ...options(deps.config),
            ...tls,
            minVersion: 'TLSv1.3',
            handshakeTimeout: deps.config.read_timeout_ms,
          },
          routing,
        );
  // One more, so that too many are seen; what is beyond is dropped in silence.
  server.maxHeadersCount = HEADERS + 1;
  server.maxConnections = deps.config.max_conns;
  server.timeout = 0;
  // Who sends its FIN right after the request still gets the answer; the deadlines end what nobody waits for. Not under TLS,
  // where a client that leaves in its handshake would stay.
  if (tls === undefined) Object.assign(server, { httpAllowHalfOpen: true });
  // 100 Continue is sent when the body is wanted, after the token was judged.
  server.on('checkContinue', routing);
  server.on('checkExpectation', routing);
  server.on('drop', () => deps.onDropped());
  if (tls !== undefined) deps.watchTls(server as TlsServer);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => requests.broken(error.code, socket));
  return server;
}

function bind(server: Server | TlsServer, where: Listen): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException): void => {
      const name = where.kind === 'unix' ? where.path : `${where.host}:${where.port}`;
      reject(new RonError('RefusedConfig', `cannot listen on ${name} (${cause.code ?? 'failed'})`, { cause }));
    };
    server.once('error', failed);
    const bound = (): void => {
      server.off('error', failed);
      resolve();
    };
    if (where.kind !== 'unix') {
      server.listen({ host: where.host, port: where.port }, bound);
      return;
    }
    // Binding is synchronous.
    where.privately(() => {
      server.listen({ path: where.path }, bound);
    });
  });
}

/** Throws RefusedConfig when the address cannot be bound. */
export async function listen(where: Listen, deps: ListenerDeps): Promise<Listener> {
  const server = make(where, deps);
  await bind(server, where);
  let closed: Promise<void> | null = null;
  const failed = new Promise<Error>((resolve) => {
    server.on('error', resolve);
    server.on('close', () => {
      if (closed === null) resolve(new Error('the listener was closed'));
    });
  });
  const stopAccepting = (): void => {
    // http's own close() would cut idle connections, and with them requests that are just being sent.
    closed ??= new Promise((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  };
  const setTls =
    tlsOf(where) !== undefined
      ? { setTls: (tls: TlsOptions) => (server as TlsServer).setSecureContext({ ...tls, minVersion: 'TLSv1.3' }) }
      : {};
  const close = async (): Promise<void> => {
    stopAccepting();
    server.closeAllConnections();
    await closed;
  };
  const retire = async (graceMs: number): Promise<void> => {
    stopAccepting();
    const late = setTimeout(() => server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(late);
  };
  return {
    bound: { ...place(where, server.address()), ...setTls, failed, retire },
    stopAccepting,
    close,
  };
}

function place(where: Listen, address: string | AddressInfo | null): Pick<Bound, 'kind' | 'path' | 'host' | 'port'> {
  if (where.kind === 'unix') return { kind: 'unix', path: where.path };
  const port = address !== null && typeof address === 'object' ? address.port : where.port;
  return { kind: where.kind, host: where.host, port };
}
