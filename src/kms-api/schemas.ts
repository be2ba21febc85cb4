// The schemas of every route by its id (routes.ts): path parameters, query, body and answer. zod is loaded once, by the first
// caller. What no schema names does not exist: a route without `body` takes none, one without `query` no parameters.

import type { z as ZodTypes } from 'zod';
import type { RouteId } from './routes.ts';
import { adminSchemas } from './schemas-admin.ts';
import { commonSchemas, type Zod } from './schemas-common.ts';
import { governanceSchemas } from './schemas-governance.ts';
import { keySchemas } from './schemas-keys.ts';

type Part = 'params' | 'query' | 'body' | 'answer';

/** One route's schemas without their exact types, for code that handles all routes. */
export type RouteSchemas = { readonly [P in Part]?: ZodTypes.ZodType };

/** Plain construction; `loadSchemas` is what programs call. */
export function buildSchemas(z: Zod) {
  const common = commonSchemas(z);
  return {
    ...keySchemas(z, common),
    ...governanceSchemas(z, common),
    ...adminSchemas(z, common),
  } satisfies Readonly<Record<RouteId, RouteSchemas>>;
}

export type Schemas = ReturnType<typeof buildSchemas>;

/** The type of one part on the wire, e.g. `Wire<'sign', 'body'>`. */
export type Wire<Id extends keyof Schemas, P extends Part> =
  Schemas[Id] extends Readonly<Record<P, infer S>> ? (S extends ZodTypes.ZodType ? ZodTypes.output<S> : never) : never;

let loading: Promise<Schemas> | null = null;

export function loadSchemas(): Promise<Schemas> {
  loading ??= import('zod').then(({ z }) => buildSchemas(z));
  return loading;
}
