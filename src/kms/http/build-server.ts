// One server: two fastify routers (the API, and the plain routes of the metrics listener) over any number of listeners.
// fastify is loaded here. `drain` follows CON-27: readiness was turned false by the caller, then nothing new is begun.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { toTime } from '../../bytes/time.ts';
import { uuidV7 } from '../../bytes/uuid.ts';
import type { RonError } from '../../errors.ts';
import { createAdmission } from '../limits.ts';
import { type Listener, listen } from './listeners.ts';
import { addMetricsRoute, addPlainRoutes } from './plain-routes.ts';
import { errorAnswer, Refusal } from './refusal.ts';
import { JSON_TYPE } from './reply-answer.ts';
import { addRoutes, ROUTER } from './server.ts';
import type { Bound, Listen, ServerParts } from './server-parts.ts';
import { watchHandshakes } from './tls-watch.ts';
import { Traffic } from './traffic.ts';

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

/** A request that never got as far as a route: no ids of its own. */
function refusalOf(status: number): RonError {
  const transport = { status };
  if (status === 431) return new Refusal('TooLarge', 'the headers are over 16384 bytes', transport);
  if (status === 408) return new Refusal('Busy', 'the request did not come in time', { status, wire: 'Timeout' });
  return new Refusal('Malformed', 'not a valid request', transport);
}

export async function buildServer(parts: ServerParts): Promise<KmsServer> {
  const { default: fastify } = await import('fastify');
  const { clock, random, telemetry } = parts;
  const ids = (): string => `r-${uuidV7(clock.now(), random.bytes(16))}`;
  const envelope = (status: number): string =>
    JSON.stringify({ error: errorAnswer(refusalOf(status), ids(), toTime(clock.now())).error });
  const make = (): FastifyInstance =>
    fastify({
      logger: false,
      exposeHeadRoutes: false,
      return503OnClosing: false,
      requestIdHeader: false,
      routerOptions: ROUTER,
      frameworkErrors: (_error, _request, reply) => {
        void reply.hijack();
        reply.raw.writeHead(400, { 'content-type': JSON_TYPE, connection: 'close' }).end(envelope(400));
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
  plain.decorateRequest('context', null);
  plain.addHook('onRequest', (request, reply, done) => {
    plainTraffic.begin(request, reply);
    done();
  });
  addPlainRoutes(plain, parts);
  addMetricsRoute(plain, parts);
  await Promise.all([app.ready(), plain.ready()]);

  const listeners: Listener[] = [];
  const deps = (where: Listen) => ({
    config: parts.config(),
    routing: (request: IncomingMessage, response: ServerResponse) =>
      (where.kind === 'metrics' ? plain : app).routing(request, response),
    refusal: envelope,
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
      await Promise.all([app.close(), plain.close()]);
    },
  };
}
