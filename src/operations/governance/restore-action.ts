// The members of a restore-accept as this home knows them (governance page 6, log page 4.7): the restored log and its newest
// checkpoint, and the newest one of that log that is known to anyone here: remembered (anchors move the memory), seen by a
// signer whose statement waits in the inbox, or given with --action. Refuses a home that was not restored (Conflict).

import { createLogVerifier } from '../../audit/checkpoint.ts';
import { toHex } from '../../bytes/hex.ts';
import { RonError } from '../../errors.ts';
import type { RestoreAccept } from '../../governance/actions.ts';
import { signerSetHash } from '../../governance/signer-set.ts';
import { type CheckpointRef, verifyStatement } from '../../governance/statement.ts';
import { demandState, type GovernanceReading } from '../../kms/service/governance-reader.ts';
import { waitingSubmissions } from '../../kms/service/governance-request.ts';
import { readHome } from '../../storage/home.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import { readRemembered } from '../../storage/trust-memory.ts';

/** Statements of the inbox that verify under a signer set of this ledger. */
function seenInInbox(ctx: StoreContext, reading: GovernanceReading): CheckpointRef[] {
  const { sets } = demandState(reading);
  return waitingSubmissions(ctx).flatMap(({ submission: { statement, envelope } }) => {
    const set = sets.find((one) => signerSetHash(one) === statement?.signer_set_hash);
    if (statement === undefined || set === undefined) return [];
    try {
      return [verifyStatement(ctx.crypto, envelope, set, signerSetHash(set)).body.seen.checkpoint];
    } catch (error) {
      if (error instanceof RonError) return [];
      throw error;
    }
  });
}

export function restoreAction(ctx: StoreContext, reading: GovernanceReading, given: RestoreAccept): RestoreAccept {
  const { checkpoint, home, behind } = reading.home;
  const { restored } = readHome(ctx.files, ctx.paths) ?? {};
  const isRestored = restored !== undefined && (restored.head === null || restored.head.origin === home.log.origin);
  if ((!isRestored && behind === null) || checkpoint === null) {
    throw new RonError('Conflict', 'this store was not restored from a backup: there is nothing to accept', {
      field: '--action',
      hint: 'See `ronctl store status`.',
    });
  }
  const { origin } = home.log;
  const here: CheckpointRef = { origin, size: checkpoint.size, root: toHex(checkpoint.root) };
  const remembered = readRemembered(ctx.files, ctx.paths.trustedLogs, createLogVerifier(home.log, ctx.crypto));
  const known = [
    here,
    ...(remembered === null ? [] : [{ origin, size: remembered.size, root: toHex(remembered.root) }]),
    ...seenInInbox(ctx, reading),
    ...(given.prev_checkpoint.origin === '' ? [] : [given.prev_checkpoint]),
  ].filter((one) => one.origin === origin);
  const prev = known.reduce((best, one) => (one.size > best.size ? one : best), here);
  const other = known.find((one) => one.size === prev.size && one.root !== prev.root);
  if (other !== undefined) {
    throw new RonError('Tampered', `two roots of ${origin} are known at size ${prev.size}: a fork`, { field: 'fork' });
  }
  return {
    name: 'restore-accept',
    prev_origin: origin,
    prev_checkpoint: prev,
    restored_checkpoint: here,
    lost: { from: here.size, to: prev.size },
  };
}
