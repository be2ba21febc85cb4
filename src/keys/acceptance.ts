// Whether the mode in force accepts signatures of a key version (keys page 6, R-11, X-26), and whether a key may sign at
// all (page 5: `sign` never releases what `verify` would refuse).
//
//   tracks of the version | or (phases 0, 1)          | and (phase 2)          | pq_only (phase 3)
//   classical only        | valid                     | refused, except legacy | refused, except legacy
//   two tracks            | one valid, none malformed | both valid             | PQ valid
//   PQ only               | PQ valid                  | PQ valid               | PQ valid
//
// A malformed half is refused in every mode. Attack: "AND needs both" makes every PQ-only key unverifiable exactly after a
// rollback from pq_only; "old versions verify for ever" makes forged phase-0 signatures good for ever.

import type { SignatureVerdict } from './bundle.ts';
import { isClassical, type SignAlg, signAlgsOf } from './tracks.ts';

export const VERIFY_MODES = ['or', 'and', 'pq_only'] as const;
export type VerifyMode = (typeof VERIFY_MODES)[number];

/** Where a record stands: records of earlier epochs count as earlier. */
export interface LogPlace {
  readonly epoch: number;
  readonly seq: number;
}

export function isBefore(a: LogPlace, b: LogPlace): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.seq < b.seq);
}

/** The table alone, for one mode. */
export function acceptsByTable(
  tracks: readonly string[],
  verdicts: readonly SignatureVerdict[],
  mode: VerifyMode,
): boolean {
  if (verdicts.length === 0 || verdicts.some((one) => one.malformed)) return false;
  const algs = signAlgsOf(tracks);
  const valid = (alg: SignAlg): boolean => verdicts.some((one) => one.alg === alg && one.valid);
  const pq = algs.filter((alg) => alg !== 'ed25519');
  if (pq.length === 0) return mode === 'or' && algs.some(valid);
  if (pq.length === algs.length || mode === 'pq_only') return pq.every(valid);
  return mode === 'and' ? algs.every(valid) : algs.some(valid);
}

/** The mode in force if it accepts, else the strictest mode that would, else null. */
export function satisfiedMode(
  tracks: readonly string[],
  verdicts: readonly SignatureVerdict[],
  required: VerifyMode,
): VerifyMode | null {
  if (acceptsByTable(tracks, verdicts, required)) return required;
  return VERIFY_MODES.findLast((mode) => acceptsByTable(tracks, verdicts, mode)) ?? null;
}

/** The later of the two in the order of the rollout. */
export function stricterMode(a: VerifyMode, b: VerifyMode): VerifyMode {
  return VERIFY_MODES.indexOf(a) < VERIFY_MODES.indexOf(b) ? b : a;
}

/** What a version with these tracks could sign now, if every track signs. */
export function maySign(tracks: readonly string[], mode: VerifyMode): boolean {
  const all = signAlgsOf(tracks).map((alg) => ({ alg, valid: true, malformed: false }));
  return acceptsByTable(tracks, all, mode);
}

/** Whether the log holds a successful `sign` record of this (kid#v, payload) before a place. */
export type LookUp = (before: LogPlace) => Promise<'found' | 'absent' | 'unavailable'>;

export interface Question {
  readonly tracks: readonly string[];
  readonly verdicts: readonly SignatureVerdict[];
  readonly mode: VerifyMode;
  /** The version was declared compromised: from where on; `unknown` when the epoch cannot be told here. */
  readonly compromisedFrom: LogPlace | 'unknown' | null;
  /**
   * The raise that took this key from accepted to refused, while its grace lasts: where its audit record stands. Null
   * when there was none or the grace is over; `unknown` when it cannot be told here.
   */
  readonly legacyBefore: LogPlace | 'unknown' | null;
}

export interface Judgement {
  readonly accepted: boolean;
  readonly satisfiedMode: VerifyMode | null;
  readonly legacy: 'proven' | 'unproven' | null;
  /** The first that applies, in the order of the exit codes of `kms verify`. */
  readonly refusal: 'VerificationFailed' | 'LegacyUnproven' | 'PqPolicy' | 'Compromised' | null;
}

/** The second answer of verification, and the code that the exit status follows. */
export async function judge(question: Question, lookUp: LookUp): Promise<Judgement> {
  const { tracks, verdicts, mode } = question;
  const satisfied = satisfiedMode(tracks, verdicts, mode);
  const answer = await accept(question, satisfied === mode, lookUp);
  const anyBad = verdicts.some((one) => !one.valid);
  return {
    accepted: answer === 'accepted' || answer === 'legacy',
    satisfiedMode: satisfied,
    legacy: answer === 'legacy' ? 'proven' : answer === 'LegacyUnproven' ? 'unproven' : null,
    refusal: anyBad ? 'VerificationFailed' : answer === 'accepted' || answer === 'legacy' ? null : answer,
  };
}

async function accept(
  { tracks, verdicts, compromisedFrom, legacyBefore }: Question,
  byTable: boolean,
  lookUp: LookUp,
): Promise<'accepted' | 'legacy' | 'LegacyUnproven' | 'PqPolicy' | 'Compromised'> {
  if (compromisedFrom !== null) {
    if (!byTable) return 'Compromised';
    if (compromisedFrom === 'unknown') return 'LegacyUnproven';
    const found = await lookUp(compromisedFrom);
    return found === 'found' ? 'accepted' : found === 'absent' ? 'Compromised' : 'LegacyUnproven';
  }
  if (byTable) return 'accepted';
  if (!isClassical(tracks) || legacyBefore === null || !acceptsByTable(tracks, verdicts, 'or')) return 'PqPolicy';
  if (legacyBefore === 'unknown') return 'LegacyUnproven';
  const found = await lookUp(legacyBefore);
  return found === 'found' ? 'legacy' : found === 'absent' ? 'PqPolicy' : 'LegacyUnproven';
}
