// Bodies and answers of the routes for capabilities, audit, public files, status and events.

import type { Common, Zod } from './schemas-common.ts';

/** A token of 4,096 bytes as base64url without padding. */
const TOKEN_CHARACTERS = 5462;
const CAVEATS = 32;
const CAVEAT_BYTES = 512;
const PATH_CHARACTERS = 512;

export function adminSchemas(z: Zod, common: Common) {
  const { checkpoint, confirmTime, count, mutation, queryCount, text, uuid } = common;
  const path = text(PATH_CHARACTERS);
  const listed = z.object({
    root: count,
    id: z.string(),
    sub: z.string().nullable(),
    minted_by: z.string(),
    minted_at: z.string(),
    expires_at: z.string(),
    tenants: z.array(z.string()),
    scopes: z.array(z.string()),
    once: z.boolean(),
    state: z.enum(['active', 'spent', 'revoked', 'expired']),
  });
  const fileInfo = z.object({
    type: z.enum(['file', 'directory', 'symlink', 'other']),
    mode: count,
    uid: count,
    size_bytes: count,
    mtime_ms: z.number(),
  });
  const state = z.object({
    backend: z.enum(['file', 'inmem']),
    backend_ready: z.boolean(),
    backend_lost_at_ms: z.number().nullable(),
    amnesia: z.boolean(),
    verify_only: z.string().nullable(),
    governed: z.boolean(),
    profile: z.string(),
    ledger_seq: z.int().nullable(),
    ledger_id: z.string().nullable(),
    pq_mode: z.string(),
    rollout_percent: count,
    phases: z.array(
      z.object({ tenant: z.string(), phase: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]) }),
    ),
    pq_ok: z.boolean(),
    audit: z.object({
      origin: z.string(),
      size: count,
      writable: z.boolean(),
      checkpoint_at_ms: z.number().nullable(),
      checkpoint_size: count,
      checkpoint_ok: z.boolean(),
      integrity_failures: count,
      queue_depth: count,
    }),
    sinks: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(['file', 'directory', 'http']),
        index: count,
        behind: count,
        lag_ms: z.number(),
        error: z.string().nullable(),
      }),
    ),
    attestation: z.object({ required: z.boolean(), ready: z.boolean(), class: z.string().nullable() }),
    rng_ok: z.boolean(),
    clock_ok: z.boolean(),
    verify_cache: z.object({ entries: count, age_ms: z.number() }),
    cap_root_age_days: z.number(),
    capabilities: z.array(z.object({ tenant: z.string(), active: count })),
    free_bytes: z.number(),
    total_bytes: z.number(),
    draining: z.boolean(),
    keys: z.array(z.object({ tenant: z.string(), purpose: z.string(), alg: z.string(), count })),
    key_heads: z.array(z.object({ kid_hash: z.string(), version: count })),
    oldest_pending_at_ms: z.number().nullable(),
  });

  return {
    mint: {
      body: z.strictObject({
        caveats: z.array(text(CAVEAT_BYTES)).min(1).max(CAVEATS),
        once: z.boolean().exactOptional(),
        sub: common.name.exactOptional(),
        new_tenant: z.boolean().exactOptional(),
        ...mutation,
      }),
      answer: z.object({ id: z.string(), root: count, token: z.string().nullable(), expires_at: z.string() }),
    },
    register: {
      body: z.strictObject({ token: text(TOKEN_CHARACTERS), ...mutation }),
      answer: z.object({ id: z.string(), root: count }),
    },
    revoke: {
      body: z.strictObject({ id: uuid, ...mutation }),
      answer: z.object({ id: z.string(), revoked_at: z.string() }),
    },
    rotateCaps: {
      body: z.strictObject({ now: z.boolean().exactOptional(), ...mutation }),
      answer: z.object({ root: count, previous: count }),
    },
    listCaps: { answer: z.object({ capabilities: z.array(listed) }) },

    auditCheckpoint: {
      body: z.strictObject({ ...confirmTime, ...mutation }),
      answer: checkpoint.extend({ note: z.string() }),
    },
    auditHead: {
      answer: z.object({ origin: z.string(), epoch: count, size: count, checkpoint: z.string().nullable() }),
    },
    auditRecords: { query: z.strictObject({ from: queryCount, to: queryCount }) },
    auditTile: { query: z.strictObject({ level: queryCount, n: queryCount, width: queryCount.exactOptional() }) },
    auditInclusion: { query: z.strictObject({ index: queryCount }) },
    auditConsistency: {
      query: z.strictObject({ from: queryCount, to: queryCount }),
      answer: z.object({ hashes: z.array(z.string()) }),
    },

    fileInfo: { query: z.strictObject({ path }), answer: z.object({ info: fileInfo.nullable() }) },
    fileList: { query: z.strictObject({ path }), answer: z.object({ names: z.array(z.string()) }) },
    fileRead: {
      query: z.strictObject({ path, offset: queryCount.exactOptional(), length: queryCount.exactOptional() }),
    },

    status: { answer: state },
    events: { query: z.strictObject({ topic: text(64).exactOptional(), since_ms: queryCount.exactOptional() }) },
    openapi: { answer: z.looseObject({}) },
  };
}
