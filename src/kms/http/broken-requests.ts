// What never became a request, or broke off in its body (RFC 9112 2.2): one answer in the error envelope, then the end of the
// connection. Requests before it on the same connection are answered first, else a client would take this answer for theirs.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** An answer without a router. */
export interface BareAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Why there is no request: what the parser or the clock says. */
export interface Broken {
  readonly status: 400 | 408 | 413 | 431;
  readonly message: string;
  readonly field?: string;
}

const PHRASES: Readonly<Record<Broken['status'], string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
};

const header = (field: string, why: string): Broken => ({ status: 400, message: `${field}: ${why}`, field });

const LINE: Broken = { status: 400, message: 'the request line is not valid' };
const BODY: Broken = { status: 400, message: 'a chunk of the body is not valid' };
const HEADER: Broken = { status: 400, message: 'a header is not valid' };

/** By the code of the parser. */
const BY_CODE: Readonly<Record<string, Broken>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: 'the headers are over 16384 bytes' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'the extensions of a chunk are too long' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'the request did not come in time' },
  HPE_UNEXPECTED_CONTENT_LENGTH: header('content-length', 'the header is there twice, or beside transfer-encoding'),
  HPE_INVALID_CONTENT_LENGTH: header('content-length', 'a number is expected'),
  HPE_INVALID_TRANSFER_ENCODING: header('transfer-encoding', 'chunked alone, without content-length, is expected'),
  HPE_INVALID_EOF_STATE: { status: 400, message: 'the request did not come to its end' },
  HPE_INVALID_METHOD: LINE,
  HPE_INVALID_URL: LINE,
  HPE_INVALID_VERSION: LINE,
  HPE_PAUSED_H2_UPGRADE: LINE,
  HPE_INVALID_CONSTANT: LINE,
  HPE_INVALID_CHUNK_SIZE: BODY,
  HPE_INVALID_HEADER_TOKEN: HEADER,
  HPE_UNEXPECTED_SPACE: HEADER,
};

const OTHER: Broken = { status: 400, message: 'not a valid request' };

export class BrokenRequests {
  readonly #answer: (broken: Broken) => BareAnswer;
  readonly #open = new WeakMap<Socket, Set<ServerResponse>>();
  readonly #broken = new WeakSet<Socket>();

  constructor(answer: (broken: Broken) => BareAnswer) {
    this.#answer = answer;
  }

  /** A request has begun. */
  begun({ socket }: IncomingMessage, response: ServerResponse): void {
    const open = this.#open.get(socket) ?? new Set();
    this.#open.set(socket, open.add(response));
    response.once('close', () => open.delete(response));
  }

  /** Once for a connection: what comes behind is not looked at. */
  broken(code: string | undefined, socket: Socket): void {
    if (this.#broken.has(socket)) return;
    this.#broken.add(socket);
    if (!socket.writable || code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const open = [...(this.#open.get(socket) ?? [])];
    const whole = open.filter(({ req }) => req.complete);
    const end = (): void => this.#end(socket, BY_CODE[code ?? ''] ?? OTHER);
    if (whole.length === 0) {
      end();
      return;
    }
    socket.pause();
    const closed = whole.map((response) => new Promise((resolve) => response.once('close', resolve)));
    void Promise.all(closed).then(end);
  }

  #end(socket: Socket, broken: Broken): void {
    const begun = [...(this.#open.get(socket) ?? [])].some(({ headersSent }) => headersSent);
    if (!socket.writable || begun) {
      socket.destroy();
      return;
    }
    const { status, headers, body } = this.#answer(broken);
    // What the request that broke off is logged and counted with.
    for (const response of this.#open.get(socket) ?? []) {
      response.statusCode = status;
      response.statusMessage = broken.message;
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const head = [`HTTP/1.1 ${status} ${PHRASES[broken.status]}`, ...lines];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  }
}
