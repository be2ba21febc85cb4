// Every request and result of a port survives the wire: port -> body -> JSON -> schema -> port. What a client does not know is
// dropped from answers, never from requests.

import {
  type Arbitrary,
  array,
  assert,
  boolean,
  constantFrom,
  nat,
  option,
  property,
  record,
  string,
  uint8Array,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ServiceState } from '../../src/kms/admin-ports.ts';
import type { SignResult, VerifyResult } from '../../src/kms/ports.ts';
import type { RouteId } from '../../src/kms-api/routes.ts';
import { buildSchemas, type RouteSchemas } from '../../src/kms-api/schemas.ts';
import {
  capabilitiesAnswer,
  capabilitiesResult,
  eventLine,
  eventOfLine,
  fileInfoAnswer,
  fileInfoResult,
  mintBody,
  mintRequest,
  statusAnswer,
  statusResult,
} from '../../src/kms-api/wire-admin.ts';
import { checked } from '../../src/kms-api/wire-check.ts';
import {
  executeAnswer,
  executeResult,
  ingestAnswer,
  ingestResult,
  rollbackBody,
  rollbackRequest,
  submitBody,
  submitRequest,
  tuneBody,
  tuneRequest,
} from '../../src/kms-api/wire-governance.ts';
import {
  continuityBody,
  continuityRequest,
  createAnswer,
  createBody,
  createRequest,
  createResult,
  getResult,
  keyAnswer,
  rotateAnswer,
  rotateResult,
} from '../../src/kms-api/wire-keys.ts';
import { routePath } from '../../src/kms-api/wire-path.ts';
import {
  signAnswer,
  signBody,
  signRequest,
  signResult,
  verifyAnswer,
  verifyBody,
  verifyRequest,
  verifyResult,
} from '../../src/kms-api/wire-signing.ts';
import {
  unwrapAnswer,
  unwrapBody,
  unwrapRequest,
  unwrapResult,
  wrapAnswer,
  wrapBody,
  wrapRequest,
  wrapResult,
} from '../../src/kms-api/wire-wrapping.ts';
import { B3, call } from '../contract/kms-subject.ts';
import { STATE } from '../support/http-server.ts';

const KID = 'acme/release/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81';
const schemas = buildSchemas(z) as Readonly<Record<RouteId, RouteSchemas>>;

/** As the other side gets it. */
function sent<T>(id: RouteId, part: keyof RouteSchemas, value: T): T {
  return checked(schemas[id][part]!, JSON.parse(JSON.stringify(value)), id) as T;
}

const holds = <T>(arbitrary: Arbitrary<T>, there: (value: T) => unknown): void =>
  assert(
    property(arbitrary, (value) => {
      expect(there(value)).toEqual(value);
    }),
    { numRuns: 60 },
  );

/** Members that are undefined are left out, as exact optional members are. */
const dense = <T extends object>(arbitrary: Arbitrary<T>): Arbitrary<T> =>
  arbitrary.map((value) => Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T);
const maybe = <T>(arbitrary: Arbitrary<T>) => option(arbitrary, { nil: undefined });
const orNull = <T>(arbitrary: Arbitrary<T>) => option(arbitrary, { nil: null });

const text = string({ maxLength: 20, unit: 'grapheme' });
const bytes = uint8Array({ minLength: 16, maxLength: 64 });
const kids = array(constantFrom(KID, `${KID}#v3`), { minLength: 1, maxLength: 16 });
const signature = record({ alg: constantFrom('ed25519', 'ml-dsa'), signature_b64: constantFrom('AAAA', 'AA==', '') });
const audit = orNull(record({ origin: text, index: nat() }));
const checkpoint = orNull(record({ origin: text, size: nat(), root: text }));

describe('key routes', () => {
  it('sign', () => {
    holds(dense(record({ kids, payload_b3: constantFrom(B3), produce_hybrid: maybe(boolean()) })), (request) =>
      signRequest(sent('sign', 'body', signBody(request as never, call()))),
    );
    const result = record({
      sigs: array(signature, { minLength: 1 }),
      algs: text,
      op_id: text,
      audit,
      attested: boolean(),
    });
    holds(
      result.map(({ sigs, attested, ...rest }): SignResult => {
        const attestation = { class: 'software', evidence: null };
        return { ...rest, kid: KID, bundle: { kid: KID, payload_b3: B3, sigs }, ...(attested ? { attestation } : {}) };
      }),
      (value) => signResult(sent('sign', 'answer', signAnswer({ kids: [KID], payload_b3: B3 }, value))),
    );
  });

  it('a dry run of sign has no bundle', () => {
    const dry: SignResult = { bundle: null, kid: KID, algs: 'ed25519', op_id: 'x', audit: null };
    expect(signResult(sent('sign', 'answer', signAnswer({ kids: [KID], payload_b3: B3 }, dry)))).toEqual(dry);
    expect(signBody({ kids: [KID], payload_b3: B3 }, call(undefined, { dryRun: true }))).toMatchObject({
      dry_run: true,
    });
  });

  it('verify', () => {
    const bundle = array(signature, { minLength: 1, maxLength: 8 }).map((sigs) => ({
      kid: `${KID}#v1`,
      payload_b3: B3,
      sigs,
    }));
    const request = record({ bundle, proof: maybe(bytes), keyObject: maybe(bytes), audit: maybe(boolean()) });
    holds(dense(request.map((one) => ({ ...one, payload_b3: B3 }))), (value) =>
      verifyRequest(sent('verify', 'body', verifyBody(value as never, call())), `${KID}#v1`),
    );
    const result = record({
      kid: constantFrom(KID),
      signatures: array(dense(record({ alg: text, valid: boolean(), reason: maybe(text) }))),
      accepted: boolean(),
      state: constantFrom('authenticated', 'not authenticated'),
      required_mode: orNull(text),
      satisfied_mode: orNull(text),
      legacy: maybe(constantFrom('proven', 'unproven')),
      audited: boolean(),
      trust: constantFrom('authenticated', 'local', 'not-authenticated'),
      reason: maybe(text),
      cache_age_ms: maybe(nat()),
    }).map((one) => ({ ...one, refusal: one.accepted ? null : 'PqPolicy' }));
    holds(dense(result), (value) =>
      verifyResult(sent('verify', 'answer', verifyAnswer(value as unknown as VerifyResult))),
    );
  });

  it('a refusal of a kind that the client does not know is never an acceptance', () => {
    const base: VerifyResult = {
      kid: KID,
      signatures: [],
      accepted: false,
      state: 'authenticated',
      required_mode: null,
      satisfied_mode: null,
      audited: false,
      trust: 'local',
      refusal: null,
    };
    expect(verifyResult(verifyAnswer(base)).refusal).toBe('VerificationFailed');
    const answer = verifyAnswer(base);
    const unknown = { ...answer, details: { ...answer.details, refusal: 'FromTheFuture' } };
    expect(verifyResult(unknown).refusal).toBe('VerificationFailed');
  });

  it('wrap and unwrap', () => {
    const mode = maybe(constantFrom('hybrid', 'x25519', 'ml-kem'));
    holds(dense(record({ kid: constantFrom(KID), plaintext: bytes, kemMode: mode })), (value) =>
      wrapRequest(sent('wrap', 'body', wrapBody(value as never, call()))),
    );
    holds(dense(record({ kid: constantFrom(KID), size: nat(48).map((n) => n + 16), kemMode: mode })), (value) =>
      wrapRequest(sent('wrap', 'body', wrapBody(value as never, call()))),
    );
    const made = { kid: text, suite: constantFrom(1, 2, 3, 4), op_id: text };
    holds(record({ envelope: orNull(bytes), ...made }), (value) =>
      wrapResult(sent('wrap', 'answer', wrapAnswer(value))),
    );
    holds(record({ kid: constantFrom(KID), envelope: bytes }), (value) =>
      unwrapRequest(sent('unwrap', 'body', unwrapBody(value, call()))),
    );
    holds(record({ plaintext: orNull(bytes), ...made }), (value) =>
      unwrapResult(sent('unwrap', 'answer', unwrapAnswer(value))),
    );
  });

  it('a documented wrap without kem_mode means hybrid', () => {
    expect(wrapRequest({ kid: KID, size: 32 })).toEqual({ kid: KID, size: 32, kemMode: 'hybrid' });
  });

  it('create, rotate, continuity', () => {
    const request = record({
      tenant: constantFrom('acme', 'constructor', '__a'.slice(2)),
      purpose: constantFrom('release'),
      alg: constantFrom('ed25519', 'hybrid', 'hybrid-kem'),
      suite: maybe(constantFrom(1, 2)),
      newTenant: maybe(boolean()),
      rotateDays: maybe(nat(89).map((n) => n + 1)),
    });
    holds(dense(request), (value) => createRequest(sent('createKey', 'body', createBody(value as never, call()))));
    const version = dense(
      record({
        state: constantFrom('active', 'superseded'),
        from_seq: maybe(nat()),
        tracks: array(text),
        suite: maybe(nat(4)),
        pub: constantFrom({ ed25519: 'ab' }),
        created_at: orNull(text),
        continuity: maybe(text),
      }),
    );
    const key = record({
      kid: constantFrom(KID),
      tenant: constantFrom('acme'),
      purpose: text,
      alg: text,
      state: constantFrom('active', 'retired'),
      attestation_class: maybe(text),
      versions: array(version, { minLength: 2, maxLength: 5 }).map((all) =>
        all.map((one, at) => ({ n: at + 1, ...one })),
      ),
    }).map((one) => ({ ...one, version: one.versions.length }));
    const made = record({
      kid: constantFrom(`${KID}#v2`),
      key: orNull(dense(key)),
      op_id: text,
      replayed: boolean(),
      audit,
    });
    const tracks = { kid: `${KID}#v2`, tracks: [{ alg: 'ed25519', publicKey: new Uint8Array(32) }] };
    holds(made, (value) => createResult(sent('createKey', 'answer', createAnswer(value as never, tracks))));
    const versions = [{ n: 1, state: 'active', tracks: [], pub: {}, created_at: null }] as const;
    const about = {
      kid: KID,
      tenant: 'acme',
      purpose: 'p',
      alg: 'ed25519',
      state: 'active',
      version: 1,
      versions,
    } as const;
    expect(() => getResult({ ...keyAnswer(about, { ...tracks, kid: `${KID}#v3` }), trust: 'authenticated' })).toThrow(
      'kid: a key id with a version that `details` has is expected',
    );
    const rotated = made.chain((one) =>
      record({ previous: constantFrom(1), continuity: orNull(text) }).map((more) => ({ ...one, ...more })),
    );
    holds(rotated, (value) => rotateResult(sent('rotateKey', 'answer', rotateAnswer(value as never, null))));
    holds(dense(record({ statement: maybe(bytes) })), (value) => {
      const { kid: _kid, ...rest } = continuityRequest(
        KID,
        sent('continuity', 'body', continuityBody({ kid: KID, ...value } as never)),
      );
      return rest;
    });
  });

  it('hints are opaque but for rotate_days, and at most 1 KiB', () => {
    const body = { tenant: 'acme', purpose: 'release', alg: 'ed25519' as const };
    expect(createRequest({ ...body, policy_hints: { team: 'blue', n: 3, on: true } })).toEqual(body);
    const large = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`k${n}`, 'x'.repeat(250)]));
    expect(() => createRequest({ ...body, policy_hints: large })).toThrow('policy_hints: at most 1024 bytes');
    expect(() => createRequest({ ...body, policy_hints: { rotate_days: 'x' } })).toThrow('policy_hints.rotate_days');
  });
});

describe('the other routes', () => {
  const entry = {
    name: text,
    type: constantFrom('proposal', 'statement', 'possession', 'unknown'),
    id: orNull(text),
    by: orNull(text),
    purpose: orNull(text),
  };
  const refused = array(record({ ...entry, code: constantFrom('Malformed', 'Stale'), message: text }), {
    maxLength: 3,
  });

  it('governance', () => {
    const entries = array(record(entry), { maxLength: 3 });
    const ingest = record({
      ingested: entries,
      known: entries,
      waiting: entries,
      behind: refused,
      refused,
      ledger_seq: nat(),
      checkpoint,
      recovered: orNull(text),
    });
    holds(ingest, (value) => ingestResult(sent('ingest', 'answer', ingestAnswer(value as never))));
    const execution = record({
      id: text,
      envelope: orNull(bytes),
      replayed: boolean(),
      ingested: nat(),
      refused,
      checkpoint,
    });
    holds(execution, (value) => executeResult(sent('execute', 'answer', executeAnswer(value as never))));
    const confirmTime = maybe(boolean());
    holds(dense(record({ files: array(bytes, { minLength: 1, maxLength: 8 }), confirmTime })), (value) =>
      submitRequest(sent('submit', 'body', submitBody(value as never, call()))),
    );
    holds(
      dense(record({ scope: constantFrom('global', 'tenant:acme'), key: constantFrom('a.b'), to: nat(), confirmTime })),
      (value) => tuneRequest(sent('tune', 'body', tuneBody(value as never, call()))),
    );
    const rollback = record({
      scope: constantFrom('global'),
      durationS: orNull(nat()),
      proposalDigest: orNull(constantFrom(`sha256:${B3}`)),
      confirmTime,
    });
    holds(dense(rollback), (value) => rollbackRequest(sent('rollback', 'body', rollbackBody(value as never, call()))));
  });

  it('capabilities, files, events', () => {
    const mint = record({
      caveats: array(text, { minLength: 1, maxLength: 32 }),
      once: boolean(),
      sub: maybe(constantFrom('ci')),
      newTenant: maybe(boolean()),
    });
    holds(dense(mint), (value) => mintRequest(sent('mint', 'body', mintBody(value as never, call()))));
    const listed = record({
      root: nat(),
      id: text,
      sub: orNull(text),
      minted_by: text,
      minted_at: text,
      expires_at: text,
      tenants: array(text),
      scopes: array(text),
      once: boolean(),
      state: constantFrom('active', 'spent', 'revoked', 'expired'),
    });
    holds(array(listed, { maxLength: 3 }), (value) =>
      capabilitiesResult(sent('listCaps', 'answer', capabilitiesAnswer(value as never))),
    );
    const info = record({
      type: constantFrom('file', 'directory', 'symlink', 'other'),
      mode: nat(0o777),
      uid: nat(),
      sizeBytes: nat(),
      mtimeMs: nat().map((n) => n + 0.25),
    });
    holds(orNull(info), (value) => fileInfoResult(sent('fileInfo', 'answer', fileInfoAnswer(value as never))));
    const event = { seq: 4, ts: '2026-11-20T00:00:00.000Z', topic: 'kms.ready', data: { missing: ['a'] } };
    expect(eventOfLine(eventLine(event))).toEqual(event);
    expect(() => eventOfLine('{"seq":1}')).toThrow('missing member');
    expect(() => eventOfLine('{')).toThrow('no JSON');
  });

  it('status: everything crosses, a key by its hash', () => {
    const back: ServiceState = statusResult(sent('status', 'answer', statusAnswer(STATE)));
    expect({ ...back, keyHeads: [] }).toEqual({ ...STATE, keyHeads: [] });
    expect(back.keyHeads).toEqual([{ kid: expect.stringMatching(/^[0-9a-f]{8}$/), version: 1 }]);
  });

  it('an unknown member is dropped from an answer and refused in a request', () => {
    const answer = { origin: 'o', epoch: 0, size: 1, checkpoint: null, later: 1 };
    expect(checked(schemas.auditHead.answer!, answer, 'x')).not.toHaveProperty('later');
    expect(() => checked(schemas.revoke.body!, { id: KID.slice(-36), later: 1 }, 'x')).toThrow('later: unknown member');
  });

  it('a kid is one segment of the path', () => {
    expect(routePath('rotateKey', { kid: `${KID}#v1` }, { a: 'b c' })).toBe(
      '/v1/kms/keys/acme%2Frelease%2Fed25519%2F5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81%23v1/rotate?a=b+c',
    );
  });
});
