// Adopting a genesis with all its signatures (governance page 3): it ends the ungoverned state for ever and pins itself here.
// Refuses a governed store, and a profile, store id or keys of another store (Conflict).

import { within } from '../../bytes/decode.ts';
import { toTime } from '../../bytes/time.ts';
import { envelopeFile, parseEnvelope } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import { type Genesis, mergeGenesis, type VerifiedGenesis, verifyGenesis } from '../../governance/genesis.ts';
import { adopt } from '../../kms/service/governance-acts.ts';
import { openSession, type Session } from '../../kms/service/session.ts';
import { storeContext } from '../../storage/store-deps.ts';
import { writePin } from '../../storage/trust-pin.ts';
import type { OperationDeps } from '../deps.ts';
import { custodyIdentity } from './custody-signing.ts';
import { refuseReusedKeys } from './genesis-keys.ts';
import { type GenesisOutcome, genesisResult } from './genesis-result.ts';

export async function adoptGenesis(
  request: {
    readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
    readonly confirmTime?: boolean;
  },
  deps: OperationDeps,
): Promise<GenesisOutcome> {
  const before = await storeContext(deps);
  const names = request.files.map((one) => one.name).join(', ');
  const verified = within(names, () =>
    verifyGenesis(before.crypto, mergeGenesis(request.files.map((one) => parseEnvelope(one.bytes, one.name)))),
  );
  const session = await openSession(deps, { dryRun: deps.dryRun, confirmTime: request.confirmTime === true });
  try {
    demandUngoverned(session);
    await demandOurs(session, verified.genesis);
    refuseReusedKeys(session.context, verified.genesis);
    return await adoptIn(session, verified, deps);
  } catch (error) {
    await session.abandon();
    throw error;
  }
}

/** Appends the genesis, pins it and closes the session with a checkpoint; a dry run stops before. */
export async function adoptIn(
  session: Session,
  verified: VerifiedGenesis,
  deps: OperationDeps,
): Promise<GenesisOutcome> {
  const ctx = session.context;
  const { genesis, envelope } = verified;
  if (deps.dryRun) {
    await session.abandon();
  } else {
    await adopt(session.store, ctx.crypto, ctx.clock, verified, session.actor);
    await writePin(ctx, verified, toTime(ctx.clock.now()));
    await session.close();
  }
  return { result: genesisResult(ctx.crypto, envelope, genesis, 'adopted'), file: envelopeFile(envelope) };
}

export function demandUngoverned(session: Session): void {
  if (session.ledger === null) return;
  throw new RonError('Conflict', `this home is governed by ${session.ledger.state.ledgerId} already`, {
    field: 'genesis',
    hint: 'See `ronctl governance status`.',
  });
}

async function demandOurs(session: Session, genesis: Genesis): Promise<void> {
  const refuse = (field: string, ours: string, theirs: string): never => {
    throw new RonError('Conflict', `the genesis is for ${field} ${theirs}; this store has ${ours}`, { field });
  };
  const { store } = session;
  if (genesis.profile !== store.profile) refuse('profile', store.profile, genesis.profile);
  if (genesis.store_id !== store.storeId) refuse('store_id', store.storeId, genesis.store_id);
  const identity = await custodyIdentity(store, session.crypto);
  identity.release();
  if (
    identity.serviceKeys.ed25519 !== genesis.service_keys.ed25519 ||
    identity.serviceKeys.ml_dsa_65 !== genesis.service_keys.ml_dsa_65
  ) {
    refuse('service_keys', 'other keys', 'its own keys');
  }
  if (
    identity.logKeys.ed25519 !== genesis.log_keys.ed25519 ||
    identity.logKeys.ml_dsa_44 !== genesis.log_keys.ml_dsa_44
  ) {
    refuse('log_keys', 'other keys', 'its own keys');
  }
}
