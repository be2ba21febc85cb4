// wrap and unwrap (keys page 7). Only the head wraps; every version with its private half unwraps, superseded and
// compromised ones too, because refusing would only lose data. A record is durable before anything leaves. A single-track
// x25519 key does not wrap when the mode in force is `and` or `pq_only`: harvest now, decrypt later.

import type { AuditDraft } from '../../audit/draft.ts';
import { wipe } from '../../bytes/wipe.ts';
import { blake3Hex } from '../../crypto/blake3.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import { KEMS } from '../../crypto/suite.ts';
import { fail } from '../../errors.ts';
import { requireKeyId, withVersion } from '../../keys/key-id.ts';
import { requireHead, requireKey, requireVersion } from '../../keys/keyring.ts';
import type { PublicVersion } from '../../keys/public-view.ts';
import { isKemAlg, isWrapSuite, WRAP_SUITES, type WrapSuite } from '../../keys/tracks.ts';
import { checkPlaintextSize, openEnvelope, parseEnvelope, sealEnvelope } from '../../keys/wrap-envelope.ts';
import { PHASES } from '../../rollout/phases.ts';
import type { Call, UnwrapRequest, UnwrapResult, Wrapping, WrapRequest, WrapResult } from '../ports.ts';
import { spanned } from '../span.ts';
import { actorOf, admitted, authorise, refuseAborted } from './authorise.ts';
import { type OpenHome, refuseVerifyOnly } from './home.ts';
import { phaseOfKey, refuseUngovernedMacronode, requireAttestable } from './key-policy.ts';
import type { KeyServices } from './keys.ts';

function suiteOf(kid: string, version: PublicVersion): WrapSuite {
  const { suite } = version;
  if (suite !== undefined && isWrapSuite(suite)) return suite;
  return fail('Unsupported', `${kid} is a signing key and does not wrap`, { hint: 'See `ronctl kms sign`.' });
}

const MODES: Readonly<Record<WrapSuite, WrapRequest['kemMode']>> = {
  1: 'hybrid',
  2: 'hybrid',
  3: 'x25519',
  4: 'ml-kem',
};

/** The key to wrap: the caller's, or a random one that only unwrap returns. The callee of this wipes it. */
function plaintextOf(home: OpenHome, request: WrapRequest): Uint8Array {
  const { plaintext, size } = request;
  if ((plaintext === undefined) === (size === undefined)) {
    fail('InvalidValue', 'exactly one of plaintext and size is expected', { field: 'plaintext' });
  }
  if (plaintext !== undefined) {
    checkPlaintextSize(plaintext.length, 'plaintext');
    return Uint8Array.from(plaintext);
  }
  checkPlaintextSize(size!, 'size');
  return home.random.bytes(size!);
}

async function wrap(services: KeyServices, request: WrapRequest, call: Call): Promise<WrapResult> {
  const id = requireKeyId(request.kid, 'kid');
  authorise(call, 'kms:wrap', id);
  const home = await services.open();
  refuseVerifyOnly(home.store);
  refuseUngovernedMacronode(home.policy(), 'to wrap');
  const key = requireKey(home.store.view, id);
  if (!isKemAlg(id.alg)) fail('Unsupported', `${id.kid} is a signing key and does not wrap`);
  const version = requireHead(key, id);
  const kid = withVersion(key.kid, version.n);
  const suite = suiteOf(kid, version);
  const hint = { hint: `Run \`ronctl kms rotate ${key.kid}\`: the next version may have more tracks.` };
  if (request.kemMode !== undefined && request.kemMode !== MODES[suite]) {
    fail('Unsupported', `${kid} does not wrap in the mode ${request.kemMode}; its mode is ${MODES[suite]}`, {
      ...hint,
      field: 'kem_mode',
    });
  }
  requireAttestable(home.policy(), id.tenant, home.judged());
  const phase = phaseOfKey(home.policy(), id, key, home.judged());
  const mode = PHASES[phase].verify_mode;
  if (suite === 3 && mode !== 'or') {
    fail('Unsupported', `phase ${phase} (${mode}) is in force, and ${kid} is a classical x25519 key`, hint);
  }
  const { tenant } = id;
  const about = { kid, suite, tenant, purpose: id.purpose };
  const { serving } = services;
  const work = (repeat: boolean): Promise<WrapResult> =>
    admitted(call, 'wrap', tenant, () => wrapNow(home, request, call, { ...about, repeat }));
  if (serving === undefined || call.dryRun === true) return work(false);
  const { kemMode, plaintext, size } = request;
  const body = {
    kid: request.kid,
    ...(plaintext === undefined ? {} : { plaintext_sha256: sha256Hex(plaintext) }),
    ...(size === undefined ? {} : { size }),
    ...(kemMode === undefined ? {} : { kem_mode: kemMode }),
  };
  return serving.once.run({ call, route: 'wrap', tenant, body }, work);
}

interface About {
  readonly kid: string;
  readonly suite: WrapSuite;
  readonly tenant: string;
  readonly purpose: string;
  /** Another call had this operation id before. */
  readonly repeat: boolean;
}

async function wrapNow(home: OpenHome, request: WrapRequest, call: Call, about: About): Promise<WrapResult> {
  const { kid, suite } = about;
  const plaintext = plaintextOf(home, request);
  refuseAborted(call);
  try {
    if (call.dryRun === true) return { envelope: null, kid, suite, op_id: call.opId };
    const envelope = await home.cache.use(kid, (held) => {
      const publicKey = held.version.pub[KEMS[WRAP_SUITES[suite].kem].member];
      return sealEnvelope(
        home.crypto,
        suite,
        kid,
        publicKey ?? fail('Tampered', `${kid} has no public key`),
        plaintext,
      );
    });
    await record(home, call, 'wrap', about, envelope);
    return { envelope, kid, suite, op_id: call.opId };
  } finally {
    wipe(plaintext);
  }
}

async function unwrap(services: KeyServices, request: UnwrapRequest, call: Call): Promise<UnwrapResult> {
  const id = requireKeyId(request.kid, 'kid');
  authorise(call, 'kms:unwrap', id);
  const home = await services.open();
  refuseVerifyOnly(home.store);
  const envelope = parseEnvelope(request.envelope);
  if (envelope.kid.kid !== id.kid || (id.version !== null && id.version !== envelope.kid.version)) {
    fail('InvalidValue', `the envelope was made for ${envelope.kidText}, not for ${request.kid}`, {
      field: 'kid',
      hint: `Run \`ronctl kms unwrap ${envelope.kidText}\` with this envelope.`,
    });
  }
  const key = requireKey(home.store.view, id);
  const version = requireVersion(key, envelope.kid);
  const kid = envelope.kidText;
  const suite = suiteOf(kid, version);
  if (suite !== envelope.suite) {
    fail('SuiteMismatch', `the envelope names suite ${envelope.suite}; ${kid} does suite ${suite}`, { field: 'suite' });
  }
  if (version.state === 'retired') fail('Retired', `the private half of ${kid} is gone; no envelope of it opens again`);
  refuseAborted(call);
  if (call.dryRun === true) return { plaintext: null, kid, suite, op_id: call.opId };
  const { tenant } = id;
  const about = { kid, suite, tenant, purpose: id.purpose };
  const { serving } = services;
  const work = (repeat: boolean): Promise<UnwrapResult> =>
    admitted(call, 'wrap', tenant, () => unwrapNow(home, envelope, request.envelope, call, { ...about, repeat }));
  if (serving === undefined) return work(false);
  return serving.once.run(
    {
      call,
      route: 'unwrap',
      tenant,
      body: { kid: request.kid, envelope_sha256: sha256Hex(request.envelope) },
      copy: (one) => ({ ...one, plaintext: one.plaintext === null ? null : one.plaintext.slice() }),
      wipe: (one) => wipe(one.plaintext ?? undefined),
    },
    work,
  );
}

async function unwrapNow(
  home: OpenHome,
  envelope: ReturnType<typeof parseEnvelope>,
  bytes: Uint8Array,
  call: Call,
  about: About,
): Promise<UnwrapResult> {
  const { kid, suite } = about;
  const plaintext = await spanned(call, 'backend.unwrap', () =>
    home.cache.use(kid, async (held) => {
      const secret = held.kem ?? fail('Tampered', `the sealed record of ${kid} has no wrapping secret`);
      return openEnvelope(home.crypto, envelope, secret);
    }),
  );
  try {
    await record(home, call, 'unwrap', about, bytes);
    return { plaintext, kid, suite, op_id: call.opId };
  } catch (error) {
    wipe(plaintext);
    throw error;
  }
}

async function record(
  home: OpenHome,
  call: Call,
  op: 'wrap' | 'unwrap',
  about: About,
  envelope: Uint8Array,
): Promise<void> {
  const draft: AuditDraft = {
    op,
    op_id: call.opId,
    actor: actorOf(call),
    tenant: about.tenant,
    kid: about.kid,
    purpose: about.purpose,
    input_hash: `b3:${blake3Hex(envelope)}`,
    result: 'ok',
    detail: { suite: about.suite, ...(about.repeat ? { repeat: true } : {}) },
  };
  await spanned(call, 'svc.kms.audit.append', () => home.store.append([draft]));
}

export function wrappingService(services: KeyServices): Wrapping {
  return {
    wrap: (request, call) => wrap(services, request, call),
    unwrap: (request, call) => unwrap(services, request, call),
  };
}
