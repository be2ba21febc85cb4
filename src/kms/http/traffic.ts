// Requests while they last: their contexts, who is in flight, what is counted and logged when they end (OBS-01..03), and the
// drain (CON-27, CON-28): nothing new is begun, what runs may finish, what is left at the deadline is aborted and counted.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { INSTANCE } from '../../capability/caveats.ts';
import { type ErrorCode, fail, RonError } from '../../errors.ts';
import type { Random } from '../../host.ts';
import type { LogFields } from '../../kms-api/log-fields.ts';
import { reasonOf } from '../../kms-api/reject-reason.ts';
import { BASE_PATH, type Route, type RouteId } from '../../kms-api/routes.ts';
import { wireRow } from '../../kms-api/wire-error.ts';
import type { Admission } from '../limits.ts';
import type { RefusedOutcome } from '../service/outcomes.ts';
import { draining } from './refusal.ts';
import { type RequestContext, requestContext } from './request-context.ts';
import type { ServerParts } from './server-parts.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The row of the route table; absent for the plain routes. */
    readonly route?: Route & { readonly id: RouteId };
    /** Label of a plain route. */
    readonly plain?: string;
  }
  interface FastifyRequest {
    /** Null before the first hook. */
    context: RequestContext | null;
  }
}

/** Answers of these are streams that a drain ends at once. */
const STREAMS: readonly string[] = ['events'];

/** Of log lines and metrics: nobody was there any more to be answered. No answer has it. */
const NO_ANSWER = 499;

/** Of every answer. */
export const PLAIN_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

export class Traffic {
  readonly #parts: ServerParts;
  readonly #random: Random;
  readonly #inFlight = new Set<RequestContext>();
  readonly #perRoute = new Map<string, number>();
  readonly #waitingForNone: (() => void)[] = [];
  readonly admission: Admission;
  #draining = false;

  constructor(parts: ServerParts, admission: Admission) {
    this.#parts = parts;
    this.#random = pooled(parts.random);
    this.admission = admission;
  }

  get draining(): boolean {
    return this.#draining;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  contextOf(request: FastifyRequest): RequestContext {
    return request.context ?? fail('Internal', 'a request without its context');
  }

  begin(request: FastifyRequest, reply: FastifyReply): RequestContext {
    const { route, plain } = request.routeOptions.config;
    const label = route === undefined ? (plain ?? 'other') : `${BASE_PATH}${route.path}`;
    const context = requestContext(request.raw, { route: route ?? null, label }, this.#parts, this.#random);
    request.context = context;
    this.#inFlight.add(context);
    this.#count(label, 1);
    void reply.headers({ ...PLAIN_HEADERS, 'x-corr-id': context.corrText });
    if (this.#draining) void reply.header('connection', 'close');
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      this.#ended(context, request, reply);
    };
    reply.raw.once('finish', end);
    reply.raw.once('close', end);
    return context;
  }

  #count(label: string, by: number): void {
    const now = (this.#perRoute.get(label) ?? 0) + by;
    this.#perRoute.set(label, now);
    this.#parts.telemetry.gauge('inflight_requests', now, { route: label });
  }

  #ended(context: RequestContext, request: FastifyRequest, reply: FastifyReply): void {
    const { telemetry, clock } = this.#parts;
    const { label } = context;
    const gone = !reply.raw.writableFinished;
    if (gone && !context.abort.signal.aborted) {
      context.abort.abort('gone');
      telemetry.count('tasks_canceled_total', { kind: 'request' });
    }
    const cut = gone ? this.#cutOff(context, reply) : null;
    this.#inFlight.delete(context);
    this.#count(label, -1);
    const latencyMs = clock.monotonicMs() - context.startedMs;
    const method = request.method === 'GET' || request.method === 'POST' ? request.method : 'other';
    telemetry.count('http_requests_total', { route: label, method, status: String(cut?.status ?? reply.statusCode) });
    telemetry.observe('request_latency_seconds', latencyMs / 1000, { route: label, method });
    this.#log(context, request, cut?.status ?? reply.statusCode, cut?.message ?? null, latencyMs);
    if (this.#inFlight.size === 0) for (const resolve of this.#waitingForNone.splice(0)) resolve();
  }

  /** What became of a request whose connection ended before its answer did; null for a stream, which ends so. */
  #cutOff(
    { route }: RequestContext,
    { raw }: FastifyReply,
  ): { readonly status: number; readonly message: string } | null {
    if (raw.headersSent) {
      const isStream = route !== null && STREAMS.includes(route.id);
      return isStream ? null : { status: raw.statusCode, message: 'the connection ended before the end of the answer' };
    }
    // The answer that broken-requests.ts gave, or none.
    if (raw.statusMessage) return { status: raw.statusCode, message: raw.statusMessage };
    return { status: NO_ANSWER, message: 'the connection ended before there was an answer' };
  }

  #log(context: RequestContext, request: FastifyRequest, status: number, cut: string | null, latencyMs: number): void {
    const { refused } = context;
    const level = refused === null && cut === null ? 'debug' : 'warn';
    if (!this.#parts.telemetry.logs(level)) return;
    const reason = refused === null ? null : reasonOf(refused);
    const fields: LogFields = {
      ...context.log,
      method: request.method,
      status,
      result: refused === null && cut === null ? 'ok' : 'err',
      ...(refused === null ? {} : { code: refused.code }),
      ...(reason === null ? {} : { reason }),
      ...(cut === null ? {} : { message: cut }),
    };
    const line = { ...context.span.fields, ...fields, latency_ms: Math.round(latencyMs * 1000) / 1000 };
    this.#parts.telemetry.log(level, 'http_request', line);
    context.span.end(fields);
  }

  /** Counts a refusal under its reason, and keeps it for the log line. */
  refused(context: RequestContext, thrown: unknown): void {
    const { telemetry } = this.#parts;
    const known = thrown instanceof RonError ? thrown : new RonError('Internal', 'an unexpected failure');
    context.refused = known;
    const reason = reasonOf(known);
    if (reason !== null) telemetry.count('rejected_total', { reason });
    if (known.code === 'NoCapability') {
      const service = this.#parts.config().profile === 'micronode' ? 'micronode' : 'ron-kms';
      telemetry.count('auth_failures_total', { service });
    }
    if (wireRow(known.code).code === 'Internal') this.#parts.internalError(internalOutcome(context, known.code));
    if (thrown instanceof RonError) return;
    // The message may hold data of the request; where it happened does not.
    const stack = thrown instanceof Error ? (thrown.stack ?? '').split('\n').slice(1, 4).join(' ') : '';
    telemetry.log('error', 'internal_error', {
      ...context.span.fields,
      error_kind: 'bug',
      message: `${thrown instanceof Error ? thrown.name : typeof thrown} ${stack.trim()}`,
    });
  }

  /** For ids: not secret, and one call of the system for many. */
  get random(): Random {
    return this.#random;
  }

  refuseDraining(): void {
    if (this.#draining) throw draining();
  }

  /**
   * Requests at a time are as many as connections, of the socket and of TCP, unless somebody sends the next before the
   * answer to the last (pipelining).
   */
  refuseCrowded(): void {
    const most = 2 * this.#parts.config().max_conns;
    if (this.#inFlight.size > most) throw new RonError('Busy', `more than ${most} requests are being answered`);
  }

  /** Readiness was turned false before this. Streams end at once. */
  beginDrain(): void {
    this.#draining = true;
    for (const context of this.#inFlight) {
      if (context.route !== null && STREAMS.includes(context.route.id)) context.abort.abort('draining');
    }
  }

  /** Resolves with the number of requests that were still running at the deadline. */
  async drained(deadlineMs: number): Promise<number> {
    if (this.#inFlight.size === 0) return 0;
    const none = new Promise<void>((resolve) => this.#waitingForNone.push(resolve));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([none, late]);
    clearTimeout(timer);
    const aborted = [...this.#inFlight];
    for (const context of aborted) context.abort.abort('draining');
    if (aborted.length > 0) this.#parts.telemetry.count('tasks_aborted_total', { kind: 'request' }, aborted.length);
    return aborted.length;
  }
}

/** With a tenant that the caller may act for: any other is a word of the caller. */
function internalOutcome({ route, label, caller, log }: RequestContext, result: ErrorCode): RefusedOutcome {
  const own = caller?.kind === 'capability' ? caller.tenants : [];
  return {
    of: route?.id ?? label.replace(/^\W+/, ''),
    tenant: own.find((one) => one === log.tenant && one !== INSTANCE) ?? null,
    result,
  };
}

const POOL_BYTES = 4096;

/** Small pieces out of one large read. */
function pooled(random: Random): Random {
  let pool: Uint8Array = new Uint8Array(0);
  let at = 0;
  return {
    bytes: (length) => {
      if (length > POOL_BYTES) return random.bytes(length);
      if (at + length > pool.length) {
        pool = random.bytes(POOL_BYTES);
        at = 0;
      }
      at += length;
      return pool.slice(at - length, at);
    },
  };
}
