// Bodies and answers of the key routes: sign, verify, wrap, unwrap and /keys (API-02..08, API-18..29, C-23..C-26, GAP-87).

import { CREATION_ALGS, SIGN_ALGS } from '../keys/tracks.ts';
import { LIMITS } from '../limits.ts';
import type { Common, Zod } from './schemas-common.ts';

/** Longest key object or tlog-proof that `verify` takes along. */
const EVIDENCE_BYTES = 64 * 1024;
/** SLH-DSA-SHA2-128s: 7856 bytes, with room for a larger set. */
const SIGNATURE_BYTES = 32 * 1024;

export function keySchemas(z: Zod, common: Common) {
  const { audit, base64, count, hex64, kid, mutation, name, opId, queryCount, text, time, trust } = common;
  const one = z.strictObject({ kid });
  const kidOrSet = z.union([one, z.strictObject({ kid_set: z.array(kid).min(1).max(LIMITS.kidSet) })]);
  /** The service refuses others, naming them. */
  const alg = text(32).meta({ enum: [...SIGN_ALGS] });
  const signature = z.object({ alg: z.string(), signature_b64: z.string() });
  const givenSignature = z.strictObject({ alg, signature_b64: base64(SIGNATURE_BYTES) });
  const publicKey = z.object({ alg: z.string(), pubkey_b64: z.string() });
  const version = z.object({
    n: count,
    state: z.string(),
    from_seq: count.exactOptional(),
    tracks: z.array(z.string()),
    suite: count.exactOptional(),
    pub: z.record(z.string(), z.string()),
    created_at: z.string().nullable(),
    continuity: z.string().exactOptional(),
  });
  const key = z.object({
    /** `<kid>#v<N>` of the newest version. */
    kid: z.string(),
    alg: z.string(),
    versions: z.array(z.string()),
    public: publicKey.exactOptional(),
    public_tracks: z.array(publicKey).exactOptional(),
    attestation_class: z.string().exactOptional(),
    tenant: z.string(),
    purpose: z.string(),
    state: z.enum(['active', 'retired']),
    details: z.array(version),
  });
  const made = {
    kid: z.string(),
    public: publicKey.exactOptional(),
    public_tracks: z.array(publicKey).exactOptional(),
    key: key.nullable(),
    op_id: z.string(),
    replayed: z.boolean(),
    audit,
  };
  const wrapping = { alg: z.string(), kid: z.string(), suite: count, op_id: z.string() };

  return {
    sign: {
      body: z.strictObject({
        kid_or_set: kidOrSet,
        payload_b3: hex64,
        policy: z.strictObject({ produce_hybrid: z.boolean() }).exactOptional(),
        ...mutation,
      }),
      answer: z.object({
        /** Empty in a dry run. */
        sigs: z.array(signature),
        kid: z.string(),
        attestation: common.attestation.exactOptional(),
        /** As in the signed message. */
        algs: z.string(),
        payload_b3: z.string(),
        op_id: z.string(),
        audit,
      }),
    },
    verify: {
      body: z.strictObject({
        payload_b3: hex64,
        sigs: z.array(givenSignature).min(1).max(LIMITS.bundleSignatures),
        /** A mode tighter than the one in force tightens the answer; a looser one changes nothing. */
        policy: z.strictObject({ mode: z.enum(['or', 'and', 'pq_only']) }).exactOptional(),
        kid_or_set: kidOrSet.exactOptional(),
        proof_b64: base64(EVIDENCE_BYTES).exactOptional(),
        key_object_b64: base64(EVIDENCE_BYTES).exactOptional(),
        audit: z.boolean().exactOptional(),
        op_id: opId.exactOptional(),
      }),
      answer: z.object({
        ok: z.boolean(),
        details: z.object({
          /** Algorithms of the signatures that were checked and are valid. */
          checked: z.array(z.string()),
          satisfied_mode: z.string().nullable(),
          required_mode: z.string().nullable(),
          signatures: z.array(z.object({ alg: z.string(), valid: z.boolean(), reason: z.string().exactOptional() })),
          state: z.enum(['authenticated', 'not authenticated']),
          legacy: z.enum(['proven', 'unproven']).exactOptional(),
          trust,
          audited: z.boolean(),
          /** The error code that the refusal has as a command, or null when accepted. */
          refusal: z.string().nullable(),
          reason: z.string().exactOptional(),
        }),
        kid: z.string(),
        cache_age_ms: count.exactOptional(),
      }),
    },
    wrap: {
      body: z.strictObject({
        kid,
        plaintext_key_b64: base64(LIMITS.wrapPlaintextMax).exactOptional(),
        size: z.int().min(LIMITS.wrapPlaintextMin).max(LIMITS.wrapPlaintextMax).exactOptional(),
        /** Absent means `hybrid`; `any` takes what the key does. */
        kem_mode: z.enum(['hybrid', 'x25519', 'ml-kem', 'any']).exactOptional(),
        ...mutation,
      }),
      answer: z.object({ wrapped_b64: z.string().nullable(), ...wrapping }),
    },
    unwrap: {
      body: z.strictObject({ kid, wrapped_b64: base64(LIMITS.wrapEnvelopeBytes), ...mutation }),
      answer: z.object({ plaintext_key_b64: z.string().nullable(), ...wrapping }),
    },
    createKey: {
      body: z.strictObject({
        tenant: name,
        purpose: name,
        alg: z.enum(CREATION_ALGS),
        /** Opaque, at most 1 KiB; `rotate_days` (1..90) alone is interpreted. */
        policy_hints: z.record(text(64), z.union([text(256), z.int(), z.boolean()])).exactOptional(),
        suite: z.union([z.literal(1), z.literal(2)]).exactOptional(),
        new_tenant: z.boolean().exactOptional(),
        ...mutation,
      }),
      answer: z.object(made),
    },
    rotateKey: {
      params: z.strictObject({ kid }),
      body: z.strictObject(mutation),
      answer: z.object({ ...made, previous: z.string(), continuity: z.string().nullable() }),
    },
    getKey: { params: z.strictObject({ kid }), answer: key.extend({ trust }) },
    listKeys: {
      query: z.strictObject({ tenant: name.exactOptional() }),
      answer: z.object({ keys: z.array(key), trust }),
    },
    needsRotation: {
      params: z.strictObject({ kid }),
      query: z.strictObject({ within_ms: queryCount.exactOptional() }),
      answer: z.object({
        kid: z.string(),
        answer: z.enum(['yes', 'no', 'unknown']),
        created_at: z.string().nullable(),
        age_days: z.int().nullable(),
        limit_days: count,
        reason: z.string().exactOptional(),
        trust,
      }),
    },
    continuity: {
      params: z.strictObject({ kid }),
      body: z.strictObject({ statement_b64: base64(EVIDENCE_BYTES).exactOptional() }),
      answer: z.object({
        verdict: z.enum(['valid', 'inconclusive', 'tampered']),
        attested_by: z.enum(['keys and service', 'service']),
        old_kid: z.string(),
        new_kid: z.string(),
        digest: z.string(),
        reason: z.string().exactOptional(),
        other_digest: z.string().exactOptional(),
        trust,
      }),
    },
    attestKey: {
      params: z.strictObject({ kid }),
      body: z.strictObject(mutation),
      answer: z.object({
        kid: z.string(),
        attestation: common.attestation,
        issued_at: time.nullable(),
        op_id: z.string(),
        audit,
      }),
    },
  };
}
