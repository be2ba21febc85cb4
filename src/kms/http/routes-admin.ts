// Handlers of the routes for capabilities, audit, public files, status and events.

import { loadOpenApi } from '../../kms-api/openapi.ts';
import { capabilitiesAnswer, eventLine, fileInfoAnswer, mintRequest, statusAnswer } from '../../kms-api/wire-admin.ts';
import { confirmation, numberOf } from '../../kms-api/wire-call.ts';
import type { ServiceEvent } from '../admin-ports.ts';
import { hidePathsIn } from './hide-paths.ts';
import { type Handlers, OCTETS } from './route-handler.ts';

type AdminRoute =
  | 'mint'
  | 'register'
  | 'revoke'
  | 'rotateCaps'
  | 'listCaps'
  | 'auditCheckpoint'
  | 'auditHead'
  | 'auditRecords'
  | 'auditTile'
  | 'auditInclusion'
  | 'auditConsistency'
  | 'fileInfo'
  | 'fileList'
  | 'fileRead'
  | 'status'
  | 'events'
  | 'openapi';

const FILE_READ_BYTES = 512 * 1024;
const TILE_WIDTH = 256;

async function* eventLines(events: AsyncIterable<ServiceEvent>, home: string): AsyncIterable<string> {
  for await (const event of events) {
    const data = Object.entries(event.data).map(([name, value]) => [name, hidePathsIn(value, home)]);
    yield eventLine({ ...event, data: Object.fromEntries(data) });
  }
}

export const ADMIN_HANDLERS: Handlers<AdminRoute> = {
  mint: async ({ body }, { kms, call }) => ({ json: await kms.capabilities.mint(mintRequest(body), call) }),
  register: async ({ body }, { kms, call }) => ({
    json: await kms.capabilities.register({ token: body.token }, call),
  }),
  revoke: async ({ body }, { kms, call }) => ({ json: await kms.capabilities.revoke({ id: body.id }, call) }),
  rotateCaps: async ({ body }, { kms, call }) => ({
    json: await kms.capabilities.rotate({ now: body.now === true }, call),
  }),
  listCaps: async (_parts, { kms, call }) => ({ json: capabilitiesAnswer(await kms.capabilities.list({}, call)) }),

  auditCheckpoint: async ({ body }, { kms, call }) => ({
    json: await kms.audit.checkpoint(confirmation(body), call),
  }),
  auditHead: async (_parts, { kms, call }) => ({ json: await kms.audit.head({}, call) }),
  auditRecords: async ({ query }, { kms, call }) => ({
    lines: kms.audit.records({ from: Number(query.from), to: Number(query.to) }, call),
  }),
  auditTile: async ({ query }, { kms, call }) => {
    const width = numberOf(query.width, TILE_WIDTH);
    const bytes = await kms.audit.tile({ level: Number(query.level), n: Number(query.n), width }, call);
    return { bytes, type: OCTETS };
  },
  auditInclusion: async ({ query }, { kms, call }) => ({
    bytes: await kms.audit.inclusion({ index: Number(query.index) }, call),
    type: OCTETS,
  }),
  auditConsistency: async ({ query }, { kms, call }) => ({
    json: { hashes: await kms.audit.consistency({ from: Number(query.from), to: Number(query.to) }, call) },
  }),

  fileInfo: async ({ query }, { kms, call }) => ({ json: fileInfoAnswer(await kms.files.info(query, call)) }),
  fileList: async ({ query }, { kms, call }) => ({ json: { names: await kms.files.list(query, call) } }),
  fileRead: async ({ query }, { kms, call }) => {
    const { path, offset, length } = query;
    const request = { path, offset: numberOf(offset, 0), length: numberOf(length, FILE_READ_BYTES) };
    const bytes = await kms.files.read(request, call);
    return bytes === null ? { none: true } : { bytes, type: OCTETS };
  },

  status: async (_parts, { kms, call }) => ({ json: statusAnswer(await kms.health.status({}, call)) }),
  events: async ({ query }, { kms, call, home }) => {
    const sinceMs = query.since_ms === undefined ? null : Number(query.since_ms);
    return { lines: eventLines(kms.health.events({ topic: query.topic ?? null, sinceMs }, call), home) };
  },
  openapi: async () => ({ json: await loadOpenApi() }),
};
