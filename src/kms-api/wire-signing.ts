// sign and verify between the port and the wire (API-18..22, C-23..C-25). `<op>Body` and `<op>Result` are the client's half,
// `<op>Request` and `<op>Answer` the server's.

import { toBase64 } from '../bytes/base64.ts';
import { ERROR_CODES, type ErrorCode } from '../errors.ts';
import type { Call, SignRequest, SignResult, VerifyRequest, VerifyResult } from '../kms/ports.ts';
import type { Wire } from './schemas.ts';
import { bytesOfMember, callMembers } from './wire-call.ts';

type KidOrSet = Wire<'sign', 'body'>['kid_or_set'];

export function kidOrSet(kids: readonly string[]): KidOrSet {
  return kids.length === 1 ? { kid: kids[0]! } : { kid_set: [...kids] };
}

export function kidsOf(selector: KidOrSet): readonly string[] {
  return 'kid' in selector ? [selector.kid] : selector.kid_set;
}

export function signBody(request: SignRequest, call: Call): Wire<'sign', 'body'> {
  const { kids, payload_b3, produce_hybrid } = request;
  return {
    kid_or_set: kidOrSet(kids),
    payload_b3,
    ...(produce_hybrid === undefined ? {} : { policy: { produce_hybrid } }),
    ...callMembers(call),
  };
}

export function signRequest(body: Wire<'sign', 'body'>): SignRequest {
  return {
    kids: kidsOf(body.kid_or_set),
    payload_b3: body.payload_b3,
    ...(body.policy === undefined ? {} : { produce_hybrid: body.policy.produce_hybrid }),
  };
}

export function signAnswer(request: SignRequest, result: SignResult): Wire<'sign', 'answer'> {
  const { bundle, kid, algs, attestation, op_id, audit } = result;
  return {
    sigs: (bundle?.sigs ?? []).map(({ alg, signature_b64 }) => ({ alg, signature_b64 })),
    kid,
    ...(attestation === undefined ? {} : { attestation: { ...attestation } }),
    algs,
    payload_b3: request.payload_b3,
    op_id,
    audit,
  };
}

export function signResult(answer: Wire<'sign', 'answer'>): SignResult {
  const { sigs, kid, algs, attestation, payload_b3, op_id, audit } = answer;
  return {
    bundle: sigs.length === 0 ? null : { kid, payload_b3, sigs },
    kid,
    algs,
    ...(attestation === undefined ? {} : { attestation }),
    op_id,
    audit,
  };
}

export function verifyBody(request: VerifyRequest, call: Call): Wire<'verify', 'body'> {
  const { bundle, payload_b3, proof, keyObject, mode, audit } = request;
  return {
    payload_b3,
    sigs: bundle.sigs.map(({ alg, signature_b64 }) => ({ alg, signature_b64 })),
    kid_or_set: { kid: bundle.kid },
    ...(mode === undefined ? {} : { policy: { mode } }),
    ...(proof === undefined ? {} : { proof_b64: toBase64(proof) }),
    ...(keyObject === undefined ? {} : { key_object_b64: toBase64(keyObject) }),
    ...(audit === undefined ? {} : { audit, op_id: call.opId }),
  };
}

/** The request for one candidate key; who that is, the server decides when the body does not say (C-24). */
export function verifyRequest(body: Wire<'verify', 'body'>, kid: string): VerifyRequest {
  const { payload_b3, sigs, policy, proof_b64, key_object_b64, audit } = body;
  return {
    bundle: { kid, payload_b3, sigs },
    payload_b3,
    ...(proof_b64 === undefined ? {} : { proof: bytesOfMember(proof_b64, 'proof_b64') }),
    ...(key_object_b64 === undefined ? {} : { keyObject: bytesOfMember(key_object_b64, 'key_object_b64') }),
    ...(policy === undefined ? {} : { mode: policy.mode }),
    ...(audit === undefined ? {} : { audit }),
  };
}

export function verifyAnswer(result: VerifyResult): Wire<'verify', 'answer'> {
  const { kid, signatures, accepted, cache_age_ms, legacy, reason } = result;
  return {
    ok: accepted,
    details: {
      checked: signatures.filter(({ valid }) => valid).map(({ alg }) => alg),
      satisfied_mode: result.satisfied_mode,
      required_mode: result.required_mode,
      signatures: signatures.map((one) => ({ ...one })),
      state: result.state,
      ...(legacy === undefined ? {} : { legacy }),
      trust: result.trust,
      audited: result.audited,
      refusal: result.refusal,
      ...(reason === undefined ? {} : { reason }),
    },
    kid,
    ...(cache_age_ms === undefined ? {} : { cache_age_ms }),
  };
}

/** A code that this version does not know counts as a failed verification. */
function refusalOf(code: string | null): ErrorCode | null {
  if (code === null) return null;
  return Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'VerificationFailed';
}

export function verifyResult(answer: Wire<'verify', 'answer'>): VerifyResult {
  const { details, kid, ok, cache_age_ms } = answer;
  const { legacy, reason } = details;
  const refusal = refusalOf(details.refusal) ?? (ok ? null : 'VerificationFailed');
  return {
    kid,
    signatures: details.signatures,
    accepted: ok,
    state: details.state,
    required_mode: details.required_mode,
    satisfied_mode: details.satisfied_mode,
    ...(legacy === undefined ? {} : { legacy }),
    audited: details.audited,
    trust: details.trust,
    refusal,
    ...(reason === undefined ? {} : { reason }),
    ...(cache_age_ms === undefined ? {} : { cache_age_ms }),
  };
}
