// Governed actions (governance page 6): `{name, ...members}`, a closed union. A proposal has a changeset or exactly one
// action. The formats of all actions are fixed; those whose effect this version does not carry out are refused when a
// proposal is made (`Unsupported`), never accepted and failed later.

import { canonicalText, type Json, type JsonObject } from '../bytes/canonical-json.ts';
import {
  any,
  anyObject,
  array,
  type Decoder,
  integer,
  join,
  literal,
  malformed,
  map,
  object,
  string,
  time,
} from '../bytes/decode.ts';
import { CEILING_SCOPES, type Scope, TENANT } from '../policy/state.ts';
import { type LogKeys, logKeys, type PublicKeys, publicKeys, type SigningRole, scope, signerId } from './names.ts';
import { type Auditor, auditor, type Member, members, type SignerSet, threshold } from './signer-set.ts';
import { type CheckpointRef, checkpointRef } from './statement.ts';

export const REMOVAL_REASONS = ['left', 'lost', 'compromised', 'rotated'] as const;
export type RemovalReason = (typeof REMOVAL_REASONS)[number];

export interface NewSet {
  readonly members: readonly Member[];
  readonly threshold: number;
  readonly auditor?: Auditor;
}

export interface SignerSetChange {
  readonly name: 'signer-set-change';
  readonly new_set: NewSet;
  /** Exactly the members (and the auditor) of the old set whose id or keys are gone, sorted by id. */
  readonly removed: readonly { readonly id: string; readonly reason: RemovalReason }[];
}

export type Action =
  | { readonly name: 'root-rotate' }
  | SignerSetChange
  | { readonly name: 'backend-change'; readonly backend: string; readonly settings: JsonObject }
  | { readonly name: 'freeze'; readonly scope: Scope; readonly duration_s: number }
  | { readonly name: 'unfreeze'; readonly scope: Scope }
  | { readonly name: 'service-key-rotate'; readonly new_keys: PublicKeys }
  | { readonly name: 'log-key-rotate'; readonly new_keys: LogKeys }
  | {
      readonly name: 'restore-accept';
      readonly prev_origin: string;
      readonly prev_checkpoint: CheckpointRef;
      readonly restored_checkpoint: CheckpointRef;
      readonly lost: { readonly from: number; readonly to: number };
      readonly new_keys?: { readonly service?: PublicKeys; readonly log?: LogKeys };
    }
  | { readonly name: 'key-retire'; readonly kid: string }
  | { readonly name: 'key-compromised'; readonly kid: string; readonly from_seq: number; readonly epoch: number }
  | { readonly name: 'exception'; readonly key: string; readonly to: Json; readonly valid_for_s: number }
  | {
      readonly name: 'ceiling';
      readonly minter: string;
      readonly tenants: readonly string[];
      readonly scopes: readonly string[];
      readonly max_ttl_s: number;
      /** 0 removes the ceiling. */
      readonly max_active: number;
    }
  | {
      readonly name: 'envelope';
      readonly keys: readonly string[];
      readonly bounds: Readonly<Record<string, { readonly min: number; readonly max: number }>>;
      readonly valid_for_s: number;
    }
  | { readonly name: 'clock-reset'; readonly to: string }
  | { readonly name: 'appeal'; readonly dispute_id: string };

export type ActionName = Action['name'];
export type RestoreAccept = Extract<Action, { name: 'restore-accept' }>;

export const MAX_EXCEPTION_S = 30 * 24 * 3600;
export const MAX_FREEZE_S = 3600;

const kid = string({ maxBytes: 189, pattern: /^[a-z0-9._/#v-]+$/, what: 'a key id' });
const registryKey = string({ pattern: /^[a-z][a-z0-9_.]{0,63}$/, what: 'a registry key' });
const name = <const N extends ActionName>(value: N): Decoder<N> => literal(value);

const sortedUnique =
  <T extends string>(inner: Decoder<T>, maxItems: number): Decoder<readonly T[]> =>
  (value, path) => {
    const list = array(inner, maxItems, 1)(value, path);
    list.forEach((one, index) => {
      if (index > 0 && list[index - 1]! >= one) malformed(`${path}[${index}]`, 'the list is not sorted or not unique');
    });
    return list;
  };

const bounds: Decoder<Record<string, { min: number; max: number }>> = (value, path) =>
  Object.fromEntries(map(/^[a-z][a-z0-9_.]{0,63}$/, object({ min: integer(0), max: integer(0) }), 32)(value, path));

const restoreShape = object(
  {
    name: name('restore-accept'),
    prev_origin: string({ maxBytes: 255 }),
    prev_checkpoint: checkpointRef,
    restored_checkpoint: checkpointRef,
    lost: object({ from: integer(0), to: integer(0) }),
  },
  { new_keys: object({}, { service: publicKeys, log: logKeys }) },
);

/** `lost` follows from the two checkpoints of one log: records `from` up to and without `to`; empty when they are equal. */
const restoreAccept: Decoder<RestoreAccept> = (value, path) => {
  const found = restoreShape(value, path);
  const { prev_origin: origin, prev_checkpoint: prev, restored_checkpoint: restored, lost } = found;
  if (prev.origin !== origin || restored.origin !== origin) {
    malformed(join(path, 'prev_checkpoint'), 'both checkpoints are of the log that prev_origin names');
  }
  if (prev.size < restored.size || (prev.size === restored.size && prev.root !== restored.root)) {
    malformed(join(path, 'prev_checkpoint'), 'it is not one that the restored checkpoint comes before');
  }
  if (lost.from !== restored.size || lost.to !== prev.size) {
    malformed(
      join(path, 'lost'),
      `from ${restored.size} to ${prev.size} is expected: what lies between the checkpoints`,
    );
  }
  return found;
};

/** One decoder per action; the table is the union. */
const DECODERS: { readonly [N in ActionName]: Decoder<Extract<Action, { name: N }>> } = {
  'root-rotate': object({ name: name('root-rotate') }),
  'signer-set-change': object({
    name: name('signer-set-change'),
    new_set: object({ members, threshold }, { auditor }),
    removed: array(object({ id: signerId, reason: literal(...REMOVAL_REASONS) }), 9),
  }),
  'backend-change': object({ name: name('backend-change'), backend: string({ maxBytes: 32 }), settings: anyObject }),
  freeze: object({ name: name('freeze'), scope, duration_s: integer(1, MAX_FREEZE_S) }),
  unfreeze: object({ name: name('unfreeze'), scope }),
  'service-key-rotate': object({ name: name('service-key-rotate'), new_keys: publicKeys }),
  'log-key-rotate': object({ name: name('log-key-rotate'), new_keys: logKeys }),
  'restore-accept': restoreAccept,
  'key-retire': object({ name: name('key-retire'), kid }),
  'key-compromised': object({ name: name('key-compromised'), kid, from_seq: integer(0), epoch: integer(0) }),
  exception: object({ name: name('exception'), key: registryKey, to: any, valid_for_s: integer(1, MAX_EXCEPTION_S) }),
  ceiling: object({
    name: name('ceiling'),
    minter: string({ pattern: TENANT, what: 'a minter' }),
    tenants: sortedUnique(string({ pattern: TENANT, what: 'a tenant id' }), 64),
    scopes: sortedUnique(literal(...CEILING_SCOPES), CEILING_SCOPES.length),
    max_ttl_s: integer(60, 86_400),
    max_active: integer(0, 10_000),
  }),
  envelope: object({
    name: name('envelope'),
    keys: sortedUnique(registryKey, 32),
    bounds,
    valid_for_s: integer(1, MAX_EXCEPTION_S),
  }),
  'clock-reset': object({ name: name('clock-reset'), to: time }),
  appeal: object({
    name: name('appeal'),
    dispute_id: string({ pattern: /^gd-[a-z2-7]{32}$/, what: 'a dispute id' }),
  }),
};

export const ACTION_NAMES = Object.keys(DECODERS) as ActionName[];

/** Actions whose effect is carried out by this version. */
export const SUPPORTED_ACTIONS: readonly ActionName[] = [
  'root-rotate',
  'signer-set-change',
  'service-key-rotate',
  'log-key-rotate',
  'restore-accept',
  'key-retire',
  'key-compromised',
  'exception',
  'ceiling',
  'envelope',
  'clock-reset',
];

const CUSTODIAN_ACTIONS: readonly ActionName[] = [
  'root-rotate',
  'backend-change',
  'service-key-rotate',
  'log-key-rotate',
  'restore-accept',
  'key-retire',
];

/** Kinds with ten slots of their own among the open proposals. */
export const RESERVED_ACTIONS: readonly ActionName[] = ['freeze', 'unfreeze', 'signer-set-change', 'key-compromised'];

export function isActionName(text: string): text is ActionName {
  return (ACTION_NAMES as readonly string[]).includes(text);
}

export const action: Decoder<Action> = (value, path) => {
  const given = anyObject(value, path)['name'];
  if (typeof given !== 'string' || !isActionName(given))
    return malformed(join(path, 'name'), 'an action name is expected');
  return DECODERS[given](value, path);
};

/** Authorship (I-10): custodians author only these. `kind` is `policy`, `pq` or an action name. */
export function mayAuthor(role: SigningRole, kind: string): boolean {
  return role !== 'custodian' || (CUSTODIAN_ACTIONS as readonly string[]).includes(kind);
}

/** The scope that an action must have: tenant actions follow their kid or scope, the rest is global. */
export function scopeOfAction(of: Action): 'any' | Scope {
  switch (of.name) {
    case 'key-retire':
    case 'key-compromised':
      return `tenant:${of.kid.split('/')[0]!}`;
    case 'freeze':
    case 'unfreeze':
      return of.scope;
    case 'exception':
    case 'envelope':
    case 'appeal':
      return 'any';
    default:
      return 'global';
  }
}

/** `removed` as it must be: ids of the old set that are gone, or stay with other keys. */
export function removedIds(old: SignerSet, next: NewSet): string[] {
  const same = (a: PublicKeys, b: PublicKeys): boolean => a.ed25519 === b.ed25519 && a.ml_dsa_65 === b.ml_dsa_65;
  const stays = (one: Member | Auditor): boolean =>
    next.members.some((now) => now.id === one.id && same(now.keys, one.keys)) ||
    (next.auditor?.id === one.id && same(next.auditor.keys, one.keys));
  const before: (Member | Auditor)[] = [...old.members, ...(old.auditor === null ? [] : [old.auditor])];
  return before
    .filter((one) => !stays(one))
    .map((one) => one.id)
    .sort();
}

/**
 * in a set where one vote decides, who has not approved must find the set as it was, but for the keys of those who
 * have. Returns the members whose approval is missing. Attack: one signer claims a loss and replaces the other, or first
 * adds a second key of his own and then outvotes him.
 */
export function unheardMembers(old: SignerSet, next: NewSet, approvals: readonly string[]): string[] {
  if (old.threshold !== 1) return [];
  const byId = new Map(next.members.map((one) => [one.id, one]));
  const text = (value: unknown): string => canonicalText(value);
  const sameFrame =
    next.threshold === old.threshold &&
    text(next.auditor ?? null) === text(old.auditor) &&
    next.members.length === old.members.length &&
    old.members.every((one) => byId.get(one.id)?.role === one.role);
  return old.members
    .filter((one) => !approvals.includes(one.id))
    .filter((one) => !sameFrame || text(byId.get(one.id)) !== text(one))
    .map((one) => one.id);
}

/** Members, and the auditor, of the new set whose keys the old set does not know: each must prove possession. */
export function newIdentities(
  old: SignerSet,
  next: NewSet,
): { readonly id: string; readonly role: string; readonly keys: PublicKeys }[] {
  const known = new Set(
    [...old.members, ...(old.auditor === null ? [] : [old.auditor])].map(
      (one) => `${one.id} ${one.keys.ed25519} ${one.keys.ml_dsa_65}`,
    ),
  );
  const all: { id: string; role: string; keys: PublicKeys }[] = next.members.map((one) => ({
    id: one.id,
    role: one.role,
    keys: one.keys,
  }));
  if (next.auditor !== undefined) all.push({ id: next.auditor.id, role: 'external-auditor', keys: next.auditor.keys });
  return all.filter((one) => !known.has(`${one.id} ${one.keys.ed25519} ${one.keys.ml_dsa_65}`));
}
