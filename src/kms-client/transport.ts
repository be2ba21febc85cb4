// One HTTP exchange with a server (service page 3, GAP-39, GAP-41): bounded in time and bytes, no redirects, no proxy, no
// content encoding, no other address. Repeats at most twice, only what may be repeated, only on 429, 503 and a 504 that
// names a time, and never sooner than the server asks. Tokens appear in no error.

import type { Dispatcher } from 'undici';
import { RonError } from '../errors.ts';
import type { Clock } from '../host.ts';
import { type Connections, connectionsTo, type Endpoint } from './connect.ts';
import { badAnswer, tooLate, unreachable } from './failure.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** From the base path on, with the query. */
  readonly path: string;
  /** JSON text. */
  readonly body?: string;
  /** Null: none is sent. */
  readonly bearer: string | null;
  readonly corrId: string;
  /** Repeating it does nothing twice. */
  readonly repeatable: boolean;
  /** The hint when it was cut off; null when nothing could have happened. */
  readonly resume: string | null;
  readonly signal: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface LineReply {
  readonly status: 200;
  readonly lines: AsyncIterable<Uint8Array>;
}

export interface TransportOptions {
  readonly endpoint: Endpoint;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  /** Of one exchange, from the connection to the last byte. */
  readonly timeoutMs: number;
  /** 0..2 */
  readonly retries: number;
  /** Told before it waits. */
  readonly onNotice?: (line: string) => void;
}

export interface Transport {
  readonly name: string;
  /** Any status but redirects. Throws Unreachable, VerificationFailed, PqPolicy, Interrupted. */
  send(request: HttpRequest): Promise<HttpReply>;
  /** NDJSON: lines without LF as they come, each at most 1 MiB. Another status than 200 is a reply like that of `send`. */
  stream(request: HttpRequest, options: { readonly endless: boolean }): Promise<HttpReply | LineReply>;
  /** Key exchange group of the TLS connection, once there was one. */
  tlsGroup(): string | null;
  close(): Promise<void>;
}

export const TOTAL_TIMEOUT_MS = 5000;
export const MAX_RETRIES = 2;
const RESPONSE_BYTES = 1024 * 1024;
const RETRY_AFTER_MAX_S = 10;
const RETRY_AFTER_DEFAULT_S = 1;
const RETRIED: ReadonlySet<number> = new Set([429, 503]);
/** Of the server itself; that of a gateway names no time. */
const LATE = 504;

type Answer = Dispatcher.ResponseData;

/** Loads undici; connects at the first request. */
export async function openTransport(options: TransportOptions): Promise<Transport> {
  const undici = await import('undici');
  return transportOver(
    connectionsTo(undici, options.endpoint, () => options.clock.now()),
    options,
  );
}

function transportOver(connections: Connections, options: TransportOptions): Transport {
  const { endpoint, clock, timeoutMs, retries, onNotice } = options;
  const { name } = endpoint;

  const begin = (request: HttpRequest, signal: AbortSignal, bodyTimeout: number): Promise<Answer> =>
    connections.pool.request({
      method: request.method,
      path: request.path,
      headers: {
        'x-corr-id': request.corrId,
        ...(request.bearer === null ? {} : { authorization: `Bearer ${request.bearer}` }),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: request.body }),
      headersTimeout: timeoutMs,
      bodyTimeout,
      signal,
    });

  /** Whatever `use` throws, as a RonError: the operator's interrupt, the deadline, or the connection. */
  const guarded = async <T>(request: HttpRequest, use: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      return await use(AbortSignal.any([deadline, request.signal]));
    } catch (thrown) {
      throw deadline.aborted && !request.signal.aborted && !(thrown instanceof RonError)
        ? tooLate(name, timeoutMs, request.resume)
        : failure(name, request, thrown);
    }
  };

  const once = (request: HttpRequest): Promise<HttpReply> =>
    guarded(request, async (signal) => replyOf(name, await begin(request, signal, timeoutMs)));

  const streamed = async (request: HttpRequest, endless: boolean): Promise<HttpReply | LineReply> => {
    let answer: Answer;
    try {
      answer = await begin(request, request.signal, endless ? 0 : timeoutMs);
    } catch (thrown) {
      throw failure(name, request, thrown);
    }
    if (answer.statusCode !== 200) return guarded(request, () => replyOf(name, answer));
    headersOf(name, answer, 'application/x-ndjson');
    return { status: 200, lines: linesOf(name, request, answer) };
  };

  /** Asks again while the server wants it to. */
  const patiently = async <T extends HttpReply | LineReply>(
    request: HttpRequest,
    attempt: () => Promise<T>,
  ): Promise<T> => {
    for (let left = request.repeatable ? retries : 0; ; left--) {
      const reply = await attempt();
      if (left <= 0 || 'lines' in reply || !wantsAgain(reply)) return reply;
      const seconds = retryAfter(reply.headers);
      if (seconds > RETRY_AFTER_MAX_S) return reply;
      const why = reply.status === LATE ? 'has not finished' : 'is busy';
      onNotice?.(`${name} ${why}; asking again in ${seconds} s`);
      await clock.sleep(seconds * 1000, request.signal);
    }
  };

  return {
    name,
    send: (request) => patiently(request, () => once(request)),
    stream: (request, { endless }) => patiently(request, () => streamed(request, endless)),
    tlsGroup: () => connections.tlsGroup(),
    close: () => connections.pool.destroy(),
  };
}

function failure(name: string, request: HttpRequest, thrown: unknown): RonError {
  if (request.signal.aborted && !(thrown instanceof RonError)) {
    return new RonError('Interrupted', `interrupted while waiting for ${name}`, {
      ...(request.resume === null ? {} : { hint: request.resume }),
      cause: thrown,
    });
  }
  return unreachable(name, thrown, request.resume);
}

const wantsAgain = ({ status, headers }: HttpReply): boolean =>
  RETRIED.has(status) || (status === LATE && headers['retry-after'] !== undefined);

/** Seconds; a date or anything else counts as the default. */
function retryAfter(headers: HttpReply['headers']): number {
  const text = headers['retry-after'];
  return text !== undefined && /^[0-9]{1,6}$/.test(text) ? Number(text) : RETRY_AFTER_DEFAULT_S;
}

/** Refuses redirects, encodings and, with 200, another type than the one that was asked for. */
function headersOf(name: string, answer: Answer, type?: string): Readonly<Record<string, string>> {
  const refuse = (what: string): never => {
    answer.body.on('error', () => undefined).destroy();
    throw badAnswer(name, what);
  };
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [header, value] of Object.entries(answer.headers)) {
    headers[header] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  }
  if (answer.statusCode >= 300 && answer.statusCode < 400) refuse('a redirect, which is never followed');
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') refuse('an encoding that was not asked for');
  if (type !== undefined && mediaType(headers) !== type) refuse(`${mediaType(headers) || 'no type'}, not ${type}`);
  return headers;
}

export function mediaType(headers: HttpReply['headers']): string {
  return (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
}

async function replyOf(name: string, answer: Answer): Promise<HttpReply> {
  const headers = headersOf(name, answer);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > RESPONSE_BYTES) {
      answer.body.on('error', () => undefined).destroy();
      throw badAnswer(name, `more than ${RESPONSE_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return { status: answer.statusCode, headers, body: Buffer.concat(chunks) };
}

const LF = 0x0a;

async function* linesOf(name: string, request: HttpRequest, answer: Answer): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  try {
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      let bytes: Uint8Array = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF)) {
        yield bytes.subarray(0, end);
        bytes = bytes.subarray(end + 1);
      }
      if (bytes.length > RESPONSE_BYTES) throw badAnswer(name, `a line of more than ${RESPONSE_BYTES} bytes`);
      rest = bytes;
    }
    if (rest.length > 0) throw badAnswer(name, 'a last line that is cut off');
  } catch (thrown) {
    throw failure(name, request, thrown);
  } finally {
    answer.body.on('error', () => undefined).destroy();
  }
}
