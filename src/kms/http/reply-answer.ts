// How answers leave: JSON with its length, bytes, lines as they come, and the error envelope. A reader that takes nothing for
// `write_timeout` is cut off, so that nobody holds buffers by reading slowly.

import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { toTime } from '../../bytes/time.ts';
import { errorAnswer } from './refusal.ts';
import type { RequestContext } from './request-context.ts';
import type { ServerParts } from './server-parts.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';
const NDJSON_TYPE = 'application/x-ndjson';

export function sendJson(
  reply: FastifyReply,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): FastifyReply {
  return reply.code(status).headers(headers).type(JSON_TYPE).send(JSON.stringify(body));
}

export function sendError(
  reply: FastifyReply,
  { requestId }: RequestContext,
  thrown: unknown,
  { clock, home }: Pick<ServerParts, 'clock' | 'home'>,
): FastifyReply {
  const { status, error, retryAfterS, allow } = errorAnswer(thrown, { requestId, ts: toTime(clock.now()), home });
  if (allow !== null) void reply.header('allow', allow.join(', '));
  if (retryAfterS !== null) void reply.header('retry-after', String(retryAfterS));
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  return sendJson(reply, status, { error });
}

/** Destroys the connection when the answer has not been taken in time. */
export function limitWriting(response: ServerResponse, timeoutMs: number): void {
  if (response.writableFinished || response.destroyed) return;
  const timer = setTimeout(() => response.destroy(), timeoutMs);
  response.once('close', () => clearTimeout(timer));
  response.once('finish', () => clearTimeout(timer));
}

const withLineFeed = (line: Uint8Array | string): Uint8Array =>
  typeof line === 'string' ? Buffer.from(`${line}\n`) : Buffer.concat([line, Buffer.of(0x0a)]);

function drained(response: ServerResponse, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => response.destroy(), timeoutMs);
    const go = (): void => {
      clearTimeout(timer);
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.on('drain', go);
    response.on('close', go);
  });
}

export interface LineOptions {
  readonly endless: boolean;
  readonly writeTimeoutMs: number;
  /** Why the source ended before its end. */
  readonly onBroken: (thrown: unknown) => void;
}

/**
 * Writes lines as they come. The first one, or its refusal, is awaited before the status leaves; an endless stream begins at
 * once when nothing is refused. A stream that breaks off is destroyed, so that a part never looks like the whole.
 */
export async function sendLines(
  reply: FastifyReply,
  lines: AsyncIterable<Uint8Array | string>,
  { endless, writeTimeoutMs, onBroken }: LineOptions,
): Promise<void> {
  if (reply.request.method === 'HEAD') {
    void reply.code(200).type(NDJSON_TYPE).send();
    return;
  }
  const iterator = lines[Symbol.asyncIterator]();
  const first = iterator.next();
  const turn = new Promise<null>((resolve) => setImmediate(resolve, null));
  await (endless ? Promise.race([first, turn]) : first);

  void reply.hijack();
  const response = reply.raw;
  response.writeHead(200, { ...plainHeaders(reply), 'content-type': NDJSON_TYPE });
  response.flushHeaders();
  try {
    for (let next = await first; next.done !== true && !response.destroyed; next = await iterator.next()) {
      if (!response.write(withLineFeed(next.value))) await drained(response, writeTimeoutMs);
    }
    response.end();
  } catch (thrown) {
    onBroken(thrown);
    response.destroy();
  } finally {
    await iterator.return?.();
  }
}

function plainHeaders(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));
}
