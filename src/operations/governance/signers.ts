// `governance signers show`: the signer set in force, earlier ones, and fingerprints of the keys. `signers change`: the action
// signer-set-change out of a list of members, proposed like any other proposal.

import { canonicalBytes } from '../../bytes/canonical-json.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import { RonError } from '../../errors.ts';
import { type Action, type NewSet, type RemovalReason, removedIds } from '../../governance/actions.ts';
import { parseSignerBundle } from '../../governance/signer-bundle.ts';
import {
  type Auditor,
  type Member,
  requiredRoles,
  type SignerSet,
  signerSetHash,
} from '../../governance/signer-set.ts';
import { demandState, readGovernance } from '../../kms/service/governance-reader.ts';
import { readSignerBundle, signerIds } from '../../storage/signer-bundle-file.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import type { MemberSource } from './genesis-people.ts';

export interface SignerRow {
  readonly id: string;
  readonly role: string;
  /** SHA-256 of the canonical public keys. */
  readonly keys_sha256: string;
  /** The signer store of this identity is in this home. */
  readonly local: boolean;
}

export interface SignersResult {
  readonly ledger_id: string;
  readonly trust: string;
  readonly epoch: number;
  readonly hash: string;
  readonly threshold: number;
  readonly required_roles: number;
  readonly members: readonly SignerRow[];
  readonly auditor: SignerRow | null;
  readonly earlier: readonly {
    readonly epoch: number;
    readonly hash: string;
    readonly threshold: number;
    readonly members: readonly string[];
  }[];
}

export async function signersShow(deps: OperationDeps): Promise<SignersResult> {
  const ctx = await storeContext(deps);
  const reading = readGovernance(ctx);
  const { governed, sets, ledgerId } = demandState(reading);
  const { set } = governed;
  const here = signerIds(ctx);
  const row = (one: { readonly id: string; readonly keys: Member['keys'] }, role: string): SignerRow => ({
    id: one.id,
    role,
    keys_sha256: sha256Hex(canonicalBytes(one.keys)),
    local: here.includes(one.id) && readSignerBundle(ctx, one.id).bundle.keys.ed25519 === one.keys.ed25519,
  });
  return {
    ledger_id: ledgerId,
    trust: reading.trust,
    epoch: set.epoch,
    hash: signerSetHash(set),
    threshold: set.threshold,
    required_roles: requiredRoles(set),
    members: set.members.map((one) => row(one, one.role)),
    auditor: set.auditor === null ? null : row(set.auditor, 'external-auditor'),
    earlier: sets.slice(0, -1).map((one) => ({
      epoch: one.epoch,
      hash: signerSetHash(one),
      threshold: one.threshold,
      members: one.members.map(({ id }) => id),
    })),
  };
}

export interface SignerChange {
  /** The whole new set; a member of the present set may be named by id alone and keeps keys and role. */
  readonly members: readonly MemberSource[];
  readonly threshold: number | null;
  /** Null keeps the present auditor, `none` removes it. */
  readonly auditor: MemberSource | 'none' | null;
  readonly reasons: ReadonlyMap<string, RemovalReason>;
}

/** The action; the keys of a member come from a bundle file, a local signer, or the present set. */
export async function signerChangeAction(change: SignerChange, deps: OperationDeps): Promise<Action> {
  const ctx = await storeContext(deps);
  const { governed } = demandState(readGovernance(ctx));
  const { set } = governed;
  const members = change.members.map((source) => memberOf(ctx, set, source)).sort((a, b) => (a.id < b.id ? -1 : 1));
  const auditor = auditorOf(ctx, set, change.auditor);
  const newSet: NewSet = {
    members,
    threshold: change.threshold ?? set.threshold,
    ...(auditor === null ? {} : { auditor }),
  };
  const removed = removedIds(set, newSet);
  for (const id of change.reasons.keys()) {
    if (!removed.includes(id))
      throw new RonError('InvalidValue', `--reason: ${id} is not removed and keeps its keys`, { field: '--reason' });
  }
  const reasonOf = (id: string): RemovalReason =>
    change.reasons.get(id) ?? (members.some((one) => one.id === id) ? 'rotated' : 'left');
  return { name: 'signer-set-change', new_set: newSet, removed: removed.map((id) => ({ id, reason: reasonOf(id) })) };
}

function memberOf(ctx: StoreContext, set: SignerSet, source: MemberSource): Member {
  const bundle = source.bundle === null ? null : parseSignerBundle(ctx.crypto, source.bundle, source.from).bundle;
  const id = bundle?.id ?? source.from;
  const present = set.members.find((one) => one.id === id);
  const local = bundle === null && signerIds(ctx).includes(id) ? readSignerBundle(ctx, id).bundle : null;
  const keys = bundle?.keys ?? local?.keys ?? present?.keys;
  const role = source.role ?? present?.role;
  if (keys === undefined) {
    throw new RonError('NotFound', `${source.from} is no member, no signer of this home and no file`, {
      field: '--members',
    });
  }
  if (role === undefined)
    throw new RonError('Usage', `${id} is new: write ROLE=${source.from}`, { field: '--members' });
  return { id, role, keys };
}

function auditorOf(ctx: StoreContext, set: SignerSet, source: SignerChange['auditor']): Auditor | null {
  if (source === 'none') return null;
  if (source === null) return set.auditor;
  const { id, keys } =
    source.bundle === null
      ? readSignerBundle(ctx, source.from).bundle
      : parseSignerBundle(ctx.crypto, source.bundle, source.from).bundle;
  return { id, keys };
}
