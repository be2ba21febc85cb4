// The state that the ledger leads to (governance pages 7, 9, 10): signer set, keys, policy, overlays, proposals and votes.
// What a line may do is judged in ledger-admit.ts, what it does is ledger-apply.ts. Only proposals that can still be decided
// or executed are held whole; the rest is an index of where their lines are.

import type { Envelope } from '../envelope/dsse.ts';
import type { Moment } from '../host.ts';
import type { Overlay } from '../policy/overlay.ts';
import type { Profile } from '../policy/profile.ts';
import { type Scope, tenantOf } from '../policy/state.ts';
import type { PqState } from '../rollout/phases.ts';
import type { FiledDispute } from './dispute.ts';
import type { IndexEntry } from './index-entry.ts';
import type { Intent } from './ledger.ts';
import type { Governed } from './outcome.ts';
import type { Possession } from './possession.ts';
import type { ProposedChange, VerifiedProposal } from './proposal.ts';
import type { SignerSet } from './signer-set.ts';
import type { VerifiedStatement } from './statement.ts';

export interface VerifiedPossession {
  readonly digest: string;
  readonly envelope: Envelope;
  readonly body: Possession;
}

/** A proposal with what counts for it. */
export interface OpenProposal {
  readonly proposal: VerifiedProposal;
  /** In the ledger before the intent and not after decide_by; sorted by ledger seq. */
  statements: VerifiedStatement[];
  possessions: VerifiedPossession[];
}

/** The seq of the last execution that changed V of a scope (genesis: 0). */
export interface Bases {
  global: number;
  /** Of every tenant without an entry of its own. */
  otherTenants: number;
  readonly tenants: Map<string, number>;
}

/** A pre-authorised way back: of the proposal's scope and keys, once, for a time. */
export interface Clause {
  readonly id: string;
  readonly proposal_digest: string;
  readonly scope: Scope;
  readonly changeset: readonly ProposedChange[];
  readonly valid_for_s: number;
  readonly judged_at: Moment;
}

export interface Raise {
  readonly judged_at: Moment;
  /** Audit seq of the `governance.execute` record, and the origin of its log. */
  readonly audit_seq: number;
  readonly origin: string;
}

/** An execution that changed the PQ value of a scope (keys page 6: what legacy is measured from). */
export interface PqChange extends Raise {
  readonly scope: Scope;
  /** The scope's own value before; null when a tenant had none. */
  readonly from: PqState | null;
  readonly to: PqState;
}

export interface LedgerState {
  readonly ledgerId: string;
  readonly genesis: {
    readonly digest: string;
    readonly name: string;
    readonly profile: Profile;
    readonly nonce: string;
  };
  /** Of the last line. */
  seq: number;
  hash: string;
  /** Where the next line begins, within its segment. */
  nextOffset: number;
  /** Highest time of a line (governance page 11), unless a clock-reset set it. */
  mark: string;
  /** Time of the last line: what the writer's clock said then. */
  wroteAt: string;
  /** Line of the newest executed clock-reset: times of the log before it are no measure any more. */
  clockReset: number | null;
  governed: Governed;
  /** Every set that was in force, by epoch. */
  sets: SignerSet[];
  overlays: Overlay[];
  readonly bases: Bases;
  readonly raises: Map<Scope, Raise>;
  /** Oldest first. */
  pqChanges: PqChange[];
  clauses: Clause[];
  /** Ids of executed proposals that changed keys or the set, in order: the key chain. */
  chain: string[];
  executing: { readonly id: string; readonly intent: Intent; readonly after: Governed } | null;
  /** In the order of their lines. */
  disputes: readonly FiledDispute[];
  readonly index: Map<string, IndexEntry>;
  readonly open: Map<string, OpenProposal>;
}

export function baseSeq(state: Pick<LedgerState, 'bases'>, scope: Scope): number {
  const tenant = tenantOf(scope);
  return tenant === null ? state.bases.global : (state.bases.tenants.get(tenant) ?? state.bases.otherTenants);
}

/** The proposal with this digest, or null. */
export function findByDigest(state: LedgerState, digest: string): OpenProposal | null {
  for (const one of state.open.values()) if (one.proposal.digest === digest) return one;
  return null;
}
