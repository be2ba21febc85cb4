// The OpenAPI 3.0.3 document of the service, made from the route table and the schemas (API-47, API-48): title ron-kms, version
// 1.0.0, server /v1/kms, bearer scheme, every object closed.

import type { z as ZodTypes } from 'zod';
import { ERROR_CODES } from '../errors.ts';
import { BASE_PATH, ROUTES, type Route } from './routes.ts';
import { loadSchemas, type RouteSchemas } from './schemas.ts';
import { WIRE_CODES } from './wire-error.ts';

export const WIRE_VERSION = '1.0.0';

type Node = Readonly<Record<string, unknown>>;

const ERROR: Node = {
  type: 'object',
  additionalProperties: false,
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      additionalProperties: false,
      required: ['code', 'message', 'retryable', 'ts', 'request_id', 'ron_code'],
      properties: {
        code: { type: 'string', enum: WIRE_CODES },
        message: { type: 'string' },
        retryable: { type: 'boolean' },
        hint: { type: 'string' },
        ts: { type: 'string', format: 'date-time' },
        request_id: { type: 'string', pattern: '^r-' },
        ron_code: { type: 'string', enum: Object.keys(ERROR_CODES) },
        field: { type: 'string' },
        data: {},
      },
    },
  },
};

const TEXT: Node = { schema: { type: 'string' } };
const HEADERS: Node = { 'X-Corr-ID': { schema: { type: 'string', format: 'uuid' } } };
const RETRY: Node = { 'Retry-After': { schema: { type: 'integer' } } };

const refusal = (description: string, headers: Node = {}): Node => ({
  description,
  headers: { ...HEADERS, ...headers },
  content: { 'application/json': { schema: { $ref: '#/components/schemas/ErrorEnvelope' } } },
});

const MEDIA: Readonly<Record<Route['answer'], string>> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  bytes: 'application/octet-stream',
};

function answerOf(route: Route, schema: Node | null): Node {
  const cacheAge = route.id === 'verify' ? { 'X-KMS-Cache-Age': { schema: { type: 'integer' } } } : {};
  const body = schema ?? { type: 'string', ...(route.answer === 'bytes' ? { format: 'binary' } : {}) };
  return {
    description: 'The answer.',
    headers: { ...HEADERS, ...cacheAge },
    content: { [MEDIA[route.answer]]: { schema: body } },
  };
}

const absence = ({ id }: Route): Node =>
  id === 'fileRead' ? { '204': { description: 'There is no such file.', headers: HEADERS } } : {};

/** By status; `#/components/responses`. */
const REFUSALS: Readonly<Record<string, readonly [name: string, Node]>> = {
  '400': ['BadRequest', refusal('The request does not fit, or asks for what is not supported.')],
  '401': ['NoCapability', refusal('The capability is missing or not valid.', { 'WWW-Authenticate': TEXT })],
  '403': ['Denied', refusal('The capability or the policy does not allow it.')],
  '404': ['NotFound', refusal('There is no such thing.')],
  '408': ['TooSlow', refusal('The request did not come in time.')],
  '409': ['Conflict', refusal('It contradicts the state, or the op_id was used for another request.')],
  '413': ['TooLarge', refusal('The body is too large.')],
  '415': ['MediaType', refusal('The encoding, charset or media type is not read.')],
  '417': ['Expectation', refusal('An expectation other than 100-continue.')],
  '422': ['NotAccepted', refusal('A signature, envelope or key does not meet what is asked of it.')],
  '429': ['Backpressure', refusal('A queue is full or a rate is used up.', RETRY)],
  '431': ['HeadersTooLarge', refusal('The headers are too large, or too many.')],
  '500': ['Internal', refusal('A fault of the service.')],
  '503': ['StoreUnavailable', refusal('The backend is away, a freeze is in force, or the service stops.', RETRY)],
  '504': ['Timeout', refusal('The deadline of the operation has passed.')],
};

function refusals(route: Route): Node {
  return Object.fromEntries(
    Object.entries(REFUSALS)
      .filter(([status]) => route.scope !== null || status !== '401')
      .map(([status, [name]]) => [status, { $ref: `#/components/responses/${name}` }]),
  );
}

/** Members of an object schema as parameters. */
function parameters(place: 'path' | 'query', schema: Node | null): Node[] {
  if (schema === null) return [];
  const required = (schema['required'] ?? []) as readonly string[];
  return Object.entries((schema['properties'] ?? {}) as Node).map(([name, one]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: one,
  }));
}

function operation(
  route: Route,
  schemas: RouteSchemas,
  toJson: (schema: ZodTypes.ZodType, io: 'input' | 'output') => Node,
): Node {
  const part = (name: keyof RouteSchemas): Node | null => {
    const schema = schemas[name];
    return schema === undefined ? null : toJson(schema, name === 'answer' ? 'output' : 'input');
  };
  const body = part('body');
  return {
    operationId: route.id,
    ...(route.scope === null ? { security: [] } : { 'x-scope': route.scope, security: [{ bearer: [] }] }),
    parameters: [
      ...parameters('path', part('params')),
      ...parameters('query', part('query')),
      { name: 'X-Corr-ID', in: 'header', required: false, schema: { type: 'string', format: 'uuid' } },
    ],
    ...(body === null ? {} : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: { '200': answerOf(route, part('answer')), ...absence(route), ...refusals(route) },
  };
}

let loading: Promise<Node> | null = null;

async function build(): Promise<Node> {
  const [{ z }, schemas] = await Promise.all([import('zod'), loadSchemas()]);
  const toJson = (schema: ZodTypes.ZodType, io: 'input' | 'output'): Node =>
    z.toJSONSchema(schema, { target: 'openapi-3.0', io });
  const paths: Record<string, Record<string, Node>> = {};
  for (const route of ROUTES) {
    const at = paths[route.path] ?? {};
    paths[route.path] = at;
    at[route.method.toLowerCase()] = operation(route, schemas[route.id], toJson);
  }
  return {
    openapi: '3.0.3',
    info: {
      title: 'ron-kms',
      version: WIRE_VERSION,
      description:
        'Key custody with governance. Capabilities are macaroons; signed objects are verified by whoever gets them.',
    },
    servers: [{ url: BASE_PATH }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'macaroon' } },
      schemas: { ErrorEnvelope: ERROR },
      responses: Object.fromEntries(Object.values(REFUSALS)),
    },
  };
}

/** Made once. */
export function loadOpenApi(): Promise<Node> {
  loading ??= build();
  return loading;
}
