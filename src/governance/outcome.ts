// What a proposal makes of the governed state (governance pages 4, 6, 10): pure, used alike when it is proposed, approved
// and executed, so that all three compute the same `expected_state_hash`. Refuses what the policy refuses (NoChange,
// PolicyRefused, InvalidValue) and `from` values that are not the present ones (Stale, naming the member).

import { canonicalText } from '../bytes/canonical-json.ts';
import { RonError } from '../errors.ts';
import { applyBackend, applyCeiling, applyChanges } from '../policy/apply.ts';
import { checkEnvelope, checkException } from '../policy/grant.ts';
import type { Profile } from '../policy/profile.ts';
import { approvedValue, type PolicyState, type Scope } from '../policy/state.ts';
import { viewHash, viewOf } from '../policy/view.ts';
import { type Action, removedIds } from './actions.ts';
import type { LogKeys, PublicKeys } from './names.ts';
import type { Proposal, ProposedChange } from './proposal.ts';
import { checkSignerSet, type SignerSet, signerSetHash } from './signer-set.ts';

export interface Governed {
  readonly profile: Profile;
  readonly policy: PolicyState;
  readonly set: SignerSet;
  readonly serviceKeys: PublicKeys;
  readonly logKeys: LogKeys;
}

/** H of V(scope). */
export function viewHashOf(of: Pick<Governed, 'policy' | 'set'>, scope: Scope): string {
  return viewHash(
    viewOf({ ledgerId: of.set.ledger_id, scope, state: of.policy, signerSetHash: signerSetHash(of.set) }),
  );
}

/** `Stale` naming the first change whose `from` is not the approved value. */
export function demandFrom(policy: PolicyState, scope: Scope, changeset: readonly ProposedChange[]): void {
  changeset.forEach((one, index) => {
    const now = approvedValue(policy, scope, one.key);
    if (canonicalText(now) !== canonicalText(one.from)) {
      throw new RonError(
        'Stale',
        `${one.key} is now ${canonicalText(now)}, the proposal starts from ${canonicalText(one.from)}`,
        {
          field: `changeset[${index}].from`,
        },
      );
    }
  });
}

export function nextSet(old: SignerSet, action: Extract<Action, { name: 'signer-set-change' }>): SignerSet {
  return {
    ledger_id: old.ledger_id,
    epoch: old.epoch + 1,
    members: action.new_set.members,
    threshold: action.new_set.threshold,
    auditor: action.new_set.auditor ?? null,
  };
}

/** The governed state after an executed proposal. Overlays and keys of the store are not part of it. */
export function outcome(before: Governed, proposal: Pick<Proposal, 'scope' | 'changeset' | 'actions'>): Governed {
  const action = proposal.actions[0];
  if (action === undefined) {
    return { ...before, policy: applyChanges(before.policy, proposal.scope, proposal.changeset, before.profile) };
  }
  switch (action.name) {
    case 'signer-set-change':
      return { ...before, set: changedSet(before, action) };
    case 'ceiling': {
      const { tenants, scopes, max_ttl_s, max_active } = action;
      const ceiling = max_active === 0 ? null : { tenants, scopes, max_ttl_s, max_active };
      return { ...before, policy: applyCeiling(before.policy, action.minter, ceiling) };
    }
    case 'exception':
      checkException(before.policy, proposal.scope, action, before.profile);
      return before;
    case 'envelope':
      checkEnvelope(proposal.scope, action, before.profile);
      return before;
    case 'backend-change':
      return { ...before, policy: applyBackend(before.policy, action.backend, action.settings) };
    case 'service-key-rotate':
      checkSignerSet(before.set, before.profile, { service: action.new_keys, log: before.logKeys });
      return { ...before, serviceKeys: action.new_keys };
    case 'log-key-rotate':
      checkSignerSet(before.set, before.profile, { service: before.serviceKeys, log: action.new_keys });
      return { ...before, logKeys: action.new_keys };
    case 'restore-accept': {
      if (action.new_keys === undefined) return before;
      const { service = before.serviceKeys, log = before.logKeys } = action.new_keys;
      checkSignerSet(before.set, before.profile, { service, log });
      return { ...before, serviceKeys: service, logKeys: log };
    }
    default:
      return before;
  }
}

function changedSet(before: Governed, action: Extract<Action, { name: 'signer-set-change' }>): SignerSet {
  const next = nextSet(before.set, action);
  checkSignerSet(next, before.profile, { service: before.serviceKeys, log: before.logKeys });
  const removed = removedIds(before.set, action.new_set);
  const stated = action.removed.map((one) => one.id);
  if (canonicalText(removed) !== canonicalText(stated)) {
    throw new RonError(
      'InvalidValue',
      `removed names ${stated.join(', ') || 'nobody'}; the difference of the sets is ${removed.join(', ') || 'nobody'}`,
      {
        field: 'actions[0].removed',
      },
    );
  }
  if (
    signerSetHash({ ...next, epoch: before.set.epoch }) === signerSetHash(before.set) &&
    canonicalText(next.auditor) === canonicalText(before.set.auditor)
  ) {
    throw new RonError('NoChange', 'the new signer set is the present one', { field: 'actions[0].new_set' });
  }
  return next;
}

/**
 * Judges a proposal against the present state: `from`, `base_state.hash` and `expected_state_hash`. `Stale` names the
 * member that differs. Returns the state after it.
 */
export function demandFits(before: Governed, proposal: Proposal): Governed {
  const hash = signerSetHash(before.set);
  if (proposal.signer_set.hash !== hash) {
    throw new RonError(
      'Stale',
      `the signer set is now epoch ${before.set.epoch}, the proposal names epoch ${proposal.signer_set.epoch}`,
      {
        field: 'signer_set.hash',
      },
    );
  }
  demandFrom(before.policy, proposal.scope, proposal.changeset);
  const base = viewHashOf(before, proposal.scope);
  if (proposal.base_state.hash !== base) {
    throw new RonError('Stale', `the policy of ${proposal.scope} has changed since the proposal was written`, {
      field: 'base_state.hash',
    });
  }
  const after = outcome(before, proposal);
  const expected = viewHashOf(after, proposal.scope);
  if (proposal.expected_state_hash !== expected) {
    throw new RonError('Stale', 'the proposal would lead to another policy than it states', {
      field: 'expected_state_hash',
    });
  }
  return after;
}

/** Which pairs a restored store needs anew: those that the ledger names and the backup does not have. */
export interface LostKeys {
  readonly service: boolean;
  readonly log: boolean;
}

/** `restored`: by the ledger of the backup; `now`: with the lines that were brought back. */
export function lostKeysOf(restored: Governed, now: Governed): LostKeys {
  const differ = (a: PublicKeys | LogKeys, b: PublicKeys | LogKeys): boolean => canonicalText(a) !== canonicalText(b);
  return { service: differ(restored.serviceKeys, now.serviceKeys), log: differ(restored.logKeys, now.logKeys) };
}
