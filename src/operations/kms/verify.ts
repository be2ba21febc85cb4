// `kms verify`: each signature of a bundle for ever, and whether the mode in force accepts it now (I-15). Reads without a
// passphrase and records nothing, unless `audit` asks for the record.

import { bundleJson, parseBundle } from '../../keys/bundle.ts';
import type { VerifyRequest, VerifyResult } from '../../kms/ports.ts';
import { type ProofWitnesses, proofWitnesses } from '../audit/check-proof.ts';
import type { PolicySource } from '../audit/witness-policy.ts';
import type { OperationDeps } from '../deps.ts';
import { type ServiceOptions, withService } from '../service.ts';
import { type Payload, payloadB3 } from './payload.ts';

export interface KmsVerifyRequest extends ServiceOptions {
  /** A bundle file. */
  readonly bundle: Uint8Array;
  /** Its name in errors. */
  readonly bundleName?: string;
  readonly payload: Payload;
  /** A tlog-proof of the sign record. */
  readonly proof?: Uint8Array | undefined;
  /** A key object file, instead of this home's keys. */
  readonly keyObject?: Uint8Array | undefined;
  /** Names of both in errors. */
  readonly names?: VerifyRequest['names'];
  /** Unseals and appends a `verify` record. */
  readonly audit: boolean;
  /** Whose cosignatures the checkpoint of the proof must carry; null = nobody's. */
  readonly policy?: PolicySource | null;
}

export interface KmsVerifyResult extends VerifyResult {
  readonly payload_b3: string;
  /** What the policy says of the proof; only with both. */
  readonly witnessed?: ProofWitnesses;
}

/** Throws Malformed (the bundle), NotFound, NotAuthenticated, Tampered; Inconclusive for a proof without its quorum. A negative verdict is `refusal`, not an error. */
export async function verify(request: KmsVerifyRequest, deps: OperationDeps): Promise<KmsVerifyResult> {
  const bundle = bundleJson(parseBundle(request.bundle, request.bundleName ?? 'the signature bundle'));
  const payload_b3 = await payloadB3(request.payload, deps.host, deps.onProgress);
  const { proof, keyObject, names, audit, policy = null } = request;
  // Before the service is asked: what the policy refuses is no evidence, whatever else is right about it.
  const witnessed =
    proof === undefined || policy === null
      ? undefined
      : await proofWitnesses({ proof, name: names?.proof ?? 'the proof', policy }, deps);
  const wanted = {
    bundle,
    payload_b3,
    audit,
    ...(proof === undefined ? {} : { proof }),
    ...(keyObject === undefined ? {} : { keyObject }),
    ...(names === undefined ? {} : { names }),
  };
  const answer = await withService(deps, request, ({ signing, call }) => signing.verify(wanted, call));
  return { ...answer, payload_b3, ...(witnessed === undefined ? {} : { witnessed }) };
}
