// /healthz, /readyz, /version on every listener, and /metrics on its own: no token, no secret (OBS-15..24, OBS-41).

import type { FastifyInstance } from 'fastify';
import type { KnownPath } from './known-paths.ts';
import { sendJson } from './reply-answer.ts';
import type { ServerParts } from './server-parts.ts';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Of every listener. */
export const PLAIN_PATHS: readonly KnownPath[] = ['/healthz', '/readyz', '/version'].map((path) => ({
  method: 'GET',
  path,
}));
/** Of the listener for metrics. */
export const METRICS_PATHS: readonly KnownPath[] = [...PLAIN_PATHS, { method: 'GET', path: '/metrics' }];

export function addPlainRoutes(app: FastifyInstance, parts: ServerParts): void {
  app.get('/healthz', { config: { plain: '/healthz' } }, (_request, reply) => sendJson(reply, 200, parts.health()));
  app.get('/readyz', { config: { plain: '/readyz' } }, (_request, reply) => {
    const readiness = parts.readiness();
    const { ready, retry_after } = readiness;
    return sendJson(reply, ready ? 200 : 503, readiness, ready ? {} : { 'retry-after': String(retry_after) });
  });
  app.get('/version', { config: { plain: '/version' } }, (_request, reply) => sendJson(reply, 200, parts.version()));
}

export function addMetricsRoute(app: FastifyInstance, parts: ServerParts): void {
  app.get('/metrics', { config: { plain: '/metrics' } }, (_request, reply) =>
    reply.type(METRICS_TYPE).send(parts.metricsText()),
  );
}
