// The signer set (governance page 2): who may vote, in which role, and how many distinct members and roles make a quorum.
//   signer_set_hash = H(gov.signer-set.v1, {epoch, ledger_id, members: [{id, keys, role}] sorted by id, threshold})
// Refuses: t < 2 outside micronode 1-of-2, 2t <= n, n > 8, fewer than two roles, and any public key that appears twice
// among members, auditor, service, log and witnesses (R-41: a second key of one person would be a second vote).

import { canonicalBytes } from '../bytes/canonical-json.ts';
import { array, type Decoder, integer, literal, malformed, object } from '../bytes/decode.ts';
import { digestH } from '../envelope/h.ts';
import {
  type LogKeys,
  type PublicKeys,
  publicKeys,
  SIGNER_SET_TYPE,
  SIGNING_ROLES,
  type SigningRole,
  signerId,
} from './names.ts';

export interface Member {
  readonly id: string;
  readonly role: SigningRole;
  readonly keys: PublicKeys;
}

export interface Auditor {
  readonly id: string;
  readonly keys: PublicKeys;
}

export interface SignerSet {
  readonly ledger_id: string;
  /** 0 = genesis, +1 per executed signer-set change. */
  readonly epoch: number;
  /** Sorted by id. */
  readonly members: readonly Member[];
  readonly threshold: number;
  /** Not part of the hash; a change of the auditor raises the epoch. */
  readonly auditor: Auditor | null;
}

export const MAX_MEMBERS = 8;

export const member: Decoder<Member> = object({ id: signerId, role: literal(...SIGNING_ROLES), keys: publicKeys });
export const auditor: Decoder<Auditor> = object({ id: signerId, keys: publicKeys });

/** Sorted by unique id. */
export const members: Decoder<readonly Member[]> = (value, path) => {
  const list = array(member, MAX_MEMBERS, 1)(value, path);
  list.forEach((one, index) => {
    const previous = list[index - 1];
    if (previous !== undefined && previous.id >= one.id)
      malformed(`${path}[${index}].id`, 'members are not sorted by id');
  });
  return list;
};

export const threshold = integer(1, MAX_MEMBERS);

export function signerSetHash(set: SignerSet): string {
  return digestH(
    SIGNER_SET_TYPE,
    canonicalBytes({ epoch: set.epoch, ledger_id: set.ledger_id, members: set.members, threshold: set.threshold }),
  );
}

/** Distinct roles that approvals of a quorum must hold: min(t, roles in the set), never fewer than two. */
export function requiredRoles(set: {
  readonly members: readonly Pick<Member, 'role'>[];
  readonly threshold: number;
}): number {
  if (set.threshold === 1) return 1;
  const inSet = new Set(set.members.map((one) => one.role)).size;
  return Math.max(2, Math.min(set.threshold, inSet));
}

export interface OtherKeys {
  readonly service: PublicKeys;
  readonly log: LogKeys;
}

/** The rules of a set; `Malformed` naming the member at fault. */
export function checkSignerSet(set: Omit<SignerSet, 'ledger_id' | 'epoch'>, profile: string, others: OtherKeys): void {
  const n = set.members.length;
  const t = set.threshold;
  const oneOfTwo = t === 1 && n === 2 && profile === 'micronode';
  if (!oneOfTwo) {
    if (t < 2) malformed('threshold', `at least 2 is required in profile ${profile} (1-of-2 only in micronode)`);
    if (t > n) malformed('threshold', `${t} approvals can never come from ${n} members`);
    if (2 * t <= n) malformed('threshold', `${t} of ${n}: two disjoint groups could decide differently`);
  }
  checkPeople(set, others);
}

/** What does not depend on threshold or profile; `others` where they are known already. */
export function checkPeople(set: Pick<SignerSet, 'members' | 'auditor'>, others?: OtherKeys): void {
  if (set.members.length > MAX_MEMBERS) malformed('members', `at most ${MAX_MEMBERS} members`);
  if (new Set(set.members.map((one) => one.role)).size < 2) malformed('members', 'at least two roles are required');
  const ids = set.members.map((one) => one.id);
  if (new Set(ids).size !== ids.length) malformed('members', 'a member appears twice');
  if (set.auditor !== null && ids.includes(set.auditor.id)) malformed('auditor.id', 'the auditor is a member');
  checkDistinctKeys(set, others);
}

function checkDistinctKeys(set: Pick<SignerSet, 'members' | 'auditor'>, others: OtherKeys | undefined): void {
  const seen = new Map<string, string>();
  const note = (owner: string, keys: PublicKeys | LogKeys): void => {
    for (const [component, bytes] of Object.entries(keys)) {
      const key = `${component} ${bytes}`;
      const before = seen.get(key);
      if (before !== undefined)
        malformed(`${owner}.keys.${component}`, `the same public key as ${before}: keys must differ pairwise`);
      seen.set(key, owner);
    }
  };
  for (const one of set.members) note(`members.${one.id}`, one.keys);
  if (set.auditor !== null) note('auditor', set.auditor.keys);
  if (others === undefined) return;
  note('service_keys', others.service);
  note('log_keys', others.log);
}

export function findMember(set: SignerSet, id: string): Member | null {
  return set.members.find((one) => one.id === id) ?? null;
}
