// The OpenAPI document (API-47, API-48): what it names, that it is closed everywhere, and that examples of the documents fit it.

import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadOpenApi } from '../../src/kms-api/openapi.ts';
import { BASE_PATH, ROUTES } from '../../src/kms-api/routes.ts';
import { buildSchemas } from '../../src/kms-api/schemas.ts';

interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<Record<string, object>>;
}

interface Document {
  readonly openapi: string;
  readonly info: object;
  readonly servers: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: object; readonly securitySchemes: object };
}

const load = async (): Promise<Document> => (await loadOpenApi()) as unknown as Document;
/** The only objects that may have more: evidence of a backend, and this document. */
const OPEN = /\.attestation$|openapi\.json/;
const KID = 'acme/release/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81#v1';
const B3 = 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24';

function walk(
  value: unknown,
  path: string,
  visit: (node: Readonly<Record<string, unknown>>, path: string) => void,
): void {
  if (Array.isArray(value)) for (const [at, one] of value.entries()) walk(one, `${path}[${at}]`, visit);
  else if (value !== null && typeof value === 'object') {
    visit(value as Readonly<Record<string, unknown>>, path);
    for (const [name, inner] of Object.entries(value)) walk(inner, `${path}.${name}`, visit);
  }
}

describe('openapi.json', () => {
  it('is 3.0.3, ron-kms 1.0.0, below /v1/kms, with a bearer scheme', async () => {
    const document = await load();
    expect(document).toMatchObject({
      openapi: '3.0.3',
      info: { title: 'ron-kms', version: '1.0.0' },
      servers: [{ url: BASE_PATH }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    });
  });

  it('has every route once, with its parameters, and 429 and 503 on each', async () => {
    const { paths } = await load();
    const found = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path}`),
    );
    expect(found.sort()).toEqual(ROUTES.map(({ id, method, path }) => `${id} ${method} ${path}`).sort());
    for (const [path, methods] of Object.entries(paths)) {
      for (const operation of Object.values(methods)) {
        expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['200', '429', '503']));
        const named = operation.parameters.filter((one) => one.in === 'path').map(({ name }) => `{${name}}`);
        expect(named).toEqual(path.match(/\{\w+\}/g) ?? []);
      }
    }
    expect(paths['/openapi.json']!['get']!.security).toEqual([]);
    expect(paths['/sign']!['post']!.security).toEqual([{ bearer: [] }]);
  });

  it('every object is closed, and nothing is said that 3.0 does not know', async () => {
    walk(await load(), '', (node, path) => {
      if (node['type'] === 'object' && node['properties'] !== undefined && !OPEN.test(path)) {
        expect(node['additionalProperties'], path).toBe(false);
      }
      for (const unknown of ['const', '$defs', '$schema', 'prefixItems', 'propertyNames']) {
        if (!path.endsWith('properties')) expect(Object.hasOwn(node, unknown), `${path}: ${unknown}`).toBe(false);
      }
      expect(Array.isArray(node['type']), path).toBe(false);
    });
  });

  it.each<[string, object, boolean]>([
    ['/sign', { kid_or_set: { kid: KID }, payload_b3: B3, policy: { produce_hybrid: true } }, true],
    ['/sign', { kid_or_set: { kid: KID }, payload_b3: B3, sign_policy: {} }, false],
    ['/sign', { kid_or_set: KID, payload_b3: B3 }, false],
    ['/verify', { payload_b3: B3, sigs: [{ alg: 'ed25519', signature_b64: 'AAAA' }], policy: { mode: 'and' } }, true],
    [
      '/verify',
      { payload_b3: B3, sigs: Array.from({ length: 9 }, () => ({ alg: 'ed25519', signature_b64: 'AAAA' })) },
      false,
    ],
    ['/wrap', { kid: KID, size: 32, kem_mode: 'hybrid' }, true],
    ['/keys', { tenant: 'acme', purpose: 'release', alg: 'hybrid', policy_hints: { rotate_days: 30 } }, true],
    ['/keys', { tenant: 'ACME', purpose: 'release', alg: 'hybrid' }, false],
  ])('%s: %j fits: %s', async (path, body, fits) => {
    const { paths } = await load();
    const { schema } = paths[path]!['post']!.requestBody!.content['application/json']!;
    expect(new Ajv({ strict: false }).validate(schema, body)).toBe(fits);
  });

  it('there is a schema for each route and no other', () => {
    expect(Object.keys(buildSchemas(z)).sort()).toEqual(ROUTES.map(({ id }) => id as string).sort());
  });
});
