// One keep-alive connection of the load generator: requests are ready-made bytes, answers are read by Content-Length only.
// A client library would cost as much of the two cores as the server does.

import { connect, type Socket } from 'node:net';

export interface Target {
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

const END = Buffer.from('\r\n\r\n');

/** One request at a time; a closed connection rejects it. */
export class RawConnection {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  #settle: { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void } | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    const fail = (error?: Error): void => {
      this.#settle?.reject(error ?? new Error('the server closed the connection'));
      this.#settle = null;
    };
    socket.on('error', fail);
    socket.on('close', () => fail());
  }

  static open(target: Target): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket =
        target.path === undefined ? connect(target.port!, target.host ?? '127.0.0.1') : connect(target.path);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  send(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const head = this.#buffer.indexOf(END);
    if (head < 0) return;
    const text = this.#buffer.toString('latin1', 0, head);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
    const end = head + END.length + length;
    if (this.#buffer.length < end) return;
    const answer = { status: Number(text.slice(9, 12)), body: this.#buffer.subarray(head + END.length, end) };
    this.#buffer = this.#buffer.subarray(end);
    const settle = this.#settle;
    this.#settle = null;
    settle?.resolve(answer);
  }
}

/** The bytes of a POST with a JSON body. */
export function post(path: string, token: string, body: unknown): Buffer {
  const text = JSON.stringify(body);
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

export function get(path: string, token: string | null = null): Buffer {
  const bearer = token === null ? '' : `Authorization: Bearer ${token}\r\n`;
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${bearer}\r\n`);
}
