// The effects of governed key actions (keys page 6 and 11): retire and compromise, as R-02 mutations that the executor
// commits under the op_id of its plan. Retire: the key-version records leave the manifest and are unlinked; public halves
// stay for ever. Compromise: signatures of the marked versions need a `sign` record before `from_seq`; unwrap goes on.

import { wipe } from '../../bytes/wipe.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { fail } from '../../errors.ts';
import { type KeyId, requireKeyId, withVersion } from '../../keys/key-id.ts';
import { openKeyVersion } from '../../keys/key-record.ts';
import {
  compromisable,
  compromise,
  findKey,
  headOf,
  requireKey,
  requireVersion,
  retirable,
  retire,
} from '../../keys/keyring.ts';
import type { PublicView } from '../../keys/public-view.ts';
import type { CustodyStore, Mutation } from '../../storage/custody-port.ts';
import { type KeyFile, keyObjectFile } from './key-making.ts';

/** Which step of which executed proposal this is. */
export interface EffectContext {
  readonly proposalDigest: string;
  /** Number of the effect in the plan. */
  readonly n: number;
  /** UUIDv8 of the plan. */
  readonly opId: string;
  readonly actor: string;
}

/** Key objects of versions that change their state; a version whose sealed record is gone keeps its old object. */
async function rewritten(
  crypto: Crypto,
  store: CustodyStore,
  id: KeyId,
  numbers: readonly number[],
  next: PublicView,
): Promise<KeyFile[]> {
  const service = await store.serviceKeys();
  const held = new Set(store.recordIds());
  const key = findKey(next, id.kid)!;
  const files: KeyFile[] = [];
  for (const n of numbers) {
    const kid = withVersion(id.kid, n);
    if (!held.has(kid)) continue;
    const item = await store.read(kid);
    const { secrets, ...version } = openKeyVersion(kid, item.meta, item.secret);
    wipe(...secrets);
    files.push(await keyObjectFile(crypto, service, version, requireVersion(key, { ...id, version: n })));
  }
  return files;
}

/** The version that stands in the record: the named one, or the head for the whole key. */
function recordKid(view: PublicView, id: KeyId): string {
  return withVersion(id.kid, id.version ?? headOf(requireKey(view, id)).n);
}

/** `kid`: one version that is not the head, or the whole key. Throws NotFound, Conflict, Retired. */
export async function retireMutation(
  crypto: Crypto,
  store: CustodyStore,
  kid: string,
  context: EffectContext,
): Promise<Mutation> {
  const id = requireKeyId(kid, 'kid');
  const versions = retirable(store.view, id).map((one) => one.n);
  const next = retire(store.view, id);
  const held = new Set(store.recordIds());
  return {
    drops: versions.map((n) => withVersion(id.kid, n)).filter((record) => held.has(record)),
    keyFiles: await rewritten(crypto, store, id, versions, next),
    publicView: (current) => retire(current, id),
    audit: {
      op: 'retire',
      op_id: context.opId,
      actor: context.actor,
      tenant: id.tenant,
      kid: recordKid(store.view, id),
      purpose: id.purpose,
      result: 'ok',
      detail: { proposal_digest: context.proposalDigest, n: context.n },
    },
  };
}

/** `fromSeq` is a seq of `epoch`, the current one. Throws NotFound, Stale (another epoch has begun since). */
export async function compromiseMutation(
  crypto: Crypto,
  store: CustodyStore,
  kid: string,
  from: { readonly fromSeq: number; readonly epoch: number },
  context: EffectContext,
): Promise<Mutation> {
  const id = requireKeyId(kid, 'kid');
  if (!store.origin.endsWith(`/e${from.epoch}`)) {
    fail('Stale', `the proposal counts from epoch ${from.epoch}, the log is ${store.origin}`, { field: 'epoch' });
  }
  const versions = compromisable(store.view, id).map((one) => one.n);
  const next = compromise(store.view, id, from.fromSeq);
  return {
    keyFiles: await rewritten(crypto, store, id, versions, next),
    publicView: (current) => compromise(current, id, from.fromSeq),
    audit: {
      op: 'compromised',
      op_id: context.opId,
      actor: context.actor,
      tenant: id.tenant,
      kid: recordKid(store.view, id),
      purpose: id.purpose,
      result: 'ok',
      detail: {
        proposal_digest: context.proposalDigest,
        n: context.n,
        from_seq: from.fromSeq,
        epoch: from.epoch,
      },
    },
  };
}
