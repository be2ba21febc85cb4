// The Signing port in-process (keys page 5). `sign` never releases what `verify` would refuse: state, tracks and mode in
// force are judged before the private key is touched, and the record is durable before the bundle leaves.

import { fail } from '../../errors.ts';
import { maySign } from '../../keys/acceptance.ts';
import { bundleJson } from '../../keys/bundle.ts';
import { type KeyId, requireKeyId, withVersion } from '../../keys/key-id.ts';
import { headOf, requireHead, requireKey } from '../../keys/keyring.ts';
import { algsName, parsePayloadB3, signedMessage } from '../../keys/message.ts';
import type { PublicKeyEntry, PublicVersion } from '../../keys/public-view.ts';
import { isClassical, isKemAlg, type SignAlg, signAlgsOf } from '../../keys/tracks.ts';
import { LIMITS } from '../../limits.ts';
import { PHASES } from '../../rollout/phases.ts';
import type { Call, Signing, SignRequest, SignResult } from '../ports.ts';
import { spanned } from '../span.ts';
import { actorOf, admitted, authorise, refuseAborted } from './authorise.ts';
import { type OpenHome, refuseVerifyOnly } from './home.ts';
import { phaseOfKey, refuseUngovernedMacronode, requireAttestable } from './key-policy.ts';
import type { KeyServices } from './keys.ts';
import { verifySignatures } from './verification.ts';

/** What `sign` was asked to sign with. */
interface Chosen {
  readonly id: KeyId;
  readonly key: PublicKeyEntry;
  readonly version: PublicVersion;
}

/** Of several keys the one whose usable head was made last; a single key is judged as it is. */
async function choose(home: OpenHome, kids: readonly string[]): Promise<Chosen> {
  if (kids.length < 1 || kids.length > LIMITS.kidSet) {
    fail('InvalidValue', `kid_set: 1 to ${LIMITS.kidSet} key ids are expected, not ${kids.length}`, {
      field: 'kid_set',
    });
  }
  const all = kids.map((kid) => {
    const id = requireKeyId(kid, 'kid');
    return { id, key: requireKey(home.store.view, id) };
  });
  if (all.some(({ id }) => id.tenant !== all[0]!.id.tenant)) {
    fail('InvalidValue', 'kid_set: all keys must belong to one tenant', { field: 'kid_set' });
  }
  let newest: (typeof all)[number] | null = null;
  let newestAt = '';
  for (const one of all.length === 1 ? [] : all) {
    const head = headOf(one.key);
    if (head.state !== 'active' || (one.id.version ?? head.n) !== head.n) continue;
    const createdAt = await home.cache.use(withVersion(one.key.kid, head.n), async (held) => held.version.created_at);
    const isTie = newest !== null && createdAt === newestAt;
    if (createdAt < newestAt || (isTie && head.created_seq < headOf(newest!.key).created_seq)) continue;
    newest = one;
    newestAt = createdAt;
  }
  const { id, key } = newest ?? all[0]!;
  return { id, key, version: requireHead(key, id) };
}

/** Throws PqPolicy or Unsupported: the mode in force would refuse what this version can sign. */
function requireAcceptable(home: OpenHome, { id, key, version }: Chosen, produceHybrid: boolean | undefined): void {
  const kid = withVersion(key.kid, version.n);
  if (isKemAlg(id.alg))
    fail('Unsupported', `${kid} is a wrapping key and does not sign`, { hint: 'See `ronctl kms wrap`.' });
  const hint = { hint: `Run \`ronctl kms rotate ${key.kid}\`: the next version gets the post-quantum track.` };
  if (produceHybrid === true && version.tracks.length < 2 && isClassical(version.tracks)) {
    fail('Unsupported', `${kid} has the track ${version.tracks.join(', ')} only and cannot sign hybrid`, hint);
  }
  const phase = phaseOfKey(home.policy(), id, key, home.judged());
  const mode = PHASES[phase].verify_mode;
  if (maySign(version.tracks, mode)) return;
  fail(
    'PqPolicy',
    `phase ${phase} (${mode}) is in force, and ${kid} has the track ${version.tracks.join(', ')} only`,
    hint,
  );
}

async function sign(services: KeyServices, request: SignRequest, call: Call): Promise<SignResult> {
  const payloadB3 = parsePayloadB3(request.payload_b3, 'payload_b3');
  for (const kid of request.kids) authorise(call, 'kms:sign', requireKeyId(kid, 'kid'));
  const home = await services.open();
  refuseVerifyOnly(home.store);
  refuseUngovernedMacronode(home.policy(), 'to sign');
  const chosen = await choose(home, request.kids);
  requireAttestable(home.policy(), chosen.id.tenant, home.judged());
  requireAcceptable(home, chosen, request.produce_hybrid);
  const kid = withVersion(chosen.key.kid, chosen.version.n);
  const algs = signAlgsOf(chosen.version.tracks);
  const named = { kid, algs: algsName(algs), op_id: call.opId };
  refuseAborted(call);
  if (call.dryRun === true) return { ...named, bundle: null, audit: null };

  const { serving } = services;
  const { tenant } = chosen.id;
  const work = (repeat: boolean): Promise<SignResult> =>
    admitted(call, 'sign', tenant, async () => {
      const attestation = (await serving?.attestations.of(home, kid, chosen.version)) ?? null;
      return signNow(home, call, {
        chosen,
        kid,
        algs,
        payloadB3,
        inputHash: `b3:${request.payload_b3}`,
        attestation,
        repeat,
      });
    });
  if (serving === undefined) return work(false);
  const { kids, payload_b3, produce_hybrid: hybrid } = request;
  const body = { kids: [...kids], payload_b3, ...(hybrid === undefined ? {} : { produce_hybrid: hybrid }) };
  return serving.once.run({ call, route: 'sign', tenant, body }, work);
}

interface SignNow {
  readonly chosen: Chosen;
  readonly kid: string;
  readonly algs: readonly SignAlg[];
  readonly payloadB3: Uint8Array;
  readonly inputHash: string;
  readonly attestation: { readonly class: string; readonly evidence: string } | null;
  /** Another call had this operation id before. */
  readonly repeat: boolean;
}

async function signNow(home: OpenHome, call: Call, of: SignNow): Promise<SignResult> {
  const { algs, attestation, chosen, inputHash, kid, payloadB3, repeat } = of;
  const named = { kid, algs: algsName(algs), op_id: call.opId };
  const message = signedMessage(algs, kid, payloadB3);
  const signatures = await spanned(call, 'backend.sign', () =>
    home.cache.use(kid, async (held) => {
      const made: { alg: SignAlg; bytes: Uint8Array }[] = [];
      for (const alg of algs) {
        const signer = held.signers.get(alg) ?? fail('Tampered', `the sealed record of ${kid} has no ${alg} secret`);
        made.push({ alg, bytes: await signer.sign(message) });
      }
      return made;
    }),
  );
  const [record] = await spanned(call, 'svc.kms.audit.append', () =>
    home.store.append([
      {
        op: 'sign',
        op_id: call.opId,
        actor: actorOf(call),
        tenant: chosen.id.tenant,
        kid,
        alg: named.algs,
        purpose: chosen.id.purpose,
        input_hash: inputHash,
        result: 'ok',
        ...(attestation === null ? {} : { attestation }),
        ...(repeat ? { detail: { repeat } } : {}),
      },
    ]),
  );
  return {
    ...named,
    bundle: bundleJson({ kidText: kid, payloadB3, signatures }),
    ...(attestation === null ? {} : { attestation }),
    audit: record === undefined ? null : { origin: home.store.origin, index: record.seq },
  };
}

export function signingService(services: KeyServices): Signing {
  return {
    sign: (request, call) => sign(services, request, call),
    verify: (request, call) => verifySignatures(services, request, call),
  };
}
