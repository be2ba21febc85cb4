// New keys of a restored store (governance page 6, log page 4.7): a backup that is older than a rotation of the service or log
// keys does not hold the pairs that count now, and they are lost. `propose` has the store hold new ones ready, whose public
// halves the quorum approves; the mutation that opens the new epoch takes them in. Refuses an acceptance under keys that the
// store does not have (Conflict), before anything is written.

import { canonicalText } from '../../bytes/canonical-json.ts';
import { wipe } from '../../bytes/wipe.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { RonError } from '../../errors.ts';
import type { RestoreAccept } from '../../governance/actions.ts';
import type { LogKeys, PublicKeys } from '../../governance/names.ts';
import type { Governed, LostKeys } from '../../governance/outcome.ts';
import type { CustodyStore, SealedPut } from '../../storage/custody-port.ts';
import { decodeKeyRecord, encodeKeyRecord } from '../../storage/custody-record.ts';
import { logVkeysOf } from '../../storage/trusted-log.ts';
import { freshPair, type KeyRecord, publicKeysOf } from './governance-effects.ts';
import { servicePairFor } from './governance-keys.ts';

export type NewKeys = NonNullable<RestoreAccept['new_keys']>;

async function publicOf(store: CustodyStore, crypto: Crypto, which: KeyRecord): Promise<PublicKeys | LogKeys | null> {
  const item = await store.stagedKeys(which);
  if (item === null) return null;
  const parts = decodeKeyRecord(item.meta, item.secret, which);
  wipe(item.secret);
  try {
    return await publicKeysOf(crypto, parts, which);
  } finally {
    wipe(...parts.values());
  }
}

/** Pairs that wait already are taken again, so that a second proposal does not void the first. */
async function ready(
  store: CustodyStore,
  crypto: Crypto,
  which: KeyRecord,
  dryRun: boolean,
): Promise<PublicKeys | LogKeys> {
  const waiting = await publicOf(store, crypto, which);
  if (waiting !== null) return waiting;
  const { keys, parts } = await freshPair(crypto, which);
  const record = encodeKeyRecord(parts);
  wipe(...parts.map(([, secret]) => secret));
  if (dryRun) wipe(record.secret);
  else await store.stageKeys(which, record);
  return keys;
}

/** What a proposal names; the private halves wait in the store. */
export async function stageLost(
  store: CustodyStore,
  crypto: Crypto,
  lost: LostKeys,
  dryRun: boolean,
): Promise<NewKeys> {
  return {
    ...(lost.service ? { service: (await ready(store, crypto, 'service-keys', dryRun)) as PublicKeys } : {}),
    ...(lost.log ? { log: (await ready(store, crypto, 'log-keys', dryRun)) as LogKeys } : {}),
  };
}

/** The approved pairs out of the store, to be committed. `governed`: with everything that the ledger names. */
export async function acceptedKeys(
  store: CustodyStore,
  crypto: Crypto,
  governed: Governed,
  newKeys: NewKeys = {},
): Promise<SealedPut[]> {
  const puts: SealedPut[] = [];
  if (newKeys.service !== undefined) puts.push(await taken(store, crypto, 'service-keys', newKeys.service));
  else await demandService(store, crypto, governed);
  if (newKeys.log !== undefined) puts.push(await taken(store, crypto, 'log-keys', newKeys.log));
  else demandLog(store, governed);
  return puts;
}

async function taken(
  store: CustodyStore,
  crypto: Crypto,
  which: KeyRecord,
  approved: PublicKeys | LogKeys,
): Promise<SealedPut> {
  const waiting = await publicOf(store, crypto, which);
  if (waiting !== null && canonicalText(waiting) === canonicalText(approved)) {
    return { id: which, type: which, ...(await store.stagedKeys(which))! };
  }
  throw new RonError('Conflict', `the approved new ${which} are not the ones that wait in this store`, {
    field: 'actions[0].new_keys',
    hint: 'Propose again on this machine: `ronctl governance propose --action restore-accept --rationale TEXT`.',
  });
}

/** A receipt that nobody can sign must not be found out after the epoch is open. */
async function demandService(store: CustodyStore, crypto: Crypto, governed: Governed): Promise<void> {
  try {
    (await servicePairFor(store, crypto, governed.serviceKeys)).release();
  } catch (error) {
    if (!(error instanceof RonError) || error.field !== 'service_keys') throw error;
    throw rotated('service');
  }
}

function demandLog(store: CustodyStore, { logKeys }: Governed): void {
  const held = store.logVkeys();
  const wanted = logVkeysOf(store.origin, logKeys);
  if (wanted[0] !== held.ed25519 || wanted[1] !== held.mlDsa44) throw rotated('log');
}

const rotated = (which: 'service' | 'log'): RonError =>
  new RonError('Conflict', `the ${which} keys were rotated after this backup was made: the proposal needs new_keys`, {
    field: 'actions[0].new_keys',
    hint: 'Propose again, where the store is: `ronctl governance propose --action restore-accept --rationale TEXT`.',
  });
