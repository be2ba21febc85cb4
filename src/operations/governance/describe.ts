// What a person is shown of a proposal (governance page 12, R-18): the decoded change with before and after, risk, rollback,
// deadlines with the seconds that are left, evidence, and the votes by member and role. Everything here was recomputed; an
// author's claim stands only where it is marked as text (rationale, risk text).

import type { Json } from '../../bytes/canonical-json.ts';
import { fromTime } from '../../bytes/time.ts';
import { fingerprintWords } from '../../envelope/fingerprint.ts';
import type { Governed } from '../../governance/outcome.ts';
import type { Proposal } from '../../governance/proposal.ts';
import { missingEvidence } from '../../governance/proposal-draft.ts';
import type { Tally } from '../../governance/quorum.ts';
import type { SignerSet } from '../../governance/signer-set.ts';
import type { StatusNow } from '../../governance/status.ts';
import { pqOf } from '../../policy/state.ts';
import { knownTenants } from '../../policy/tenant.ts';
import { inspectPq, type PqInspection } from '../policy/inspect.ts';
import type { PolicySource } from '../policy/source.ts';
import { countImpact, type ImpactCounts } from '../pq/impact.ts';

export interface MemberVote {
  readonly id: string;
  readonly role: string;
  readonly vote: 'approve' | 'reject' | 'void' | 'waiting';
}

export interface VoteSummary {
  readonly members: readonly MemberVote[];
  readonly approvals: number;
  readonly threshold: number;
  readonly roles: number;
  readonly required_roles: number;
  /** `members 1/2, roles 1/2` */
  readonly text: string;
  readonly reached: boolean;
}

export interface DescribedSet {
  readonly epoch: number;
  readonly threshold: number;
  readonly members: readonly { readonly id: string; readonly role: string }[];
  readonly auditor: string | null;
}

export interface ProposalDescription {
  readonly id: string;
  readonly digest: string;
  readonly words: readonly string[];
  readonly ledger_id: string;
  readonly profile: string;
  readonly kind: string;
  readonly scope: string;
  /** Null when a request does not say. */
  readonly new_tenant: boolean | null;
  readonly author: string;
  readonly rationale: string;
  readonly changes: readonly { readonly key: string; readonly from: Json; readonly to: Json }[];
  readonly pq: { readonly before: PqInspection; readonly after: PqInspection } | null;
  /** What it does to the keys of this home; null when it moves none, or they are not known here. */
  readonly impact: ImpactCounts | null;
  readonly action: Json;
  readonly irreversible: boolean;
  readonly risk: { readonly level: string; readonly text: string };
  readonly rollback: {
    readonly changes: readonly { readonly key: string; readonly to: Json }[];
    readonly valid_for_s: number;
  } | null;
  readonly window: { readonly not_before: string; readonly not_after: string } | null;
  readonly created_at: string;
  readonly decide_by: string;
  readonly expires_at: string;
  readonly seconds_left: { readonly decide_by: number; readonly expires_at: number };
  readonly base_state: { readonly seq: number; readonly hash: string };
  readonly expected_state_hash: string;
  readonly evidence: readonly {
    readonly kind: string;
    readonly name: string;
    readonly size: number;
    readonly sha256: string;
  }[];
  readonly evidence_missing: readonly string[];
  readonly signer_set: DescribedSet;
  readonly new_signer_set: DescribedSet | null;
  readonly votes: VoteSummary;
  readonly status: string;
  readonly reason: string | null;
  /** The clock that judged the deadlines. */
  readonly judged_at: string;
}

export interface DescribeInput {
  readonly body: Proposal;
  readonly digest: string;
  readonly profile: string;
  readonly set: SignerSet;
  readonly votes: Tally;
  readonly status: StatusNow;
  readonly nowMs: number;
  readonly wall: string;
  /** Null when the state it was written against is no longer there. */
  readonly states: { readonly before: Governed; readonly after: Governed } | null;
  /** Null when the keys of the store are not known here. */
  readonly knownTenants: readonly string[] | null;
  /** The policy and keys of this home; null on a machine without the store. */
  readonly source: PolicySource | null;
}

export function describedSet(set: SignerSet): DescribedSet {
  return {
    epoch: set.epoch,
    threshold: set.threshold,
    members: set.members.map(({ id, role }) => ({ id, role })),
    auditor: set.auditor?.id ?? null,
  };
}

export function summariseVotes(set: SignerSet, votes: Tally): VoteSummary {
  const voteOf = (id: string): MemberVote['vote'] => {
    if (votes.approvals.includes(id)) return 'approve';
    if (votes.rejects.includes(id)) return 'reject';
    return votes.voided.includes(id) ? 'void' : 'waiting';
  };
  const approvals = votes.approvals.length;
  const roles = votes.approvedRoles.length;
  return {
    members: set.members.map(({ id, role }) => ({ id, role, vote: voteOf(id) })),
    approvals,
    threshold: votes.threshold,
    roles,
    required_roles: votes.requiredRoles,
    text: `members ${approvals}/${votes.threshold}, roles ${roles}/${votes.requiredRoles}`,
    reached: votes.reached,
  };
}

/** Of a tenant without override or ceiling, a request alone does not say: it carries no list of the store's keys. */
function isNewTenant(tenant: string, { knownTenants: here, states }: DescribeInput): boolean | null {
  if (here !== null) return !here.includes(tenant);
  return states !== null && knownTenants(states.before.policy, []).includes(tenant) ? false : null;
}

const IRREVERSIBLE: readonly string[] = ['key-retire', 'key-compromised'];

export function describeProposal(input: DescribeInput): ProposalDescription {
  const { body, digest, states, nowMs } = input;
  const left = (time: string): number => Math.max(0, Math.ceil((fromTime(time) - nowMs) / 1000));
  const tenant = body.scope === 'global' ? null : body.scope.slice('tenant:'.length);
  const movesPq = body.changeset.some((one) => one.key === 'pq.phase' || one.key === 'pq.rollout_percent');
  const policies = states === null ? null : { before: states.before.policy, after: states.after.policy };
  const newSet = states !== null && states.after.set !== states.before.set ? states.after.set : null;
  return {
    id: body.id,
    digest,
    words: fingerprintWords(digest),
    ledger_id: body.ledger_id,
    profile: input.profile,
    kind: body.kind,
    scope: body.scope,
    new_tenant: tenant === null ? false : isNewTenant(tenant, input),
    author: body.author,
    rationale: body.rationale,
    changes: body.changeset,
    pq:
      policies !== null && movesPq
        ? { before: inspectPq(pqOf(policies.before, body.scope)), after: inspectPq(pqOf(policies.after, body.scope)) }
        : null,
    impact:
      policies !== null && movesPq && input.source !== null
        ? countImpact(input.source, { scope: body.scope, ...policies })
        : null,
    action: (body.actions[0] ?? null) as Json,
    irreversible: IRREVERSIBLE.includes(body.kind),
    risk: body.risk,
    rollback:
      body.rollback === 'none'
        ? null
        : {
            changes: body.rollback.changeset.map(({ key, to }) => ({ key, to })),
            valid_for_s: body.rollback.valid_for_s,
          },
    window: body.change_window ?? null,
    created_at: body.created_at,
    decide_by: body.decide_by,
    expires_at: body.expires_at,
    seconds_left: { decide_by: left(body.decide_by), expires_at: left(body.expires_at) },
    base_state: body.base_state,
    expected_state_hash: body.expected_state_hash,
    evidence: body.attachments.map(({ kind, name, size, sha256 }) => ({ kind, name, size, sha256 })),
    evidence_missing: missingEvidence(body),
    signer_set: describedSet(input.set),
    new_signer_set: newSet === null ? null : describedSet(newSet),
    votes: summariseVotes(input.set, input.votes),
    status: input.status.status,
    reason: input.status.reason,
    judged_at: input.wall,
  };
}
