// From what an author wants to the content of a proposal (governance page 6): defaults, `from` values, base, expected hash,
// risk floor, rollback clause, window. Everything that it fills in is stored and shown. Refuses what the policy refuses,
// windows over 24 h, lives over 7 days, a `none` rollback where a clause is required, actions that this version does not
// carry out.

import { isCleanText } from '../bytes/text.ts';
import { fromTime, parseDuration, parseTime, toTime } from '../bytes/time.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { buildChangeset, type ChangeInput } from '../policy/change.ts';
import { PROFILES } from '../policy/profile.ts';
import { ROLLBACK_VALID_DEFAULT_S, ROLLBACK_VALID_MAX_S, rollbackFor } from '../policy/rollback.ts';
import type { Scope } from '../policy/state.ts';
import { type Action, removedIds, SUPPORTED_ACTIONS } from './actions.ts';
import { baseSeq, type LedgerState } from './ledger-state.ts';
import { outcome, viewHashOf } from './outcome.ts';
import { type Attachment, MAX_LIFE_MS, MAX_WINDOW_MS, type Proposal, setRef } from './proposal.ts';
import { isBelow, type RiskLevel, riskFloorOf } from './risk.ts';

export type ProposalContent = Omit<Proposal, 'id' | 'kind' | 'quorum' | 'decide_by' | 'digest_alg'>;

export interface ProposalWish {
  readonly author: string;
  readonly scope: Scope;
  readonly changes: readonly ChangeInput[];
  readonly action: Action | null;
  readonly rationale: string;
  /** Milliseconds of life. */
  readonly lifeMs: number;
  /** Null: the default of the kind. */
  readonly window: { readonly notBeforeMs: number; readonly notAfterMs: number } | null;
  readonly risk: { readonly level: RiskLevel; readonly text: string } | null;
  readonly rollback: readonly ChangeInput[] | 'none' | null;
  readonly rollbackValidS: number | null;
  readonly attachments: readonly Attachment[];
  readonly nowMs: number;
  readonly nonce: string;
}

/** Evidence kinds that every pq proposal should carry (GOV-24). */
export const PQ_EVIDENCE = ['perf-snapshot-15m', 'phase-transition-tests'] as const;

export function missingEvidence(of: Pick<Proposal, 'changeset' | 'attachments'>): string[] {
  if (!of.changeset.some((one) => one.key === 'pq.phase' || one.key === 'pq.rollout_percent')) return [];
  return PQ_EVIDENCE.filter((kind) => !of.attachments.some((one) => one.kind === kind));
}

/** True when missing evidence keeps a proposal a draft in this profile. */
export function staysDraft(state: LedgerState, of: Pick<Proposal, 'changeset' | 'attachments'>): boolean {
  return PROFILES[state.governed.profile].evidenceRequired && missingEvidence(of).length > 0;
}

export function draftProposal(state: LedgerState, wish: ProposalWish): ProposalContent {
  const { governed } = state;
  const { scope, action } = wish;
  checkWish(wish);
  const changeset =
    action === null ? buildChangeset(wish.changes, governed.policy, scope, governed.profile).changeset : [];
  const actions = action === null ? [] : [completed(state, action)];
  const createdAt = toTime(wish.nowMs);
  const expiresAt = toTime(wish.nowMs + wish.lifeMs);
  const window = windowOf(
    wish,
    changeset.some((one) => one.key.startsWith('pq.')),
  );
  const after = outcome(governed, { scope, changeset, actions });
  return {
    ledger_id: state.ledgerId,
    author: wish.author,
    scope,
    rationale: wish.rationale,
    changeset,
    actions,
    risk: riskOf(state, wish, { scope, changeset, actions }),
    rollback: clauseOf(state, wish, changeset),
    signer_set: setRef(governed.set),
    base_state: { seq: baseSeq(state, scope), hash: viewHashOf(governed, scope) },
    expected_state_hash: viewHashOf(after, scope),
    ...(window === null ? {} : { change_window: window }),
    created_at: createdAt,
    expires_at: expiresAt,
    attachments: wish.attachments,
    nonce: wish.nonce,
  };
}

function checkWish(wish: ProposalWish): void {
  const { action, rationale, lifeMs } = wish;
  if (action !== null && !SUPPORTED_ACTIONS.includes(action.name)) {
    throw new RonError('Unsupported', `this version does not carry out the action ${action.name}`, {
      field: '--action',
      hint: `It carries out: ${SUPPORTED_ACTIONS.join(', ')}`,
    });
  }
  const bytes = Buffer.byteLength(rationale);
  if (rationale.trim() === '' || bytes > LIMITS.rationaleBytes) {
    throw new RonError(
      bytes > LIMITS.rationaleBytes ? 'TooLarge' : 'InvalidValue',
      `--rationale: 1 to ${LIMITS.rationaleBytes} bytes, not ${bytes}`,
      {
        field: '--rationale',
      },
    );
  }
  if (!isCleanText(rationale)) {
    throw new RonError('InvalidValue', '--rationale: the text is not in Unicode normalisation form C', {
      field: '--rationale',
    });
  }
  if (lifeMs <= 0 || lifeMs > MAX_LIFE_MS) {
    throw new RonError('InvalidValue', '--expires: a proposal lives more than 0 and at most 7 days', {
      field: '--expires',
    });
  }
}

/** `removed` of a signer-set change may be left out of the wish: members that are gone have `left`. */
function completed(state: LedgerState, action: Action): Action {
  if (action.name !== 'signer-set-change' || action.removed.length > 0) return action;
  const removed = removedIds(state.governed.set, action.new_set);
  return { ...action, removed: removed.map((id) => ({ id, reason: 'left' as const })) };
}

function riskOf(
  state: LedgerState,
  wish: ProposalWish,
  of: Parameters<typeof riskFloorOf>[0],
): { readonly level: RiskLevel; readonly text: string } {
  const floor = riskFloorOf(of, state.governed.policy);
  if (wish.risk === null) return { level: floor, text: '' };
  if (isBelow(wish.risk.level, floor)) {
    throw new RonError('InvalidValue', `--risk: this is at least ${floor}; an author may state more, never less`, {
      field: '--risk',
    });
  }
  return wish.risk;
}

function clauseOf(state: LedgerState, wish: ProposalWish, changeset: Proposal['changeset']): Proposal['rollback'] {
  if (wish.action !== null) {
    if (wish.rollback !== null && wish.rollback !== 'none') {
      throw new RonError('InvalidValue', '--rollback: an action has no rollback clause', { field: '--rollback' });
    }
    return 'none';
  }
  const { policy, profile } = state.governed;
  const clause = rollbackFor(wish.rollback, { changeset, scope: wish.scope, before: policy, profile });
  if (clause === null || clause.length === 0) return 'none';
  const validForS = wish.rollbackValidS ?? ROLLBACK_VALID_DEFAULT_S;
  if (!Number.isInteger(validForS) || validForS < 1 || validForS > ROLLBACK_VALID_MAX_S) {
    throw new RonError('InvalidValue', '--rollback-valid: at least 1 s and at most 7 days', {
      field: '--rollback-valid',
    });
  }
  return { changeset: clause, valid_for_s: validForS };
}

function windowOf(wish: ProposalWish, pq: boolean): NonNullable<Proposal['change_window']> | null {
  const end = wish.nowMs + wish.lifeMs;
  if (wish.window === null) {
    if (!pq) return null;
    return { not_before: toTime(wish.nowMs), not_after: toTime(Math.min(end, wish.nowMs + MAX_WINDOW_MS)) };
  }
  const { notBeforeMs, notAfterMs } = wish.window;
  if (
    notBeforeMs < wish.nowMs ||
    notAfterMs > end ||
    notAfterMs <= notBeforeMs ||
    notAfterMs - notBeforeMs > MAX_WINDOW_MS
  ) {
    const why =
      notAfterMs <= notBeforeMs ? 'it ends before it starts' : 'at most 24 h, not before now and not after --expires';
    throw new RonError('InvalidValue', `--window: ${why}`, {
      field: '--window',
      hint: `Place it between ${toTime(wish.nowMs)} and ${toTime(end)}.`,
    });
  }
  return { not_before: toTime(notBeforeMs), not_after: toTime(notAfterMs) };
}

/** `START/END`, `START+DUR`, `now+DUR`. */
export function parseWindow(
  text: string,
  nowMs: number,
): { readonly notBeforeMs: number; readonly notAfterMs: number } {
  const start = (given: string): number => (given === 'now' ? nowMs : parseTime(given, '--window'));
  const slash = text.indexOf('/');
  if (slash > 0)
    return { notBeforeMs: start(text.slice(0, slash)), notAfterMs: parseTime(text.slice(slash + 1), '--window') };
  const plus = /^(now|\d{4}-.*(?:[Zz]|[+-]\d\d:\d\d))\+([0-9a-z]+)$/.exec(text);
  if (plus === null) {
    throw new RonError(
      'InvalidValue',
      `--window: START/END, START+DURATION or now+DURATION is expected, not ${JSON.stringify(text)}`,
      {
        field: '--window',
      },
    );
  }
  const notBeforeMs = start(plus[1]!);
  return { notBeforeMs, notAfterMs: notBeforeMs + parseDuration(plus[2]!, '--window') };
}

/** Content for `propose --from`: same wish, times moved to now, base and `from` recomputed by `draftProposal`. */
export function wishOfDraft(
  draft: Proposal,
  nowMs: number,
  nonce: string,
  attachments: readonly Attachment[],
): ProposalWish {
  const created = fromTime(draft.created_at);
  const window = draft.change_window;
  const input = (one: { readonly key: string; readonly to: unknown }): ChangeInput => ({
    key: one.key,
    text: Array.isArray(one.to) ? one.to.join(',') : String(one.to),
  });
  return {
    author: draft.author,
    scope: draft.scope,
    changes: draft.changeset.map(input),
    action: draft.actions[0] ?? null,
    rationale: draft.rationale,
    lifeMs: fromTime(draft.expires_at) - created,
    window:
      window === undefined
        ? null
        : {
            notBeforeMs: nowMs + (fromTime(window.not_before) - created),
            notAfterMs: nowMs + (fromTime(window.not_after) - created),
          },
    risk: draft.risk,
    rollback: draft.rollback === 'none' ? 'none' : draft.rollback.changeset.map(input),
    rollbackValidS: draft.rollback === 'none' ? null : draft.rollback.valid_for_s,
    attachments: [...draft.attachments, ...attachments].sort((a, b) => (a.name < b.name ? -1 : 1)),
    nowMs,
    nonce,
  };
}
