// Counting (governance page 2, 7; X-10, C-05): a quorum is t distinct live verified members holding at least
// min(t, roles in the set) distinct roles, never fewer than two (1-of-2 of micronode: one). Authorship is no vote.
//
// The result depends on the set of statements only, never on their order (attack: import order or a replayed approve
// changes the result). A statement is live when no valid retract of its own signer names it, known or still to come.
// A live approve and a live reject of one member void that member and raise evidence; equal votes count once.
// An empty set of factors never approves: a threshold below 1 or a set without members is refused.

import type { SigningRole } from './names.ts';
import type { Member, SignerSet } from './signer-set.ts';
import { requiredRoles } from './signer-set.ts';
import type { VerifiedStatement } from './statement.ts';

export type Vote = 'approve' | 'reject' | 'void';

export interface Tally {
  /** Member ids, sorted. */
  readonly approvals: readonly string[];
  readonly rejects: readonly string[];
  /** Members who voted both ways. */
  readonly voided: readonly string[];
  readonly waiting: readonly string[];
  readonly threshold: number;
  readonly requiredRoles: number;
  /** Roles of `approvals`, sorted. */
  readonly approvedRoles: readonly SigningRole[];
  readonly withdrawn: boolean;
  /** Digest of one live approval (the smallest) of each approving member, sorted: what an intent lists. */
  readonly approvalDigests: readonly string[];
  /** Digests of pairs that contradict each other. */
  readonly equivocations: readonly { readonly signer: string; readonly statements: readonly [string, string] }[];
  readonly reached: boolean;
  /** Votes that are cast make a quorum impossible, unless somebody retracts. */
  readonly unreachable: boolean;
}

/** `author` is the only one whose withdraw counts. All statements are about one proposal and verified under `set`. */
export function tally(statements: readonly VerifiedStatement[], set: SignerSet, author: string): Tally {
  if (!Number.isInteger(set.threshold) || set.threshold < 1 || set.members.length === 0) {
    throw new RangeError('a signer set without members or threshold approves nothing');
  }
  const bySigner = new Map<string, Map<string, VerifiedStatement>>();
  for (const one of statements) {
    const own = bySigner.get(one.body.signer) ?? new Map<string, VerifiedStatement>();
    own.set(one.digest, one);
    bySigner.set(one.body.signer, own);
  }
  const judged = set.members.map((member) => judgeMember(member, [...(bySigner.get(member.id)?.values() ?? [])]));
  const approving = judged.filter((one) => one.vote === 'approve');
  const approvedRoles = [...new Set(approving.map((one) => one.member.role))].sort();
  const roles = requiredRoles(set);
  const enough = (some: readonly Member[]): boolean =>
    some.length >= set.threshold && new Set(some.map((one) => one.role)).size >= roles;
  const possible = judged.filter((one) => one.vote === 'approve' || one.vote === null).map((one) => one.member);
  const named = (vote: Vote | null): string[] =>
    judged
      .filter((one) => one.vote === vote)
      .map((one) => one.member.id)
      .sort();
  return {
    approvals: named('approve'),
    rejects: named('reject'),
    voided: named('void'),
    waiting: named(null),
    threshold: set.threshold,
    requiredRoles: roles,
    approvedRoles,
    withdrawn: [...(bySigner.get(author)?.values() ?? [])].some((one) => one.body.purpose === 'withdraw'),
    approvalDigests: approving.map((one) => one.approves[0]!).sort(),
    equivocations: judged.flatMap((one) =>
      one.pair === null ? [] : [{ signer: one.member.id, statements: one.pair }],
    ),
    reached: enough(approving.map((one) => one.member)),
    unreachable: !enough(possible),
  };
}

interface Judged {
  readonly member: Member;
  readonly vote: Vote | null;
  readonly approves: readonly string[];
  readonly pair: readonly [string, string] | null;
}

function judgeMember(member: Member, own: readonly VerifiedStatement[]): Judged {
  const retracted = new Set(own.filter((one) => one.body.purpose === 'retract').map((one) => one.body.refs[0]));
  const live = (purpose: 'approve' | 'reject'): string[] =>
    own
      .filter((one) => one.body.purpose === purpose && one.body.role === member.role && !retracted.has(one.digest))
      .map((one) => one.digest)
      .sort();
  const approves = live('approve');
  const rejects = live('reject');
  if (approves.length > 0 && rejects.length > 0)
    return { member, vote: 'void', approves: [], pair: [approves[0]!, rejects[0]!] };
  if (approves.length > 0) return { member, vote: 'approve', approves, pair: null };
  return { member, vote: rejects.length > 0 ? 'reject' : null, approves: [], pair: null };
}
