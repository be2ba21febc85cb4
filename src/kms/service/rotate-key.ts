// Rotating a key (keys page 8, 9): version N+1 with the tracks that section 4 gives now, never fewer than before. New secret,
// key objects, continuity statement, public.json and record are one R-02 mutation: a crash leaves N or N+1, never half.

import type { AuditRecord } from '../../audit/draft.ts';
import { wipe } from '../../bytes/wipe.ts';
import type { SigningKey } from '../../crypto/provider.ts';
import { envelopeDigest } from '../../envelope/dsse.ts';
import { fail } from '../../errors.ts';
import { continuityFile, signContinuity, type TrackSigners } from '../../keys/continuity.ts';
import { type KeyId, requireKeyId, withVersion } from '../../keys/key-id.ts';
import { keyFileName } from '../../keys/key-object.ts';
import { componentsOfRecord, type OpenKeyVersion } from '../../keys/key-record.ts';
import { addVersion, headOf, requireKey, requireVersion } from '../../keys/keyring.ts';
import type { PublicKeyEntry, PublicVersion } from '../../keys/public-view.ts';
import { componentsOf, type Material, rotatedMaterial, type SignAlg } from '../../keys/tracks.ts';
import { producesHybrid } from '../../rollout/phases.ts';
import type { Mutation } from '../../storage/custody-port.ts';
import type { Call, RotateResult } from '../ports.ts';
import { actorOf, admitted, authorise, refuseAborted } from './authorise.ts';
import { type OpenHome, refuseVerifyOnly } from './home.ts';
import { auditPart, generateVersion, type KeyFile, keyObjectFile, publicPart, sealedPut } from './key-making.ts';
import { phaseOfKey, refuseUngovernedMacronode, requireAllowedAlg } from './key-policy.ts';
import { type Repeat, recordedKey, repeatOf } from './repeat.ts';

/** The signing keys of a version that was just made. The caller destroys them. */
async function signersOf(home: OpenHome, version: OpenKeyVersion): Promise<TrackSigners> {
  const signers = new Map<SignAlg, SigningKey>();
  for (const [index, component] of componentsOf(version).entries()) {
    if (component.use === 'kem') continue;
    signers.set(component.alg, await home.crypto.signature(component.alg).importSecret(version.secrets[index]!));
  }
  return signers;
}

/** Old versions sign the continuity of a rotation, unless they were compromised. */
async function withOldSigners<T>(
  home: OpenHome,
  kid: string,
  head: PublicVersion,
  act: (old: TrackSigners) => Promise<T>,
): Promise<T> {
  if (head.state === 'compromised') return act(new Map());
  return home.cache.use(withVersion(kid, head.n), (held) => act(held.signers));
}

/** H of the executed key-compromised, as its audit record names it. */
function compromiseDigest(home: OpenHome, id: KeyId): string {
  let found: string | null = null;
  for (const record of home.store.records(0)) {
    if (record.op !== 'compromised' || record.kid?.split('#')[0] !== id.kid) continue;
    const digest = record.detail?.['proposal_digest'];
    if (typeof digest === 'string') found = digest;
  }
  return found ?? fail('Inconclusive', `the log of this epoch has no record that ${id.kid} was compromised`);
}

interface NextVersion {
  readonly mutation: Mutation;
  readonly continuity: string;
  wipe(): void;
}

/** Everything of version N+1, made and signed but not committed. */
async function nextVersion(
  home: OpenHome,
  id: KeyId,
  key: PublicKeyEntry,
  material: Material,
  call: Call,
  req: string,
): Promise<NextVersion> {
  const head = headOf(key);
  const ts = home.judged().now.wall;
  const policy = home.policy();
  const service = await home.store.serviceKeys();
  const old = await home.cache.use(withVersion(id.kid, head.n), async (held) => held.version);
  const version = await generateVersion(home.crypto, withVersion(id.kid, head.n + 1), material, ts, old.rotate_days);
  const fresh = await signersOf(home, version);
  const statement = {
    ledger_id: policy.ledgerId ?? home.store.storeId,
    old: { kid: old.kid, pub: old.pub },
    new: { kid: version.kid, pub: version.pub },
    op_id: call.opId,
    ts,
    ...(head.state === 'compromised' ? { proposal_digest: compromiseDigest(home, id) } : {}),
  };
  const envelope = await withOldSigners(home, id.kid, head, (signers) =>
    signContinuity(home.crypto, statement, service, { old: signers, new: fresh }),
  );
  for (const signer of fresh.values()) signer.destroy();
  const continuity = envelopeDigest(envelope);
  const keyFiles: KeyFile[] = [
    await keyObjectFile(home.crypto, service, version, { state: 'active' }),
    { name: keyFileName(version.kid, 'cont'), bytes: continuityFile(envelope) },
  ];
  if (head.state === 'active') {
    keyFiles.push(await keyObjectFile(home.crypto, service, old, { state: 'superseded' }));
  }
  return {
    continuity,
    wipe: () => wipe(...version.secrets),
    mutation: {
      puts: [sealedPut(version)],
      keyFiles,
      publicView: (current, place) => addVersion(current, id.kid, head.n + 1, publicPart(version, place, continuity)),
      audit: {
        op: 'rotate',
        op_id: call.opId,
        req,
        actor: actorOf(call),
        tenant: id.tenant,
        kid: version.kid,
        purpose: id.purpose,
        result: 'ok',
        detail: { ...auditPart(version), continuity },
      },
    },
  };
}

export async function rotateKey(home: OpenHome, request: { readonly kid: string }, call: Call): Promise<RotateResult> {
  const id = requireKeyId(request.kid, 'kid');
  authorise(call, 'kms:rotate', id);
  refuseVerifyOnly(home.store);
  refuseUngovernedMacronode(home.policy(), 'to rotate keys');
  const key = requireKey(home.store.view, id);
  if (key.state === 'retired') {
    fail('Retired', `the key ${id.kid} is retired`, { hint: 'Create a new key with `ronctl kms create`.' });
  }
  const lookUp = (): Promise<Repeat> =>
    repeatOf(home, call, { op: 'rotate', tenant: id.tenant }, { route: 'keys.rotate', kid: request.kid });
  const { earlier } = await lookUp();
  if (earlier !== null) return recordedRotation(home, earlier);
  return admitted(call, 'mutate', id.tenant, () =>
    home.exclusive(async () => {
      // A repetition may have been at work while this one waited.
      const { earlier: since, req } = await lookUp();
      return since === null ? rotateNow(home, request.kid, id, call, req) : recordedRotation(home, since);
    }),
  );
}

async function recordedRotation(home: OpenHome, earlier: AuditRecord): Promise<RotateResult> {
  const recorded = await recordedKey(home, earlier, true);
  const continuity = earlier.detail?.['continuity'];
  const previous = requireKeyId(recorded.kid, 'kid').version! - 1;
  return { ...recorded, previous, continuity: typeof continuity === 'string' ? continuity : null };
}

async function rotateNow(home: OpenHome, kidText: string, id: KeyId, call: Call, req: string): Promise<RotateResult> {
  const key = requireKey(home.store.view, id);
  if (key.state === 'retired') fail('Retired', `the key ${id.kid} is retired`);
  const head = headOf(key);
  if (requireVersion(key, id).n !== head.n) {
    fail('Conflict', `${kidText} is not the newest version; that is #v${head.n}`, {
      field: 'kid',
      hint: `Run \`ronctl kms rotate ${withVersion(id.kid, head.n)}\` if that is what you want.`,
    });
  }
  const judged = home.judged();
  requireAllowedAlg(home.policy(), id.tenant, id.alg, judged);
  const hybrid = producesHybrid(phaseOfKey(home.policy(), id, key, judged));
  const { material: previous } = componentsOfRecord(head.tracks, head.suite, 'tracks');
  const material = rotatedMaterial(id.alg, hybrid, previous);
  refuseAborted(call);
  if (call.dryRun === true) {
    const kid = withVersion(id.kid, head.n + 1);
    return { kid, key: null, op_id: call.opId, replayed: false, audit: null, previous: head.n, continuity: null };
  }
  const next = await nextVersion(home, id, key, material, call, req);
  try {
    const record = await home.store.mutate(next.mutation);
    home.cache.forget(id.kid);
    return { ...(await recordedKey(home, record, false)), previous: head.n, continuity: next.continuity };
  } finally {
    next.wipe();
  }
}
