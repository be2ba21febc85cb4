// The four profiles (service page 7): chosen at `init`, fixed by the genesis from then on. Refuses any other word.

import { literal } from '../bytes/decode.ts';
import { RonError } from '../errors.ts';
import type { Phase } from '../rollout/phases.ts';

export type Profile = 'dev' | 'drill' | 'micronode' | 'macronode';

interface ProfileRow {
  readonly profile: Profile;
  readonly startPhase: Phase;
  readonly amnesia: boolean;
  readonly attestRequire: 'never' | 'if-available' | 'required';
  readonly freezeMaxMinutes: number;
  /** Missing PQ evidence keeps a proposal a draft. */
  readonly evidenceRequired: boolean;
}

export const PROFILES: Readonly<Record<Profile, ProfileRow>> = {
  dev: {
    profile: 'dev',
    startPhase: 1,
    amnesia: false,
    attestRequire: 'never',
    freezeMaxMinutes: 60,
    evidenceRequired: false,
  },
  drill: {
    profile: 'drill',
    startPhase: 1,
    amnesia: false,
    attestRequire: 'never',
    freezeMaxMinutes: 60,
    evidenceRequired: false,
  },
  micronode: {
    profile: 'micronode',
    startPhase: 1,
    amnesia: true,
    attestRequire: 'if-available',
    freezeMaxMinutes: 30,
    evidenceRequired: false,
  },
  macronode: {
    profile: 'macronode',
    startPhase: 2,
    amnesia: false,
    attestRequire: 'required',
    freezeMaxMinutes: 60,
    evidenceRequired: true,
  },
};

export const PROFILE_NAMES = Object.keys(PROFILES) as Profile[];

export const decodeProfile = literal<Profile>('dev', 'drill', 'micronode', 'macronode');

/** A profile as typed; `field` names the flag. */
export function parseProfile(text: string, field: string): Profile {
  const found = PROFILE_NAMES.find((name) => name === text);
  if (found !== undefined) return found;
  throw new RonError('InvalidValue', `${field}: no such profile: ${JSON.stringify(text)}`, {
    field,
    hint: `Profiles: ${PROFILE_NAMES.join(', ')}`,
  });
}
