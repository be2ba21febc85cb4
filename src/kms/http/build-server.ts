// One server: three fastify routers (the API, the plain routes of the metrics listener, the published log) over any number of listeners.
// fastify is loaded here. `drain` follows CON-27: readiness was turned false by the caller, then nothing new is begun.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { toTime } from '../../bytes/time.ts';
import { uuidV7 } from '../../bytes/uuid.ts';
import { reasonOf } from '../../kms-api/reject-reason.ts';
import { createAdmission } from '../limits.ts';
import { addFrame } from './app-frame.ts';
import type { BareAnswer, Broken } from './broken-requests.ts';
import { type Listener, listen } from './listeners.ts';
import { addMetricsRoute, addPlainRoutes, METRICS_PATHS } from './plain-routes.ts';
import { errorAnswer, Refusal } from './refusal.ts';
import { JSON_TYPE } from './reply-answer.ts';
import { corrIdOf } from './request-context.ts';
import { addRoutes, ROUTER } from './server.ts';
import type { Bound, Listen, ServerParts } from './server-parts.ts';
import { addTlogRoutes, TLOG_PATHS } from './tlog-routes.ts';
import { watchHandshakes } from './tls-watch.ts';
import { PLAIN_HEADERS, Traffic } from './traffic.ts';

export interface KmsServer {
  /** Throws RefusedConfig when the address cannot be bound. */
  listen(where: Listen): Promise<Bound>;
  /** A request without a socket, as from TCP. */
  inject(request: InjectOptions): Promise<LightMyRequestResponse>;
  readonly draining: boolean;
  readonly inFlight: number;
  /** No new connections, 503 for new requests, then the number of requests that were aborted at `drain_deadline`. */
  drain(): Promise<number>;
  /** Ends every connection and listener, that of the metrics too. */
  close(): Promise<void>;
}

const WIRE: Readonly<Partial<Record<Broken['status'], Pick<Refusal, 'code' | 'wire'>>>> = {
  408: { code: 'Busy', wire: 'Timeout' },
  413: { code: 'TooLarge', wire: undefined },
  431: { code: 'TooLarge', wire: undefined },
};

/** For what never got as far as a route. */
function refusalOf({ status, message, field }: Broken): Refusal {
  const { code, wire } = WIRE[status] ?? { code: 'Malformed', wire: undefined };
  const detail = field === undefined ? {} : { field };
  return new Refusal(code, message, { status, ...(wire === undefined ? {} : { wire }) }, detail);
}

export async function buildServer(parts: ServerParts): Promise<KmsServer> {
  const { default: fastify } = await import('fastify');
  const { clock, random, telemetry } = parts;
  const bare = (broken: Broken, request: IncomingMessage | null): BareAnswer => {
    const place = {
      requestId: `r-${uuidV7(clock.now(), random.bytes(16))}`,
      ts: toTime(clock.now()),
      home: parts.home,
    };
    const refused = refusalOf(broken);
    const reason = reasonOf(refused);
    if (reason !== null) telemetry.count('rejected_total', { reason });
    const { status, error } = errorAnswer(refused, place);
    const body = JSON.stringify({ error });
    const headers = {
      ...PLAIN_HEADERS,
      'x-corr-id': corrIdOf(request, parts),
      'content-type': JSON_TYPE,
      date: new Date(clock.now()).toUTCString(),
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
    };
    return { status, headers, body };
  };
  const make = (): FastifyInstance =>
    fastify({
      logger: false,
      exposeHeadRoutes: true,
      return503OnClosing: false,
      requestIdHeader: false,
      routerOptions: ROUTER,
      frameworkErrors: (_error, request, reply) => {
        const { status, headers, body } = bare({ status: 400, message: 'the path is not valid' }, request.raw);
        void reply.hijack();
        reply.raw.writeHead(status, headers).end(body);
      },
    });
  const admission = createAdmission({
    config: () => parts.config(),
    monotonicMs: () => clock.monotonicMs(),
    telemetry,
  });
  const traffic = new Traffic(parts, admission);
  const app = make();
  await addRoutes(app, parts, traffic);
  addPlainRoutes(app, parts);
  const plain = make();
  const plainTraffic = new Traffic(parts, admission);
  addFrame(plain, parts, plainTraffic, { paths: () => METRICS_PATHS, admit: () => undefined });
  addPlainRoutes(plain, parts);
  addMetricsRoute(plain, parts);
  const published = make();
  addFrame(published, parts, new Traffic(parts, admission), { paths: () => TLOG_PATHS, admit: () => undefined });
  addTlogRoutes(published, parts, parts.tlog);
  const routers: Readonly<Partial<Record<Listen['kind'], FastifyInstance>>> = { metrics: plain, tlog: published };
  await Promise.all([app.ready(), plain.ready(), published.ready()]);

  const listeners: Listener[] = [];
  const deps = (where: Listen) => ({
    config: parts.config(),
    routing: (request: IncomingMessage, response: ServerResponse) =>
      (routers[where.kind] ?? app).routing(request, response),
    refusal: (broken: Broken) => bare(broken, null),
    onDropped: () => telemetry.count('rejected_total', { reason: 'backpressure' }),
    watchTls: (server: TlsServer) =>
      watchHandshakes(server, {
        telemetry,
        monotonicMs: () => clock.monotonicMs(),
        pqOnly: () => parts.config().tls.pq_only,
      }),
  });
  return {
    listen: async (where) => {
      const listener = await listen(where, deps(where));
      listeners.push(listener);
      return listener.bound;
    },
    inject: (request) => app.inject(request),
    get draining() {
      return traffic.draining;
    },
    get inFlight() {
      return traffic.inFlight;
    },
    drain: async () => {
      traffic.beginDrain();
      for (const one of listeners) if (one.bound.kind !== 'metrics') one.stopAccepting();
      return traffic.drained(parts.config().limits.drain_deadline_ms);
    },
    close: async () => {
      traffic.beginDrain();
      await Promise.all(listeners.splice(0).map((one) => one.close()));
      await Promise.all([app.close(), plain.close(), published.close()]);
    },
  };
}
