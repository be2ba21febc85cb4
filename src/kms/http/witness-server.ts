// The HTTP face of a witness (C2SP tlog-witness, log page 4.11):
//   POST /add-checkpoint                        200 signature lines; 400, 403, 404, 409 text/x.tlog.size, 422
//   GET  /<hex SHA-256(origin)>/checkpoint      200 the newest cosigned note; 404
// Besides: 405 for another method, 411 and 413 before a body is read, 415 never (the type is not looked at), 503 with
// Retry-After when too many wait or the state cannot be locked or written, 500 when the own state was altered. Nothing but
// the log's signature authenticates a request. Refused: plain HTTP on an address that is not loopback.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { WitnessReply } from '../../audit/witness.ts';
import { utf8 } from '../../bytes/text.ts';
import { RonError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { TlsOptions } from './server-parts.ts';

export interface WitnessFace {
  answer(body: Uint8Array): Promise<WitnessReply>;
  cosignedNote(name: string): Uint8Array | null;
}

export interface WitnessEvent {
  readonly status: number;
  readonly message: string;
  readonly origin: string | null;
  readonly size: number | null;
  readonly evidence: string | null;
}

export interface WitnessServerOptions {
  readonly host: string;
  /** 0 = the system chooses. */
  readonly port: number;
  readonly loopback: boolean;
  readonly tls: TlsOptions | null;
  readonly witness: WitnessFace;
  /** Every answer to add-checkpoint. */
  readonly onAnswer: (event: WitnessEvent) => void;
}

export interface WitnessServer {
  readonly host: string;
  readonly port: number;
  /** Resolves when the listener broke by itself. */
  readonly failed: Promise<Error>;
  /** No new connections; what runs is finished for up to `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

const PATH_ADD = '/add-checkpoint';
const MONITOR = /^\/([0-9a-f]{64})\/checkpoint$/;
const SIZE_TYPE = 'text/x.tlog.size';
const TEXT = 'text/plain; charset=utf-8';
const WAITING_MAX = 64;
const CONNECTIONS_MAX = 256;
const HEADER_BYTES = 16 * 1024;
const READ_MS = 5000;
const IDLE_MS = 60_000;
const CHECK_MS = 250;
const RETRY_AFTER_S = '5';

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const textReply = (status: number, message: string, headers?: Reply['headers']): Reply => ({
  status,
  type: TEXT,
  body: utf8(`${message}\n`),
  ...(headers === undefined ? {} : { headers }),
});

const busy = (message: string): Reply => textReply(503, message, { 'retry-after': RETRY_AFTER_S });

/** Null when it is longer than allowed. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > LIMITS.witnessBodyBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

class Routes {
  readonly #options: WitnessServerOptions;
  #waiting = 0;

  constructor(options: WitnessServerOptions) {
    this.#options = options;
  }

  async reply(request: IncomingMessage): Promise<Reply> {
    const path = (request.url ?? '').split('?', 1)[0]!;
    if (path === PATH_ADD) return this.#add(request);
    const name = MONITOR.exec(path)?.[1];
    if (name === undefined) return textReply(404, 'not found');
    if (request.method !== 'GET' && request.method !== 'HEAD') return textReply(405, 'GET', { allow: 'GET, HEAD' });
    const note = this.#options.witness.cosignedNote(name);
    return note === null
      ? textReply(404, 'nothing was cosigned for this log')
      : { status: 200, type: TEXT, body: note };
  }

  async #add(request: IncomingMessage): Promise<Reply> {
    if (request.method !== 'POST') return textReply(405, 'POST', { allow: 'POST' });
    const declared = Number(request.headers['content-length'] ?? 0);
    if (declared > LIMITS.witnessBodyBytes) return textReply(413, 'the request is too large', { connection: 'close' });
    if (this.#waiting >= WAITING_MAX) return busy('too many requests wait');
    this.#waiting += 1;
    try {
      const body = await readBody(request);
      if (body === null) return textReply(413, 'the request is too large', { connection: 'close' });
      return this.#told(await this.#options.witness.answer(body));
    } finally {
      this.#waiting -= 1;
    }
  }

  #told(reply: WitnessReply): Reply {
    if (reply.status === 200) {
      const { origin, size } = reply.checkpoint;
      this.#options.onAnswer({ status: 200, message: 'cosigned', origin, size, evidence: null });
      return { status: 200, type: TEXT, body: reply.lines };
    }
    const { status, message, origin, size = null, evidence = null } = reply;
    this.#options.onAnswer({ status, message, origin, size, evidence });
    return status === 409 && size !== null
      ? { status, type: SIZE_TYPE, body: utf8(`${size}\n`) }
      : textReply(status, message);
  }

  /** What the operator must know, and what a stranger may. */
  failed(error: unknown): Reply {
    const known = error instanceof RonError ? error : null;
    const temporary = known?.code === 'Locked' || known?.code === 'StorageFault';
    const status = temporary ? 503 : 500;
    const message = error instanceof Error ? error.message : String(error);
    this.#options.onAnswer({ status, message, origin: null, size: null, evidence: null });
    return temporary ? busy('try again later') : textReply(500, 'this witness cannot answer');
  }
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, {
    'content-type': reply.type,
    'content-length': reply.body.length,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    ...reply.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : reply.body);
  // A body that nobody reads would keep the connection from its next request.
  if (!request.complete) request.resume();
}

function handler(options: WitnessServerOptions) {
  const routes = new Routes(options);
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let reply: Reply;
    try {
      reply = await routes.reply(request);
    } catch (error) {
      // The client left in the middle of its body.
      if (request.destroyed && !request.complete) return;
      reply = routes.failed(error);
    }
    if (!response.writableEnded && !response.destroyed) send(request, response, reply);
  };
}

/** Throws RefusedConfig for an address that cannot be bound, or must not be without TLS. */
export async function serveWitness(options: WitnessServerOptions): Promise<WitnessServer> {
  const { host, port, tls, loopback } = options;
  if (tls === null && !loopback) {
    throw new RonError('RefusedConfig', `${host} is no loopback address, and a witness there needs TLS`, {
      field: '--listen',
      hint: 'Give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy.',
    });
  }
  const limits = {
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: READ_MS,
    requestTimeout: READ_MS,
    keepAliveTimeout: IDLE_MS,
    connectionsCheckingInterval: CHECK_MS,
    noDelay: true,
  };
  const handle = handler(options);
  const route = (request: IncomingMessage, response: ServerResponse): void => void handle(request, response);
  const server: Server = tls === null ? createServer(limits, route) : createTlsServer({ ...limits, ...tls }, route);
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message = `cannot listen on ${host}:${port} (${cause.code ?? 'failed'})`;
      reject(new RonError('RefusedConfig', message, { field: '--listen', cause }));
    });
    server.listen({ host, port }, resolve);
  });
  const failed = new Promise<Error>((resolve) => {
    server.on('error', resolve);
  });
  const closed = new Promise<void>((resolve) => {
    server.once('close', resolve);
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    failed,
    async stop(graceMs) {
      server.close();
      server.closeIdleConnections();
      const late = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(late);
    },
  };
}
