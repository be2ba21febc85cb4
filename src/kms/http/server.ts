// The HTTP face of the custody service: fastify routes over the ports, in the order of checks of X-19. The service verifies
// everything itself; here are form, authority of the token, limits, deadlines and answers.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RonError } from '../../errors.ts';
import { BASE_PATH, ROUTES, type Route, type RouteId } from '../../kms-api/routes.ts';
import { loadSchemas, type RouteSchemas } from '../../kms-api/schemas.ts';
import { checked } from '../../kms-api/wire-check.ts';
import { addFrame } from './app-frame.ts';
import { authenticated, authoriseRoute } from './authorise-route.ts';
import { callOf, deadlineMs, within } from './call-context.ts';
import { apiPaths } from './known-paths.ts';
import { PLAIN_PATHS } from './plain-routes.ts';
import { type BodyLimits, checkDeclared, parseBody, readBytes } from './read-body.ts';
import { type LineOptions, sendJson, sendLines } from './reply-answer.ts';
import type { RequestContext } from './request-context.ts';
import { refuseBody } from './request-head.ts';
import type { Answer, Handler, HandlerContext, Parts } from './route-handler.ts';
import { ADMIN_HANDLERS } from './routes-admin.ts';
import { GOVERNANCE_HANDLERS } from './routes-governance.ts';
import { KEY_HANDLERS } from './routes-keys.ts';
import type { ServerParts } from './server-parts.ts';
import type { Traffic } from './traffic.ts';

const HANDLERS = { ...KEY_HANDLERS, ...GOVERNANCE_HANDLERS, ...ADMIN_HANDLERS };

/** Kid with version, percent-encoded throughout, and some room. */
const PARAMETER_CHARACTERS = 1024;
/** Never cut by a deadline: it lasts as long as its reader. */
const ENDLESS: readonly RouteId[] = ['events'];

/** Labels of io_timeouts_total; what is not here waits for the backend. */
const TIMEOUT_OPS: Readonly<Partial<Record<RouteId, string>>> = {
  sign: 'sign',
  verify: 'verify',
  wrap: 'wrap',
  unwrap: 'unwrap',
  attestKey: 'attest',
  auditCheckpoint: 'checkpoint',
};

type AnyHandler = Handler<RouteId>;

export function bodyLimits(parts: ServerParts): BodyLimits {
  const { max_body_bytes, decompress_ratio_cap } = parts.config().limits;
  return { maxBytes: max_body_bytes, ratio: decompress_ratio_cap };
}

function decoded(schemas: RouteSchemas, request: FastifyRequest): Parts<RouteId> {
  const part = (name: 'params' | 'query' | 'body', value: unknown): unknown => {
    const schema = schemas[name];
    if (schema !== undefined) return checked(schema, value === undefined ? {} : value, `the ${name}`);
    if (name !== 'params' && value !== null && typeof value === 'object' && Object.keys(value).length > 0) {
      throw new RonError('Malformed', `this route takes no ${name}`);
    }
    return {};
  };
  return {
    params: part('params', request.params),
    query: part('query', request.query),
    body: part('body', request.body),
  } as Parts<RouteId>;
}

async function send(reply: FastifyReply, answer: Answer, options: LineOptions): Promise<FastifyReply> {
  if ('json' in answer) sendJson(reply, 200, answer.json, answer.headers);
  else if ('none' in answer) void reply.code(204).send();
  else if ('bytes' in answer) void reply.type(answer.type).send(Buffer.from(answer.bytes));
  else await sendLines(reply, answer.lines, options);
  return reply;
}

async function handle(
  parts: ServerParts,
  traffic: Traffic,
  route: Route & { readonly id: RouteId },
  schemas: RouteSchemas,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const context = traffic.contextOf(request);
  const input = decoded(schemas, request);
  if (context.caller?.kind === 'capability') authoriseRoute(route, context.caller, request.url);
  const run: AnyHandler = HANDLERS[route.id];
  const wipeAfter: Uint8Array[] = [];
  const call = callOf({ clock: parts.clock, random: traffic.random }, context, input.body, traffic.admission);
  const handler: HandlerContext = { kms: parts.kms, call, home: parts.home, log: context.log, wipeAfter };
  const config = parts.config();
  const endless = ENDLESS.includes(route.id);
  const gone = (): void => context.abort.abort('gone');
  if (endless) request.raw.socket.once('end', gone);
  try {
    const work = run(input, handler);
    const late = (): void => parts.telemetry.count('io_timeouts_total', { op: TIMEOUT_OPS[route.id] ?? 'backend' });
    const answer = await within(work, context, call, endless ? null : deadlineMs(route, config), late);
    return await send(reply, answer, {
      endless,
      writeTimeoutMs: config.write_timeout_ms,
      onBroken: (thrown) => traffic.refused(context, thrown),
    });
  } finally {
    request.raw.socket?.off('end', gone);
    for (const bytes of wipeAfter) bytes.fill(0);
  }
}

/** Before a byte of the body is read: drain, token, declared length and encoding. */
function admit(parts: ServerParts, traffic: Traffic, request: FastifyRequest, context: RequestContext): void {
  const { route } = context;
  if (route === null) return;
  traffic.refuseDraining();
  traffic.refuseCrowded();
  if (route.id === 'register') {
    if (context.listener !== 'unix') throw new RonError('NotFound', 'there is no such route');
    context.caller = { kind: 'system' };
  } else if (route.scope !== null) {
    context.caller = authenticated(parts.authenticator, request.headers.authorization);
  }
  if (route.method === 'GET') refuseBody(request.raw);
  else context.encoding = checkDeclared(request.headers, bodyLimits(parts));
}

/** Puts the routes of the API into `app`. */
export async function addRoutes(app: FastifyInstance, parts: ServerParts, traffic: Traffic): Promise<void> {
  const schemas = await loadSchemas();
  addFrame(app, parts, traffic, {
    paths: (listener) => [...apiPaths(listener), ...PLAIN_PATHS],
    admit: (request, context) => admit(parts, traffic, request, context),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', async (request: FastifyRequest) => {
    const { encoding } = traffic.contextOf(request);
    const bytes = await readBytes(request.raw, encoding, bodyLimits(parts));
    try {
      return parseBody(bytes);
    } finally {
      bytes.fill(0);
    }
  });
  // A client that waits for 100 Continue is asked for its body here, after its token was judged.
  app.addHook('preParsing', (request, reply, _payload, done) => {
    if (request.headers.expect?.toLowerCase() === '100-continue') reply.raw.writeContinue();
    done();
  });
  for (const route of ROUTES) {
    app.route({
      method: route.method,
      url: `${BASE_PATH}${route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      config: { route },
      handler: (request, reply) => handle(parts, traffic, route, schemas[route.id], request, reply),
    });
  }
}

export const ROUTER = { maxParamLength: PARAMETER_CHARACTERS };
