// Which keys may sign the audit log of this home (store page 4, log page 4.8): those of the pinned genesis of this store and
// its verified key chain; while no genesis of it is pinned, those of the home's own audit/log.json, and results say
// `trust: "local"`; those that a server's log.json claims authenticate nothing. The origin, the epochs and the sizes from
// which keys sign are hints of log.json either way: a note under a wrong one does not verify.

import type { LogKeyEra, TrustedLog } from '../audit/checkpoint.ts';
import { fromBase64Url } from '../bytes/base64.ts';
import type { Crypto } from '../crypto/provider.ts';
import { formatVkey, NOTE_TYPES } from '../envelope/note.ts';
import { RonError } from '../errors.ts';
import { type Authority, erasOf } from '../governance/key-chain.ts';
import type { LogKeys, PublicKeys } from '../governance/names.ts';
import type { Files } from '../host.ts';
import { type LogEpoch, type LogFile, ownLogFile } from './audit-log-file.ts';
import { noCustodyStore } from './custody-recovery.ts';
import type { HomePaths } from './home.ts';
import { listPins, type PinnedAuthority, readAuthority } from './trust-pin.ts';

export interface LogReadDeps {
  readonly files: Files;
  readonly crypto: Crypto;
  readonly paths: HomePaths;
}

export interface HomeLog {
  readonly log: TrustedLog;
  /** Number of its epoch. */
  readonly epoch: number;
  readonly file: LogFile;
  /** The pinned governance of this store; null while it is ungoverned here. */
  readonly pinned: PinnedAuthority | null;
}

export const logVkeysOf = (origin: string, keys: LogKeys): readonly string[] => [
  formatVkey(origin, NOTE_TYPES.ed25519, fromBase64Url(keys.ed25519)!),
  formatVkey(origin, NOTE_TYPES.mlDsa44Cosignature, fromBase64Url(keys.ml_dsa_44)!),
];

function pinnedEras(authority: Authority, epoch: Pick<LogEpoch, 'origin' | 'keys'>): LogKeyEra[] {
  return erasOf(authority, epoch.origin).map((era, index) => {
    const vkeys = logVkeysOf(epoch.origin, era.logKeys);
    const hint = epoch.keys.find((one) => one.vkeys.join('\n') === vkeys.join('\n'));
    const after = era.since === null || era.since.origin !== epoch.origin ? 0 : era.since.index + 1;
    if (index === 0) return { from: 0, vkeys };
    return hint === undefined
      ? { from: after, transition: 'behind', vkeys }
      : { from: Math.max(hint.from, after), vkeys };
  });
}

const rawKeys = (keys: PublicKeys): TrustedLog['serviceKeys'] => ({
  ed25519: fromBase64Url(keys.ed25519)!,
  ml_dsa_65: fromBase64Url(keys.ml_dsa_65)!,
});

/** A log under the keys of a pinned authority. `hints`: sizes from which keys sign, as audit/log.json has them. */
export function pinnedLog(authority: Authority, origin: string, hints: LogEpoch['keys'] = []): TrustedLog {
  return {
    origin,
    keys: pinnedEras(authority, { origin, keys: hints }),
    serviceKeys: rawKeys(authority.serviceKeys),
    trust: 'pinned',
  };
}

/** Every pair of service keys of an authority, newest first. */
export function serviceErasOf(authority: Authority): TrustedLog['serviceKeys'][] {
  return authority.serviceEras.map(rawKeys).reverse();
}

/** The log of this home, newest epoch by default. NotInitialised without one; NotFound for an epoch that is not there. */
export function homeLog(deps: LogReadDeps, epochNumber?: number): HomeLog {
  const file = ownLogFile(deps.files, deps.paths.audit);
  if (file === null) {
    throw noCustodyStore(deps.files, deps.paths);
  }
  const epoch = epochNumber === undefined ? file.epochs.at(-1)! : file.epochs.find((one) => one.n === epochNumber);
  if (epoch === undefined) throw new RonError('NotFound', `the audit log has no epoch ${epochNumber}`);
  const pinned = listPins(deps)
    .map((pin) => readAuthority(deps, pin.ledger_id))
    .find((one) => one.genesis.genesis.store_id === file.storeId);
  if (pinned === undefined) {
    const trust = deps.files.published?.own === false ? 'claimed' : 'local';
    const log: TrustedLog = { origin: epoch.origin, keys: epoch.keys, serviceKeys: file.serviceKeys, trust };
    return { log, epoch: epoch.n, file, pinned: null };
  }
  const log = pinnedLog(pinned.authority, epoch.origin, epoch.keys);
  return { log, epoch: epoch.n, file, pinned };
}
