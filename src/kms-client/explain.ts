// `--explain` (cli rule 6): the HTTP request that a command would make, and the caveats that its capability must leave. The
// ports of the client are given an exchange that sends nothing: it throws what it was about to send. Secrets of a body are
// left out by name.

import { INSTANCE } from '../capability/caveats.ts';
import { parseKeyId } from '../keys/key-id.ts';
import type { Kms } from '../kms/admin-ports.ts';
import type { RouteId } from '../kms-api/routes.ts';
import { routeOf, routePath } from '../kms-api/wire-path.ts';
import { adminClient } from './admin-client.ts';
import { answersOf } from './answers.ts';
import type { Exchange, Parts } from './exchange.ts';
import { filesClient } from './files-client.ts';
import { keysClient } from './keys-client.ts';

export interface ExplainedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null for a request without one. */
  readonly body: Readonly<Record<string, unknown>> | null;
  /** What the capability must allow, as caveats; empty where none is asked for. */
  readonly caveats: readonly string[];
}

/** No refusal and no bug: the command stops where it would have sent this. */
export class Explained extends Error {
  readonly request: ExplainedRequest;

  constructor(request: ExplainedRequest) {
    super(`${request.method} ${request.path}`);
    this.name = 'Explained';
    this.request = request;
  }
}

const SECRETS: ReadonlySet<string> = new Set(['plaintext_key_b64', 'token']);

/** Ports that send nothing: the first call throws Explained. */
export function explainingKms(): Kms {
  const stop = (id: RouteId, parts: Parts = {}): Explained => new Explained(requestOf(id, parts));
  const exchange: Exchange = {
    name: '--explain',
    json: (id, _call, parts) => Promise.reject(stop(id, parts)),
    bytes: (id, _call, parts) => Promise.reject(stop(id, parts)),
    bytesOrNone: (id, _call, parts) => Promise.reject(stop(id, parts)),
    lines(id, _call, parts) {
      throw stop(id, parts);
    },
  };
  const answers = answersOf(exchange);
  return { ...keysClient(answers), ...adminClient(exchange, answers), files: filesClient(exchange) };
}

function requestOf(id: RouteId, { params, query, body, kid }: Parts): ExplainedRequest {
  const { method, scope, tenant } = routeOf(id);
  const path = routePath(id, params, query);
  const members = body === undefined ? null : new Map<string, unknown>(Object.entries(body));
  const key = kid === undefined ? null : parseKeyId(kid);
  const named = tenant === 'instance' ? INSTANCE : (key?.tenant ?? textOf(members?.get('tenant') ?? query?.['tenant']));
  return {
    method,
    path,
    headers: {
      ...(scope === null ? {} : { authorization: 'Bearer <capability>' }),
      ...(members === null ? {} : { 'content-type': 'application/json' }),
    },
    body: members === null ? null : Object.fromEntries([...members].map(redacted)),
    caveats:
      scope === null
        ? []
        : [
            ...(named === null ? [] : [`tenant = ${named}`]),
            `scope = ${scope}`,
            `paths = ${path.split('?')[0]!}`,
            ...(key === null ? [] : [`kid = ${key.kid}`]),
          ],
  };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const redacted = ([name, value]: [string, unknown]): [string, unknown] => [
  name,
  SECRETS.has(name) ? `<${name}>` : value,
];
