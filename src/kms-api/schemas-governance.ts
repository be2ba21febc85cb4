// Bodies and answers of the governance routes. Signed objects cross as base64 of their exact bytes and are never taken apart
// here: the service verifies them itself.

import { LIMITS } from '../limits.ts';
import type { Common, Zod } from './schemas-common.ts';

export function governanceSchemas(z: Zod, common: Common) {
  const { base64, checkpoint, confirmTime, count, digest, mutation, queryCount, scope, text } = common;
  const entry = {
    name: z.string(),
    type: z.enum(['proposal', 'statement', 'possession', 'dispute', 'unknown']),
    id: z.string().nullable(),
    by: z.string().nullable(),
    purpose: z.string().nullable(),
  };
  const entries = z.array(z.object(entry));
  const refused = z.array(z.object({ ...entry, code: z.string(), message: z.string() }));
  const ingest = z.object({
    ingested: entries,
    known: entries,
    waiting: entries,
    behind: refused,
    refused,
    ledger_seq: z.int(),
    checkpoint: checkpoint.nullable(),
    recovered: z.string().nullable(),
  });
  const proposal = z.object({
    id: z.string(),
    digest: z.string(),
    kind: z.string(),
    scope: z.string(),
    author: z.string(),
    status: z.string(),
    approvals: count,
    rejects: count,
    threshold: count,
    decide_by: z.string(),
    expires_at: z.string(),
  });
  const params = z.strictObject({ id: text(64).regex(/^[A-Za-z0-9._-]+$/) });

  return {
    submit: {
      body: z.strictObject({
        files_b64: z.array(base64(LIMITS.payloadBytes)).min(1).max(LIMITS.submitFiles),
        ...confirmTime,
        ...mutation,
      }),
      answer: z.object({ names: z.array(z.string()), ingest: ingest.nullable() }),
    },
    ingest: { body: z.strictObject({ ...confirmTime, ...mutation }), answer: ingest },
    execute: {
      params,
      body: z.strictObject({ ...confirmTime, ...mutation }),
      answer: z.object({
        id: z.string(),
        /** The signed receipt; null in a dry run. */
        envelope_b64: z.string().nullable(),
        replayed: z.boolean(),
        ingested: count,
        refused,
        checkpoint: checkpoint.nullable(),
      }),
    },
    tune: {
      body: z.strictObject({ scope, key: text(64), to: z.int(), ...confirmTime, ...mutation }),
      answer: z.object({
        scope: z.string(),
        key: z.string(),
        from: z.int(),
        to: z.int(),
        baseline: z.int(),
        min: z.int(),
        max: z.int(),
        checkpoint: checkpoint.nullable(),
      }),
    },
    rollback: {
      body: z.strictObject({
        scope,
        duration_s: count.nullable(),
        proposal_digest: digest.nullable(),
        ...confirmTime,
        ...mutation,
      }),
      answer: z.object({
        scope: z.string(),
        proposal_id: z.string(),
        proposal_digest: z.string(),
        duration_s: count,
        until: z.string(),
        checkpoint: checkpoint.nullable(),
      }),
    },
    listProposals: {
      query: z.strictObject({ status: text(32).exactOptional() }),
      answer: z.object({ proposals: z.array(proposal) }),
    },
    getProposal: { params, answer: z.object({ proposal, envelope_b64: z.string() }) },
    getStatements: { params, answer: z.object({ statements_b64: z.array(z.string()) }) },
    getRequest: { params },
    ledger: { query: z.strictObject({ from_seq: queryCount.exactOptional() }) },
    effectivePolicy: {
      query: z.strictObject({ tenant: common.name.exactOptional() }),
      answer: z.object({
        scope: z.string(),
        governed: z.boolean(),
        phase: count,
        verify_mode: z.string(),
        produce_hybrid: z.boolean(),
        rollout_percent: count,
        base_phase: count,
        values: z.record(z.string(), z.string()),
        ledger_seq: z.int().nullable(),
        trust: common.trust,
      }),
    },
  };
}
