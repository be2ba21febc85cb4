// Every route of the service (API-01..49, service page 1): one table for server, client and OpenAPI. Paths below /v1/kms.
// A kid is one path segment, percent-encoded (C-22). Bodies are JSON objects; their schemas are in schemas.ts by the same id.

import type { Work } from '../kms/ports.ts';

export type Scope =
  | 'kms:admin'
  | 'kms:audit'
  | 'kms:govern'
  | 'kms:read'
  | 'kms:rotate'
  | 'kms:sign'
  | 'kms:unwrap'
  | 'kms:verify'
  | 'kms:wrap';

export interface Route {
  /** OpenAPI operationId, and the name of its schemas. */
  readonly id: string;
  readonly method: 'GET' | 'POST';
  /** With `{kid}`, `{id}` for one segment, below the base path. */
  readonly path: string;
  /** Null: no bearer. `instance` routes need the tenant `_instance`. */
  readonly scope: Scope | null;
  readonly tenant: 'instance' | 'resource' | 'none';
  readonly work: Work;
  readonly answer: 'json' | 'ndjson' | 'bytes';
}

export const BASE_PATH = '/v1/kms';

const route = <const Id extends string>(
  id: Id,
  method: Route['method'],
  path: string,
  scope: Route['scope'],
  tenant: Route['tenant'],
  work: Work,
  answer: Route['answer'] = 'json',
): Route & { readonly id: Id } => ({ id, method, path, scope, tenant, work, answer });

export const ROUTES = [
  route('sign', 'POST', '/sign', 'kms:sign', 'resource', 'sign'),
  route('verify', 'POST', '/verify', 'kms:verify', 'resource', 'verify'),
  route('wrap', 'POST', '/wrap', 'kms:wrap', 'resource', 'wrap'),
  route('unwrap', 'POST', '/unwrap', 'kms:unwrap', 'resource', 'wrap'),
  route('createKey', 'POST', '/keys', 'kms:rotate', 'resource', 'mutate'),
  route('rotateKey', 'POST', '/keys/{kid}/rotate', 'kms:rotate', 'resource', 'mutate'),
  route('getKey', 'GET', '/keys/{kid}', 'kms:read', 'resource', 'read'),
  route('listKeys', 'GET', '/keys', 'kms:read', 'resource', 'read'),
  route('needsRotation', 'GET', '/keys/{kid}/rotation', 'kms:read', 'resource', 'read'),
  route('continuity', 'POST', '/keys/{kid}/continuity', 'kms:read', 'resource', 'read'),
  route('attestKey', 'POST', '/keys/{kid}/attest', 'kms:rotate', 'resource', 'mutate'),
  route('effectivePolicy', 'GET', '/policy', 'kms:read', 'resource', 'read'),

  route('submit', 'POST', '/governance/submit', 'kms:govern', 'instance', 'mutate'),
  route('ingest', 'POST', '/governance/ingest', 'kms:govern', 'instance', 'mutate'),
  route('execute', 'POST', '/governance/proposals/{id}/execute', 'kms:govern', 'instance', 'mutate'),
  route('tune', 'POST', '/governance/tune', 'kms:govern', 'instance', 'mutate'),
  route('rollback', 'POST', '/governance/rollback', 'kms:govern', 'instance', 'mutate'),
  route('listProposals', 'GET', '/governance/proposals', 'kms:read', 'instance', 'read'),
  route('getProposal', 'GET', '/governance/proposals/{id}', 'kms:read', 'instance', 'read'),
  route('getStatements', 'GET', '/governance/proposals/{id}/statements', 'kms:read', 'instance', 'read'),
  route('getRequest', 'GET', '/governance/proposals/{id}/request', 'kms:read', 'instance', 'read', 'bytes'),
  route('ledger', 'GET', '/governance/ledger', 'kms:read', 'instance', 'read', 'ndjson'),

  route('mint', 'POST', '/caps/mint', 'kms:admin', 'resource', 'mutate'),
  route('register', 'POST', '/caps/register', null, 'none', 'mutate'),
  route('revoke', 'POST', '/caps/revoke', 'kms:admin', 'resource', 'mutate'),
  route('rotateCaps', 'POST', '/caps/rotate', 'kms:admin', 'instance', 'mutate'),
  route('listCaps', 'GET', '/caps', 'kms:admin', 'resource', 'read'),

  route('auditCheckpoint', 'POST', '/audit/checkpoint', 'kms:audit', 'instance', 'mutate'),
  route('auditHead', 'GET', '/audit/head', 'kms:audit', 'instance', 'read'),
  route('auditRecords', 'GET', '/audit/records', 'kms:audit', 'instance', 'read', 'ndjson'),
  route('auditTile', 'GET', '/audit/tile', 'kms:audit', 'instance', 'read', 'bytes'),
  route('auditInclusion', 'GET', '/audit/inclusion', 'kms:audit', 'instance', 'read', 'bytes'),
  route('auditConsistency', 'GET', '/audit/consistency', 'kms:audit', 'instance', 'read'),

  route('fileInfo', 'GET', '/files/info', 'kms:audit', 'instance', 'read'),
  route('fileList', 'GET', '/files/list', 'kms:audit', 'instance', 'read'),
  route('fileRead', 'GET', '/files/read', 'kms:audit', 'instance', 'read', 'bytes'),

  route('status', 'GET', '/status', 'kms:read', 'instance', 'read'),
  route('events', 'GET', '/events', 'kms:audit', 'instance', 'read', 'ndjson'),
  route('openapi', 'GET', '/openapi.json', null, 'none', 'read'),
] as const satisfies readonly Route[];

export type RouteId = (typeof ROUTES)[number]['id'];
