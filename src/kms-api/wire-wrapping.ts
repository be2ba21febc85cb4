// wrap and unwrap between the port and the wire (API-23..25). A data key is a base64 string there by contract, so it cannot
// be wiped (D-24); the bytes on both sides are.

import { toBase64 } from '../bytes/base64.ts';
import { fail } from '../errors.ts';
import type { Call, UnwrapRequest, UnwrapResult, WrapRequest, WrapResult } from '../kms/ports.ts';
import type { Wire } from './schemas.ts';
import { base64OrNull, bytesOfMember, bytesOrNull, callMembers } from './wire-call.ts';

/** The documented name of what a wrap suite does. */
export function wrapAlgName(suite: number): string {
  return suite === 3 ? 'x25519' : suite === 4 ? 'ml-kem' : 'hybrid(x25519+ml-kem)';
}

export function wrapBody(request: WrapRequest, call: Call): Wire<'wrap', 'body'> {
  const { kid, plaintext, size, kemMode } = request;
  return {
    kid,
    ...(plaintext === undefined ? {} : { plaintext_key_b64: toBase64(plaintext) }),
    ...(size === undefined ? {} : { size }),
    kem_mode: kemMode ?? 'any',
    ...callMembers(call),
  };
}

/** The receiver wipes `plaintext`. */
export function wrapRequest(body: Wire<'wrap', 'body'>): WrapRequest {
  const { kid, plaintext_key_b64, size } = body;
  const kemMode = body.kem_mode ?? 'hybrid';
  if ((plaintext_key_b64 === undefined) === (size === undefined)) {
    fail('InvalidValue', 'exactly one of plaintext_key_b64 and size is expected', { field: 'plaintext_key_b64' });
  }
  return {
    kid,
    ...(plaintext_key_b64 === undefined ? {} : { plaintext: bytesOfMember(plaintext_key_b64, 'plaintext_key_b64') }),
    ...(size === undefined ? {} : { size }),
    ...(kemMode === 'any' ? {} : { kemMode }),
  };
}

export function wrapAnswer(result: WrapResult): Wire<'wrap', 'answer'> {
  const { envelope, kid, suite, op_id } = result;
  return { wrapped_b64: base64OrNull(envelope), alg: wrapAlgName(suite), kid, suite, op_id };
}

export function wrapResult(answer: Wire<'wrap', 'answer'>): WrapResult {
  const { wrapped_b64, kid, suite, op_id } = answer;
  return { envelope: bytesOrNull(wrapped_b64, 'wrapped_b64'), kid, suite, op_id };
}

export function unwrapBody(request: UnwrapRequest, call: Call): Wire<'unwrap', 'body'> {
  return { kid: request.kid, wrapped_b64: toBase64(request.envelope), ...callMembers(call) };
}

export function unwrapRequest(body: Wire<'unwrap', 'body'>): UnwrapRequest {
  return { kid: body.kid, envelope: bytesOfMember(body.wrapped_b64, 'wrapped_b64') };
}

/** The caller wipes `result.plaintext` afterwards. */
export function unwrapAnswer(result: UnwrapResult): Wire<'unwrap', 'answer'> {
  const { plaintext, kid, suite, op_id } = result;
  return { plaintext_key_b64: base64OrNull(plaintext), alg: wrapAlgName(suite), kid, suite, op_id };
}

export function unwrapResult(answer: Wire<'unwrap', 'answer'>): UnwrapResult {
  const { plaintext_key_b64, kid, suite, op_id } = answer;
  return { plaintext: bytesOrNull(plaintext_key_b64, 'plaintext_key_b64'), kid, suite, op_id };
}
