// The /keys routes between the port and the wire (API-26..29, C-25, C-26, GAP-87). On the wire a key is named with the version
// whose public keys stand there: the newest, unless another was asked for. Versions are `["#v1", ...]`, and public keys are
// base64; the port keeps digests in `details`.

import { toBase64 } from '../bytes/base64.ts';
import { fail } from '../errors.ts';
import { requireKeyId, withVersion } from '../keys/key-id.ts';
import type {
  Call,
  ContinuityRequest,
  ContinuityResult,
  CreateRequest,
  CreateResult,
  KeyInfo,
  NeedsRotationResult,
  PublicKeysResult,
  RotateResult,
  Trust,
} from '../kms/ports.ts';
import type { Wire } from './schemas.ts';
import { bytesOfMember, callMembers } from './wire-call.ts';

type WireKey = Wire<'listKeys', 'answer'>['keys'][number];
type Hints = NonNullable<Wire<'createKey', 'body'>['policy_hints']>;

const HINT_BYTES = 1024;

/** `public` is the first track: the classical one where there are two. */
function publicMembers(keys: PublicKeysResult | null): Pick<WireKey, 'public' | 'public_tracks'> {
  const tracks = (keys?.tracks ?? []).map(({ alg, publicKey }) => ({ alg, pubkey_b64: toBase64(publicKey) }));
  return tracks[0] === undefined ? {} : { public: tracks[0], public_tracks: tracks };
}

export function keyAnswer(key: KeyInfo, keys: PublicKeysResult | null): WireKey {
  const { tenant, purpose, alg, state, attestation_class } = key;
  return {
    kid: keys?.kid ?? withVersion(key.kid, key.version),
    alg,
    versions: key.versions.map(({ n }) => `#v${n}`),
    ...publicMembers(keys),
    ...(attestation_class === undefined ? {} : { attestation_class }),
    tenant,
    purpose,
    state,
    details: key.versions.map(({ tracks, pub, ...version }) => ({ ...version, tracks: [...tracks], pub: { ...pub } })),
  };
}

export function keyResult(wire: WireKey): KeyInfo {
  const { kid, version } = requireKeyId(wire.kid, 'kid');
  if (!wire.details.some(({ n }) => n === version)) {
    fail('Malformed', 'kid: a key id with a version that `details` has is expected', { field: 'kid' });
  }
  const { tenant, purpose, alg, state, attestation_class } = wire;
  return {
    kid,
    tenant,
    purpose,
    alg,
    state,
    version: wire.details.at(-1)!.n,
    ...(attestation_class === undefined ? {} : { attestation_class }),
    versions: wire.details,
  };
}

export function createBody(request: CreateRequest, call: Call): Wire<'createKey', 'body'> {
  const { tenant, purpose, alg, suite, newTenant, rotateDays } = request;
  return {
    tenant,
    purpose,
    alg,
    ...(suite === undefined ? {} : { suite }),
    ...(newTenant === undefined ? {} : { new_tenant: newTenant }),
    ...(rotateDays === undefined ? {} : { policy_hints: { rotate_days: rotateDays } }),
    ...callMembers(call),
  };
}

function rotateDaysOf(hints: Hints | undefined): number | undefined {
  if (hints === undefined) return undefined;
  const field = 'policy_hints';
  if (Buffer.byteLength(JSON.stringify(hints)) > HINT_BYTES) {
    fail('InvalidValue', `${field}: at most ${HINT_BYTES} bytes are allowed`, { field });
  }
  if (!Object.hasOwn(hints, 'rotate_days')) return undefined;
  const days = hints['rotate_days'];
  if (typeof days === 'number') return days;
  return fail('InvalidValue', `${field}.rotate_days: an integer from 1 to 90 is expected`, {
    field: `${field}.rotate_days`,
  });
}

export function createRequest(body: Wire<'createKey', 'body'>): CreateRequest {
  const { tenant, purpose, alg, suite, new_tenant, policy_hints } = body;
  const rotateDays = rotateDaysOf(policy_hints);
  return {
    tenant,
    purpose,
    alg,
    ...(suite === undefined ? {} : { suite }),
    ...(new_tenant === undefined ? {} : { newTenant: new_tenant }),
    ...(rotateDays === undefined ? {} : { rotateDays }),
  };
}

export function createAnswer(result: CreateResult, keys: PublicKeysResult | null): Wire<'createKey', 'answer'> {
  const { kid, key, op_id, replayed, audit } = result;
  return {
    kid,
    ...publicMembers(keys),
    key: key === null ? null : keyAnswer(key, null),
    op_id,
    replayed,
    audit,
  };
}

export function createResult(answer: Wire<'createKey', 'answer'>): CreateResult {
  const { kid, key, op_id, replayed, audit } = answer;
  return { kid, key: key === null ? null : keyResult(key), op_id, replayed, audit };
}

export function rotateAnswer(result: RotateResult, keys: PublicKeysResult | null): Wire<'rotateKey', 'answer'> {
  const { kid } = requireKeyId(result.kid, 'kid');
  return {
    ...createAnswer(result, keys),
    previous: withVersion(kid, result.previous),
    continuity: result.continuity,
  };
}

export function rotateResult(answer: Wire<'rotateKey', 'answer'>): RotateResult {
  const previous = requireKeyId(answer.previous, 'previous').version;
  return {
    ...createResult(answer),
    previous: previous ?? fail('Malformed', 'previous: a key id with its version is expected', { field: 'previous' }),
    continuity: answer.continuity,
  };
}

export function getResult(answer: Wire<'getKey', 'answer'>): { readonly key: KeyInfo; readonly trust: Trust } {
  return { key: keyResult(answer), trust: answer.trust };
}

/** Public keys out of a key answer, of the version that its `kid` names. Malformed when there are none. */
export function publicKeysResult(answer: Wire<'getKey', 'answer'>): PublicKeysResult {
  const tracks = answer.public_tracks ?? fail('Malformed', 'public_tracks: missing member', { field: 'public_tracks' });
  return {
    kid: answer.kid,
    tracks: tracks.map(({ alg, pubkey_b64 }) => ({ alg, publicKey: bytesOfMember(pubkey_b64, 'pubkey_b64') })),
  };
}

export function listResult(answer: Wire<'listKeys', 'answer'>): {
  readonly keys: readonly KeyInfo[];
  readonly trust: Trust;
} {
  return { keys: answer.keys.map(keyResult), trust: answer.trust };
}

export function needsRotationAnswer(result: NeedsRotationResult): Wire<'needsRotation', 'answer'> {
  return { ...result };
}

export function needsRotationResult(answer: Wire<'needsRotation', 'answer'>): NeedsRotationResult {
  return answer;
}

export function continuityBody(request: ContinuityRequest): Wire<'continuity', 'body'> {
  return request.statement === undefined ? {} : { statement_b64: toBase64(request.statement) };
}

export function continuityRequest(kid: string, body: Wire<'continuity', 'body'>): ContinuityRequest {
  const { statement_b64 } = body;
  return { kid, ...(statement_b64 === undefined ? {} : { statement: bytesOfMember(statement_b64, 'statement_b64') }) };
}

export function continuityResult(answer: Wire<'continuity', 'answer'>): ContinuityResult {
  return answer;
}
