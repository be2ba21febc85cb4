// verify (keys page 6): two answers (I-15). Each signature for ever, whatever the policy; and whether the mode in force for
// that tenant and key, or a tighter one that was asked for, accepts the bundle now. With a key object from elsewhere the state of the key is not authenticated.

import type { JsonObject } from '../../bytes/canonical-json.ts';
import { within } from '../../bytes/decode.ts';
import { toHex } from '../../bytes/hex.ts';
import { fromTime } from '../../bytes/time.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { SIGNATURES } from '../../crypto/suite.ts';
import { type ErrorCode, fail } from '../../errors.ts';
import {
  acceptsByTable,
  type Judgement,
  judge,
  type LogPlace,
  satisfiedMode,
  stricterMode,
} from '../../keys/acceptance.ts';
import { type Bundle, decodeBundle, type SignatureVerdict, verifyBundle } from '../../keys/bundle.ts';
import { keyObjectDefect, parseKeyObject } from '../../keys/key-object.ts';
import { requireKey, requireVersion } from '../../keys/keyring.ts';
import { parsePayloadB3 } from '../../keys/message.ts';
import type { PublicKeyEntry, PublicVersion } from '../../keys/public-view.ts';
import { SIGN_ALGS, type SignAlg } from '../../keys/tracks.ts';
import { PHASES, type VerifyMode } from '../../rollout/phases.ts';
import type { Call, VerifyRequest, VerifyResult } from '../ports.ts';
import { actorOf, admitted, authorise } from './authorise.ts';
import { refuseVerifyOnly } from './home.ts';
import { readKeyObject } from './key-info.ts';
import { phaseOfKey } from './key-policy.ts';
import type { KeyServices } from './keys.ts';
import { compromisedFrom, legacyBefore, lookUpIn } from './legacy.ts';
import type { KeyReader, TrustedService } from './reader.ts';

function publicKeys(pub: Readonly<Record<string, Uint8Array | undefined>>): ReadonlyMap<SignAlg, Uint8Array> {
  const keys = new Map<SignAlg, Uint8Array>();
  for (const alg of SIGN_ALGS) {
    const bytes = pub[SIGNATURES[alg].member];
    if (bytes !== undefined) keys.set(alg, bytes);
  }
  return keys;
}

const REASONS: Readonly<Partial<Record<ErrorCode, string>>> = {
  NotAuthenticated: 'the state of the key is not authenticated here',
  VerificationFailed: 'a signature in the bundle is not valid',
  LegacyUnproven: 'no log record proves when this signature was made',
  PqPolicy: 'the signatures are valid, but not enough for the mode in force',
  Compromised: 'the key version was declared compromised, and no log record shows an earlier signature',
};

type Answer = Omit<VerifyResult, 'kid' | 'signatures' | 'audited' | 'reason'>;

function result(bundle: Bundle, verdicts: readonly SignatureVerdict[], answer: Answer): VerifyResult {
  const byAsked = answer.by_asked_mode === true && answer.refusal === 'PqPolicy';
  const askedWhy = `the signatures are valid, but not enough for the mode ${answer.required_mode} that was asked for`;
  const reason = answer.refusal === null ? undefined : byAsked ? askedWhy : REASONS[answer.refusal];
  const signatures = verdicts.map(({ alg, valid, reason: why }) => ({
    alg,
    valid,
    ...(why === undefined ? {} : { reason: why }),
  }));
  return { kid: bundle.kidText, signatures, ...answer, audited: false, ...(reason === undefined ? {} : { reason }) };
}

const json = ({ kid, payload_b3, sigs }: VerifyRequest['bundle']): JsonObject => ({
  kid,
  payload_b3,
  sigs: sigs.map(({ alg, signature_b64 }) => ({ alg, signature_b64 })),
});

/** Where the `sign` record of this bundle stands, by a tlog-proof. Throws VerificationFailed when it is of another one. */
function provenSign(
  trusted: TrustedService,
  proof: Uint8Array,
  name: string,
  bundle: Bundle,
  inputHash: string,
): LogPlace {
  return within(name, () => {
    const { place, record } = trusted.checkProof(proof);
    const isIt = record.op === 'sign' && record.result === 'ok' && record.kid === bundle.kidText;
    if (isIt && record.input_hash === inputHash) return place;
    return fail('VerificationFailed', `the proof is of another record (${record.op}), not of this signature`, {
      field: 'proof',
    });
  });
}

const proofName = ({ names }: VerifyRequest): string => names?.proof ?? 'the proof';

function fromJudgement(judgement: Judgement, mode: string, reader: KeyReader): Answer {
  const isKnown = reader.trust !== 'not-authenticated';
  return {
    accepted: isKnown && judgement.accepted,
    state: isKnown ? 'authenticated' : 'not authenticated',
    required_mode: mode,
    satisfied_mode: judgement.satisfiedMode,
    ...(judgement.legacy === null ? {} : { legacy: judgement.legacy }),
    trust: reader.trust,
    refusal: isKnown ? judgement.refusal : 'NotAuthenticated',
  };
}

/** The same under a mode that may refuse more, and never accepts what the one in force refuses. */
function tightened(
  answer: Answer,
  tracks: readonly string[],
  verdicts: readonly SignatureVerdict[],
  mode: VerifyMode,
): Answer {
  const judged = { ...answer, required_mode: mode, satisfied_mode: satisfiedMode(tracks, verdicts, mode) };
  if (!answer.accepted || acceptsByTable(tracks, verdicts, mode)) return judged;
  return { ...judged, accepted: false, by_asked_mode: true, refusal: answer.refusal ?? 'PqPolicy' };
}

async function verifyHere(
  services: KeyServices,
  request: VerifyRequest,
  bundle: Bundle,
  payloadB3: Uint8Array,
): Promise<VerifyResult> {
  const crypto = await services.crypto();
  const reader = await (services.verifier === undefined ? services.reader() : services.verifier());
  const key = requireKey(reader.view, bundle.kid);
  const version = requireVersion(key, bundle.kid);
  const mode = PHASES[phaseOfKey(reader.policy, bundle.kid, key, reader.judged)].verify_mode;
  const asked = request.mode === undefined ? mode : stricterMode(mode, request.mode);
  const judgeNow = (): Promise<VerifyResult> =>
    judgeHere({ crypto, reader, key, version, mode, asked }, request, bundle, payloadB3);
  const { serving } = services;
  if (serving === undefined) return judgeNow();
  const ageMs = serving.materialAgeMs();
  if (request.proof !== undefined) {
    serving.verdicts.demandFresh(ageMs);
    return judgeNow();
  }
  const question = {
    kid: bundle.kidText,
    bundle: request.bundle,
    payloadB3: request.payload_b3,
    mode: asked === mode ? mode : `${mode}, asked for ${asked}`,
    policySeq: serving.policySeq(),
    state: `${version.state} ${version.from_seq ?? ''} ${version.tracks.join(',')}`,
    trust: reader.trust,
  };
  return serving.verdicts.answer(question, ageMs, judgeNow);
}

interface Here {
  readonly crypto: Crypto;
  readonly reader: KeyReader;
  readonly key: PublicKeyEntry;
  readonly version: PublicVersion;
  /** In force. */
  readonly mode: VerifyMode;
  /** That or a stricter one. */
  readonly asked: VerifyMode;
}

async function judgeHere(
  { crypto, reader, key, version, mode, asked }: Here,
  request: VerifyRequest,
  bundle: Bundle,
  payloadB3: Uint8Array,
): Promise<VerifyResult> {
  const object =
    readKeyObject(crypto, reader, key.kid, version) ??
    fail('NotAuthenticated', `the key object of ${bundle.kidText} is missing from store/keys`, {
      hint: 'The next command that unseals the keys writes it again, such as `ronctl kms rotate`.',
    });
  const verdicts = verifyBundle(crypto, publicKeys(object.pub), bundle, payloadB3);
  const inputHash = `b3:${toHex(payloadB3)}`;
  const given =
    request.proof === undefined ? [] : [provenSign(reader, request.proof, proofName(request), bundle, inputHash)];
  const question = {
    tracks: version.tracks,
    verdicts,
    mode,
    compromisedFrom: compromisedFrom(reader.log, bundle.kid, version),
    legacyBefore: legacyBefore(reader.policy, bundle.kid, key, reader.judged),
  };
  const lookUp = lookUpIn(reader.log, reader.policy.governed, bundle.kidText, inputHash, given);
  const answer = fromJudgement(await judge(question, lookUp), mode, reader);
  return result(bundle, verdicts, asked === mode ? answer : tightened(answer, version.tracks, verdicts, asked));
}

/** The service whose keys signed an object from elsewhere. Throws NoTrustedKey. */
async function signerOf(
  services: KeyServices,
  crypto: Crypto,
  envelope: Parameters<typeof keyObjectDefect>[1],
  name: string,
): Promise<TrustedService> {
  for (const one of await services.trusted()) {
    if (keyObjectDefect(crypto, envelope, one.serviceKeys) === null) return one;
  }
  return fail('NoTrustedKey', `${name}: no service key that is trusted here signed the key object`, { field: 'key' });
}

/**
 * With a key object file. It proves the keys, and their state at its own date only; a tlog-proof of the `sign` record shows
 * that the service made the signature, when its policy allowed it.
 */
async function verifyElsewhere(
  services: KeyServices,
  request: VerifyRequest,
  keyObject: Uint8Array,
  bundle: Bundle,
  payloadB3: Uint8Array,
): Promise<VerifyResult> {
  const crypto = await services.crypto();
  const name = request.names?.keyObject ?? 'the key object';
  const { envelope, object } = parseKeyObject(keyObject, name);
  if (object.kid !== bundle.kidText) {
    fail('InvalidValue', `${name} is the key object of ${object.kid}, the bundle of ${bundle.kidText}`, {
      field: 'key',
    });
  }
  const trusted = await signerOf(services, crypto, envelope, name);
  const verdicts = verifyBundle(crypto, publicKeys(object.pub), bundle, payloadB3);
  const anyBad = verdicts.some((one) => !one.valid);
  const isProven = request.proof !== undefined;
  if (request.proof !== undefined) {
    provenSign(trusted, request.proof, proofName(request), bundle, `b3:${toHex(payloadB3)}`);
  }
  const isCompromised = object.from_seq !== undefined;
  const answer: Answer = {
    accepted: !anyBad && isProven && !isCompromised,
    state: 'not authenticated',
    required_mode: null,
    satisfied_mode: satisfiedMode(object.tracks, verdicts, 'pq_only'),
    trust: 'not-authenticated',
    refusal: anyBad ? 'VerificationFailed' : !isProven ? 'NotAuthenticated' : isCompromised ? 'LegacyUnproven' : null,
  };
  const { mode } = request;
  return result(bundle, verdicts, mode === undefined ? answer : tightened(answer, object.tracks, verdicts, mode));
}

/** Appends the `verify` record; a dry run does everything but that. False when nothing was written. */
async function record(services: KeyServices, call: Call, answer: VerifyResult, bundle: Bundle): Promise<boolean> {
  const home = await services.open();
  refuseVerifyOnly(home.store);
  if (call.dryRun === true) return false;
  const { tenant, purpose } = bundle.kid;
  const second = Math.floor(fromTime(home.judged().now.wall) / 1000);
  await home.store.append([
    {
      op: 'verify',
      op_id: call.opId,
      actor: actorOf(call),
      tenant,
      kid: bundle.kidText,
      purpose,
      result: answer.refusal ?? 'ok',
      detail: { count: 1, second, inputs_sha256: sha256Hex(bundle.payloadB3) },
    },
  ]);
  return true;
}

/** A negative verdict is `refusal` in the answer. Throws NotFound, Malformed, NotAuthenticated, Tampered, NoTrustedKey. */
export async function verifySignatures(
  services: KeyServices,
  request: VerifyRequest,
  call: Call,
): Promise<VerifyResult> {
  const payloadB3 = parsePayloadB3(request.payload_b3, 'payload_b3');
  const bundle = decodeBundle(json(request.bundle));
  authorise(call, 'kms:verify', bundle.kid);
  const { keyObject } = request;
  const answer = await admitted(call, 'verify', bundle.kid.tenant, () =>
    keyObject === undefined
      ? verifyHere(services, request, bundle, payloadB3)
      : verifyElsewhere(services, request, keyObject, bundle, payloadB3),
  );
  const { serving } = services;
  if (serving !== undefined && call.dryRun !== true) {
    const { kid } = bundle;
    const result: ErrorCode | 'ok' = answer.refusal ?? 'ok';
    const told = {
      tenant: kid.tenant,
      kid: bundle.kidText,
      purpose: kid.purpose,
      result,
      payloadB3: request.payload_b3,
    };
    serving.outcomes.verified(told);
    return { ...answer, audited: serving.recording() };
  }
  if (request.audit !== true) return answer;
  return { ...answer, audited: await record(services, call, answer, bundle) };
}
