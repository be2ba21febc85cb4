// A server on a Unix socket or loopback that answers each connection with bytes of the test's choice, and counts.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Endpoint } from '../../src/kms-client/connect.ts';

export interface RudeServer {
  readonly endpoint: Endpoint;
  readonly socketPath: string;
  /** What came, request by request, heads and bodies as text. */
  readonly requests: string[];
}

/** `behave` gets each request (a head with its body) and the connection. */
export async function rudeServer(behave: (socket: Socket, request: string, nth: number) => void): Promise<RudeServer> {
  const directory = mkdtempSync(join(tmpdir(), 'ronctl-rude-'));
  const socketPath = join(directory, 's');
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let taken = takeRequest(text); taken !== null; taken = takeRequest(text)) {
        text = text.slice(taken.length);
        requests.push(taken);
        behave(socket, taken, requests.length);
      }
    });
  });
  await new Promise<void>((done) => server.listen(socketPath, done));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
    rmSync(directory, { recursive: true, force: true });
  });
  return { endpoint: { name: `unix:${socketPath}`, socketPath }, socketPath, requests };
}

function takeRequest(text: string): string | null {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return null;
  const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
  return text.length < head + 4 + length ? null : text.slice(0, head + 4 + length);
}

/** One whole answer with its length. */
export function answer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n${body}`;
}
