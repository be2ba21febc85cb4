// A route of the service asked over a transport: path, attenuated token, body, and the answer as JSON, bytes or lines.
// Refusals of the server come back as the RonError that they were there. Refuses answers of another type than the route's.

import type { Json } from '../bytes/canonical-json.ts';
import { fromUtf8 } from '../bytes/text.ts';
import { toTime } from '../bytes/time.ts';
import { attenuate } from '../capability/token.ts';
import { RonError } from '../errors.ts';
import type { Clock } from '../host.ts';
import { parseKeyId } from '../keys/key-id.ts';
import type { Call } from '../kms/ports.ts';
import type { RouteId } from '../kms-api/routes.ts';
import { errorOfAnswer } from '../kms-api/wire-error.ts';
import { routeOf, routePath } from '../kms-api/wire-path.ts';
import { badAnswer } from './failure.ts';
import { type HttpReply, type HttpRequest, mediaType, type Transport } from './transport.ts';

export interface Parts {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** The key that the request is about: the token is narrowed to it. */
  readonly kid?: string;
}

export interface Exchange {
  readonly name: string;
  json(id: RouteId, call: Call, parts?: Parts): Promise<Json>;
  bytes(id: RouteId, call: Call, parts?: Parts): Promise<Uint8Array>;
  /** Null for the answer that nothing is there (204). */
  bytesOrNone(id: RouteId, call: Call, parts?: Parts): Promise<Uint8Array | null>;
  /** `endless`: no limit between two lines. */
  lines(id: RouteId, call: Call, parts?: Parts, endless?: boolean): AsyncIterable<Uint8Array>;
}

export interface ExchangeOptions {
  readonly transport: Transport;
  /** Null: none was given; routes that want one are refused here. */
  readonly token: string | null;
  readonly clock: Pick<Clock, 'now'>;
}

/** A token that leaves is good for this long, for this path (and key) only. */
const TOKEN_MS = 30_000;
const REUSE_MS = 10_000;
const NARROWED_KEPT = 256;
const MESSAGE_CHARACTERS = 2000;

/** Commands with --op-id, by the work of their routes. */
const NAMED: ReadonlySet<RouteId> = new Set([
  ...(['sign', 'wrap', 'unwrap', 'createKey', 'rotateKey', 'attestKey'] as const),
  ...(['mint', 'revoke', 'rotateCaps'] as const),
]);

export function exchangeOver({ transport, token, clock }: ExchangeOptions): Exchange {
  const { name } = transport;

  /** Narrowed tokens by what they are for; a reader asks many times for one path. */
  const narrowed = new Map<string, { readonly bearer: string; readonly madeMs: number }>();
  const bearerFor = (id: RouteId, path: string, kid: string | undefined): string => {
    if (token === null) {
      throw new RonError('NoCapability', `${name} wants a capability and none was given`, {
        field: '--token-file',
        hint: 'Give --token-file FILE; `ronctl cap mint` makes one.',
      });
    }
    const key = `${path} ${kid ?? ''}`;
    const nowMs = clock.now();
    const known = narrowed.get(key);
    if (known !== undefined && nowMs >= known.madeMs && nowMs - known.madeMs < REUSE_MS) return known.bearer;
    const caveats = [
      // What is minted ends no later than the token that it was minted with.
      ...(id === 'mint' ? [] : [`exp = ${toTime(nowMs + TOKEN_MS)}`]),
      `paths = ${path}`,
      // The key in every version: which one is meant may be for the server to say.
      ...(kid === undefined ? [] : [`kid = ${parseKeyId(kid)?.kid ?? kid}`]),
    ];
    const bearer = attenuate(token, caveats, '--token-file');
    if (narrowed.size >= NARROWED_KEPT) narrowed.clear();
    narrowed.set(key, { bearer, madeMs: nowMs });
    return bearer;
  };

  const requestOf = (id: RouteId, call: Call, parts: Parts): HttpRequest => {
    const { method, scope, work } = routeOf(id);
    const { params, query, body, kid } = parts;
    const path = routePath(id, params, query);
    const isRead = work === 'read' || work === 'verify';
    return {
      method,
      path,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      bearer: scope === null ? null : bearerFor(id, path.split('?')[0]!, kid),
      corrId: call.corrId,
      // Every request with an effect carries its op_id: the server does nothing twice.
      repeatable: isRead || (body !== undefined && 'op_id' in body),
      resume: isRead || call.dryRun === true ? null : resumeOf(id, call),
      signal: call.signal,
    };
  };

  const asked = async (id: RouteId, call: Call, parts: Parts, none = 200): Promise<HttpReply> => {
    if (call.signal.aborted) throw new RonError('Interrupted', 'interrupted before anything was sent');
    const request = requestOf(id, call, parts);
    const reply = await transport.send(request);
    if (reply.status === 200 || reply.status === none) return reply;
    throw refusal(name, reply, request.resume);
  };

  return {
    name,
    async json(id, call, parts = {}) {
      const reply = await asked(id, call, parts);
      if (mediaType(reply.headers) !== 'application/json') {
        throw badAnswer(name, `${mediaType(reply.headers) || 'no type'}, not application/json`);
      }
      return parsed(name, reply);
    },
    async bytes(id, call, parts = {}) {
      return (await asked(id, call, parts)).body;
    },
    async bytesOrNone(id, call, parts = {}) {
      const reply = await asked(id, call, parts, 204);
      return reply.status === 204 ? null : reply.body;
    },
    async *lines(id, call, parts = {}, endless = false) {
      const request = requestOf(id, call, parts);
      const reply = await transport.stream(request, { endless });
      if (!('lines' in reply)) throw refusal(name, reply, request.resume);
      yield* reply.lines;
    },
  };
}

function resumeOf(id: RouteId, call: Call): string {
  return NAMED.has(id)
    ? `It may have been done. Ask again with --op-id ${call.opId}: nothing is done twice.`
    : 'It may have been done: look at the state there before you ask again.';
}

function parsed(name: string, reply: HttpReply): Json {
  const text = fromUtf8(reply.body);
  if (text === null) throw badAnswer(name, 'bytes that are not UTF-8');
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw badAnswer(name, 'text that is not JSON');
  }
}

/** What the server refused, as it said it; its text is cut to what a person reads. `resume`: what to do when it did not finish. */
function refusal(name: string, reply: HttpReply, resume: string | null): RonError {
  if (reply.status < 400) return badAnswer(name, `status ${reply.status}`);
  const body = mediaType(reply.headers) === 'application/json' ? parsed(name, reply) : null;
  const { code, message, hint: said, field, data } = errorOfAnswer(reply.status, body).error;
  const hint = (reply.status === 504 ? resume : null) ?? said;
  return new RonError(code, message.slice(0, MESSAGE_CHARACTERS), {
    ...(hint === undefined ? {} : { hint: hint.slice(0, MESSAGE_CHARACTERS) }),
    ...(field === undefined ? {} : { field }),
    ...(data === undefined ? {} : { data }),
  });
}
