// Any body on any route (CON-39): an answer in the error envelope with a status of the table, never a 500, and the service is
// asked only when the schema lets the body through.

import {
  assert,
  asyncProperty,
  constantFrom,
  dictionary,
  jsonValue,
  oneof,
  record,
  string,
  uint8Array,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../../src/kms-api/routes.ts';
import { B3, capability } from '../../contract/kms-subject.ts';
import { testServer } from '../../support/http-server.ts';

const KID = 'acme/release/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81#v1';
const EVERYTHING = ['admin', 'audit', 'govern', 'read', 'rotate', 'sign', 'unwrap', 'verify', 'wrap'].map(
  (one) => `kms:${one}`,
);
const STATUSES = [400, 404, 413, 415, 422];

/** Members of the real bodies with values that are right, nearly right or nonsense. */
const likely = record(
  {
    kid: oneof(constantFrom(KID, `${KID}x`, ''), jsonValue()),
    kid_or_set: oneof(constantFrom({ kid: KID }, { kid_set: [KID] }, { kid_set: [] }, {}), jsonValue()),
    payload_b3: constantFrom(B3, B3.toUpperCase(), 7),
    sigs: oneof(constantFrom([{ alg: 'ed25519', signature_b64: 'AAAA' }], []), jsonValue()),
    policy: oneof(constantFrom({ mode: 'and' }, { produce_hybrid: true }), jsonValue()),
    size: oneof(constantFrom(16, 64, 65, -1), jsonValue()),
    wrapped_b64: constantFrom('AAAA', '====', ''),
    tenant: oneof(constantFrom('acme', 'ACME', 'constructor', '__proto__'), string()),
    purpose: constantFrom('release', '', 'x'.repeat(65)),
    alg: constantFrom('hybrid', 'rsa'),
    policy_hints: oneof(dictionary(string(), jsonValue(), { maxKeys: 4 }), jsonValue()),
    op_id: constantFrom('0198f2a4-5b6c-7d8e-9f01-23456789abcd', 'x', null),
    files_b64: oneof(constantFrom(['AAAA'], []), jsonValue()),
    caveats: oneof(constantFrom(['tenant = acme']), jsonValue()),
    token: string(),
    id: string(),
    scope: constantFrom('global', 'tenant:acme', 'x'),
    key: string(),
    to: oneof(constantFrom(1, 1.5), jsonValue()),
    now: constantFrom(true, 'yes'),
  },
  { requiredKeys: [] },
);

describe('any body', () => {
  const posts = ROUTES.filter(({ method, id }) => method === 'POST' && id !== 'register');

  it.each(posts.map(({ id, path }) => [id, path] as const))('%s', async (_id, path) => {
    const { server } = await testServer({ kms: {}, tokens: { all: capability(EVERYTHING, ['_instance', 'acme']) } });
    const url = `/v1/kms${path.replace('{kid}', encodeURIComponent(KID)).replace('{id}', 'p-1')}`;
    const raw = oneof(
      jsonValue().map((value) => JSON.stringify(value)),
      likely.map((value) => JSON.stringify(value)),
      uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    );
    await assert(
      asyncProperty(raw, async (payload) => {
        const reply = await server.inject({
          method: 'POST',
          url,
          headers: { authorization: 'Bearer all', 'content-type': 'application/json' },
          payload,
        });
        expect(STATUSES).toContain(reply.statusCode);
        const { error } = reply.json<{ error: Record<string, unknown> }>();
        expect(error).toMatchObject({ code: expect.any(String), ron_code: expect.any(String), retryable: false });
        expect(error['ron_code']).not.toBe('Internal');
      }),
      { numRuns: 60 },
    );
  });

  it('any query', async () => {
    const { server } = await testServer({ kms: {}, tokens: { all: capability(EVERYTHING, ['_instance', 'acme']) } });
    const gets = ROUTES.filter(({ method, id }) => method === 'GET' && id !== 'openapi');
    await assert(
      asyncProperty(constantFrom(...gets), dictionary(string(), string(), { maxKeys: 4 }), async ({ path }, query) => {
        const url = `/v1/kms${path.replace('{kid}', encodeURIComponent(KID)).replace('{id}', 'p-1')}`;
        const reply = await server.inject({ method: 'GET', url, query, headers: { authorization: 'Bearer all' } });
        expect(STATUSES).toContain(reply.statusCode);
      }),
      { numRuns: 200 },
    );
  });
});
