// Drafting a genesis on the custody machine (governance page 3): people, threshold, start policy and the keys of service and
// log, signed by the store and by the signers of this home. Refuses to go on from a ledger of which this home knows no
// checkpoint.

import { toBase64Url } from '../../bytes/base64.ts';
import { toTime } from '../../bytes/time.ts';
import type { Envelope } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import { buildGenesis, type Genesis } from '../../governance/genesis.ts';
import { checkpointOf } from '../../kms/service/head-proof.ts';
import type { Session } from '../../kms/service/session.ts';
import { LIMITS } from '../../limits.ts';
import { buildChangeset, parseChange } from '../../policy/change.ts';
import { parseProfile } from '../../policy/profile.ts';
import { initialPolicy, type PolicyState } from '../../policy/state.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import { readAuthority } from '../../storage/trust-pin.ts';
import type { OperationDeps } from '../deps.ts';
import { custodyIdentity } from './custody-signing.ts';
import type { GenesisPeople } from './genesis-people.ts';
import { keysOf, signWithLocal, sorted } from './genesis-sign.ts';

export interface GenesisWish {
  readonly threshold: number;
  readonly name: string;
  /** `KEY=VALUE` over the start policy of the profile. */
  readonly set: readonly string[];
  readonly supersedes: string | null;
}

/** Signed by service, log and every local signer. */
export async function makeGenesis(
  session: Session,
  request: GenesisWish,
  { members, auditor, local }: GenesisPeople,
  deps: OperationDeps,
): Promise<Envelope> {
  const ctx = session.context;
  const identity = await custodyIdentity(session.store, ctx.crypto);
  try {
    const built = buildGenesis({
      name: request.name,
      nonce: toBase64Url(ctx.random.bytes(16)),
      profile: parseProfile(session.store.profile, 'profile'),
      store_id: session.store.storeId,
      members,
      threshold: request.threshold,
      ...(auditor === null ? {} : { auditor }),
      service_keys: identity.serviceKeys,
      log_keys: identity.logKeys,
      policy: policyOf(session, request.set),
      created_at: toTime(ctx.clock.now()),
      ...supersedesOf(ctx, request.supersedes),
    });
    const signatures = await identity.sign(built);
    for (const id of local) signatures.push(...(await signWithLocal(deps, ctx, built, id, keysOf(built.genesis, id))));
    return { ...built, signatures: sorted(signatures) };
  } finally {
    identity.release();
  }
}

function policyOf(session: Session, set: readonly string[]): PolicyState {
  const profile = parseProfile(session.store.profile, 'profile');
  const start = initialPolicy(profile);
  if (set.length === 0) return start;
  return buildChangeset(
    set.map((one) => parseChange(one, '--set')),
    start,
    'global',
    profile,
  ).after;
}

/** The newest checkpoint of the old log that this home has verified and remembered; a new ledger goes on from there. */
function supersedesOf(ctx: StoreContext, ledgerId: string | null): Pick<Genesis, 'supersedes'> {
  if (ledgerId === null) return {};
  const { genesis, authority } = readAuthority(ctx, ledgerId);
  const known = rememberedCheckpoints(ctx).flatMap((note) => {
    const found = checkpointOf(ctx.crypto, authority, genesis.genesis.store_id, note);
    return found === null ? [] : [found];
  });
  const newest = known.sort((a, b) => a.size - b.size).at(-1);
  if (newest === undefined) {
    throw new RonError('Inconclusive', `this home knows no checkpoint of the log of ${ledgerId}`, {
      field: '--supersedes',
      hint: 'Verify that log in this home first: `ronctl audit verify`.',
    });
  }
  return { supersedes: { ledger_id: ledgerId, checkpoint: newest } };
}

function rememberedCheckpoints(ctx: StoreContext): Uint8Array[] {
  const names = ctx.files.list(ctx.paths.trustedLogs).filter((name) => name.endsWith('.checkpoint'));
  return names.flatMap((name) => ctx.files.read(`${ctx.paths.trustedLogs}/${name}`, LIMITS.signedFileBytes) ?? []);
}
