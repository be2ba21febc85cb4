// What the services need to know of governance (service page 1, governance pages 3, 4, 10): the policy in force, whether
// there is a quorum at all, and where the last raise stands. Ungoverned (X-07) = no genesis adopted: start policy of the
// profile, percent 100, no overlays.

import { fromBase64Url } from '../../bytes/base64.ts';
import type { LedgerState, Raise } from '../../governance/ledger-state.ts';
import type { LogKeys, PublicKeys } from '../../governance/names.ts';
import type { SignerSet } from '../../governance/signer-set.ts';
import type { Overlay } from '../../policy/overlay.ts';
import type { Profile } from '../../policy/profile.ts';
import { initialPolicy, type PolicyState, type Scope } from '../../policy/state.ts';
import type { ExecutionPlace, PqChange } from './key-policy.ts';

export interface GovernanceView {
  readonly governed: boolean;
  readonly ledgerId: string | null;
  /** H of the genesis; null while ungoverned. */
  readonly genesisDigest: string | null;
  readonly profile: Profile;
  /** 16 bytes; null while ungoverned. */
  readonly genesisNonce: Uint8Array | null;
  readonly policy: PolicyState;
  readonly overlays: readonly Overlay[];
  readonly signerSet: SignerSet | null;
  readonly serviceKeys: PublicKeys | null;
  readonly logKeys: LogKeys | null;
  /** Of the last committed line. */
  readonly ledger: { readonly seq: number; readonly hash: string } | null;
  /** Highest time of a ledger line, or null. */
  readonly mark: string | null;
  /** The newest execution that raised the phase of exactly this scope. */
  /** Every execution that changed pq, oldest first. */
  readonly pqChanges: readonly PqChange[];
  lastRaise(scope: Scope): ExecutionPlace | null;
}

export function ungovernedView(profile: Profile): GovernanceView {
  return {
    governed: false,
    ledgerId: null,
    genesisDigest: null,
    profile,
    genesisNonce: null,
    policy: initialPolicy(profile),
    overlays: [],
    signerSet: null,
    serviceKeys: null,
    logKeys: null,
    ledger: null,
    mark: null,
    pqChanges: [],
    lastRaise: () => null,
  };
}

function placeOf(raise: Raise): ExecutionPlace {
  return { judgedAt: raise.judged_at, auditSeq: raise.audit_seq, origin: raise.origin };
}

/** The view of a ledger state as it is now; take a new one after every append. */
export function governedView(state: LedgerState): GovernanceView {
  return {
    governed: true,
    ledgerId: state.ledgerId,
    genesisDigest: state.genesis.digest,
    profile: state.governed.profile,
    genesisNonce: fromBase64Url(state.genesis.nonce, 16),
    policy: state.governed.policy,
    overlays: state.overlays,
    signerSet: state.governed.set,
    serviceKeys: state.governed.serviceKeys,
    logKeys: state.governed.logKeys,
    ledger: { seq: state.seq, hash: state.hash },
    mark: state.mark,
    pqChanges: state.pqChanges.map(({ scope, from, to, ...place }) => ({ scope, from, to, ...placeOf(place) })),
    lastRaise: (scope) => {
      const raise = state.raises.get(scope);
      return raise === undefined ? null : placeOf(raise);
    },
  };
}
