// The registry of governable keys (governance page 4, I-25, X-22): one row per key with its other names, type, bounds,
// start value per profile, scope, direction and sensitivity. `ronctl policy keys` prints it. Refuses: unknown keys (with
// the nearest names), values that do not parse or are out of bounds. A new governable key is one row here.

import type { Json } from '../bytes/canonical-json.ts';
import { nearest } from '../bytes/nearest.ts';
import { RonError } from '../errors.ts';
import { CREATION_ALGS } from '../keys/tracks.ts';
import { PROFILES, type Profile } from './profile.ts';

export type ValueType =
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'boolean' }
  /** Ordered from loosest to tightest. */
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  /** A sorted list without repetition, never empty. */
  | { readonly kind: 'set'; readonly values: readonly string[] }
  | { readonly kind: 'text'; readonly pattern: RegExp };

/** Which way is tighter; `equal` = no way is, so configuration must be equal and every change counts as loosening. */
export type Direction = 'up' | 'down' | 'right' | 'subset' | 'false' | 'equal';

export interface KeyRow {
  /** Canonical dotted name, as it stands in signed bytes. */
  readonly key: string;
  readonly aliases: readonly string[];
  readonly type: ValueType;
  readonly scope: 'global' | 'global-and-tenant';
  readonly tighter: Direction;
  /** `tunable`: sensitive only beyond 20 % of the approved value. */
  readonly sensitive: 'yes' | 'both-ways' | 'tunable';
  /** Start value; absent = no start value (`backends.*`). */
  readonly start?: (profile: Profile) => Json;
  /** Largest integer in a profile, where smaller than that of `type`. */
  readonly maxIn?: (profile: Profile) => number;
  /** Changed by the action `backend-change` only, never by a changeset. */
  readonly byBackendChange?: true;
}

const integer = (min: number, max: number): ValueType => ({ kind: 'integer', min, max });

export const BACKENDS = ['inmem', 'file', 'pkcs11', 'tpm', 'cloud'] as const;

const tunable = (
  key: string,
  min: number,
  max: number,
  start: number,
  more: Partial<KeyRow> & Pick<KeyRow, 'scope'>,
): KeyRow => ({
  key,
  aliases: [],
  type: integer(min, max),
  tighter: 'down',
  sensitive: 'tunable',
  start: () => start,
  ...more,
});

export const REGISTRY: readonly KeyRow[] = [
  {
    key: 'pq.phase',
    // As `policy inspect` prints it for the runbooks.
    aliases: ['pq_phase'],
    type: integer(0, 3),
    scope: 'global-and-tenant',
    tighter: 'up',
    sensitive: 'yes',
    start: (profile) => PROFILES[profile].startPhase,
  },
  {
    key: 'pq.rollout_percent',
    aliases: [],
    type: integer(0, 100),
    scope: 'global-and-tenant',
    tighter: 'up',
    sensitive: 'yes',
    start: () => 100,
  },
  {
    key: 'pq.legacy_grace_days',
    aliases: ['pq_legacy_grace_days'],
    type: integer(0, 90),
    scope: 'global-and-tenant',
    tighter: 'down',
    sensitive: 'yes',
    start: () => 30,
  },
  {
    key: 'security.attest_require',
    aliases: [],
    type: { kind: 'choice', values: ['never', 'if-available', 'required'] },
    scope: 'global',
    tighter: 'right',
    sensitive: 'both-ways',
    start: (profile) => PROFILES[profile].attestRequire,
  },
  {
    key: 'security.attest_classes',
    aliases: [],
    type: { kind: 'set', values: ['cloud', 'pkcs11', 'software', 'tpm'] },
    scope: 'global',
    tighter: 'subset',
    sensitive: 'yes',
    start: () => ['software'],
  },
  {
    key: 'service.backend',
    aliases: [],
    type: { kind: 'choice', values: BACKENDS },
    scope: 'global',
    tighter: 'equal',
    sensitive: 'yes',
    start: () => 'file',
    byBackendChange: true,
  },
  {
    key: 'service.amnesia',
    aliases: [],
    type: { kind: 'boolean' },
    scope: 'global',
    tighter: 'equal',
    sensitive: 'yes',
    start: (profile) => PROFILES[profile].amnesia,
  },
  {
    key: 'service.allow_sign_fallback',
    aliases: [],
    type: { kind: 'boolean' },
    scope: 'global',
    tighter: 'false',
    sensitive: 'yes',
    start: () => false,
  },
  {
    key: 'service.allowed_algs',
    aliases: [],
    type: { kind: 'set', values: CREATION_ALGS },
    scope: 'global',
    tighter: 'subset',
    sensitive: 'yes',
    start: () => [...CREATION_ALGS].sort(),
  },
  {
    key: 'keys.rotate_max_days',
    aliases: [],
    type: integer(1, 90),
    scope: 'global-and-tenant',
    tighter: 'down',
    sensitive: 'yes',
    start: () => 90,
  },
  {
    key: 'freeze.max_minutes',
    aliases: [],
    type: integer(1, 60),
    scope: 'global',
    tighter: 'equal',
    sensitive: 'yes',
    start: (profile) => PROFILES[profile].freezeMaxMinutes,
    maxIn: (profile) => PROFILES[profile].freezeMaxMinutes,
  },
  {
    key: 'caps.max_ttl_s',
    aliases: [],
    type: integer(60, 86_400),
    scope: 'global-and-tenant',
    tighter: 'down',
    sensitive: 'yes',
    start: () => 900,
  },
  tunable('caps.max_active', 1, 10_000, 100, { scope: 'global-and-tenant' }),
  tunable('caps.mint_per_min', 1, 6000, 10, { scope: 'global-and-tenant' }),
  tunable('limits.max_inflight_sign', 1, 65_536, 512, { scope: 'global' }),
  tunable('limits.max_inflight_verify', 1, 65_536, 1024, { scope: 'global' }),
  tunable('limits.tenant_share_min_permille', 1, 500, 50, {
    scope: 'global',
    tighter: 'up',
    aliases: ['limits.tenant_share_min'],
  }),
  tunable('verify_cache.max_entries', 0, 1_048_576, 262_144, { scope: 'global' }),
  tunable('verify_cache.ttl_ms', 0, 3_600_000, 300_000, { scope: 'global', aliases: ['verify_cache_ttl_ms'] }),
];

/** `backends.<backend>.<setting>`: one row for all; never a source of a secret. */
const BACKEND_SETTING = /^backends\.(?:inmem|file|pkcs11|tpm|cloud)\.[a-z][a-z0-9_]{0,63}$/;
const SECRET_SOURCE = /(?:passphrase|password|secret|credential|token|pin)/;

function backendRow(name: string): KeyRow | null {
  if (!BACKEND_SETTING.test(name)) return null;
  if (SECRET_SOURCE.test(name)) {
    throw new RonError('InvalidValue', `${name}: where a secret comes from is never policy`, { field: name });
  }
  return {
    key: name,
    aliases: [],
    type: { kind: 'text', pattern: /^[\x20-\x7e]{1,1024}$/ },
    scope: 'global',
    tighter: 'equal',
    sensitive: 'yes',
    byBackendChange: true,
  };
}

/** Inputs that are views of `pq.phase` (governance page 5), by the name that rollout/phases.ts knows. */
export const PHASE_INPUTS: Readonly<Record<string, 'pq_mode' | 'verify_mode' | 'produce_hybrid'>> = {
  pq_mode: 'pq_mode',
  'pq.mode': 'pq_mode',
  verify_mode: 'verify_mode',
  'pq.verify_mode': 'verify_mode',
  produce_hybrid: 'produce_hybrid',
  'pq.produce_hybrid': 'produce_hybrid',
};

const lastPart = (key: string): string => key.slice(key.lastIndexOf('.') + 1);

/** Every name a row answers to: canonical, aliases, and its last part where no other row has it. */
export function namesOf(row: KeyRow): string[] {
  const last = lastPart(row.key);
  const unique = REGISTRY.filter((one) => lastPart(one.key) === last).length === 1;
  return [row.key, ...row.aliases, ...(unique && !row.aliases.includes(last) ? [last] : [])];
}

/** The row with exactly this canonical name, or null; for signed bytes, where no alias stands. */
export function rowOf(key: string): KeyRow | null {
  return REGISTRY.find((row) => row.key === key) ?? backendRow(key);
}

/** What an operator's name means: a row, or one of the inputs for the phase. Throws `UnknownKey` with the nearest names. */
export function resolveKey(
  name: string,
): KeyRow | { readonly phaseInput: 'pq_mode' | 'verify_mode' | 'produce_hybrid' } {
  const input = Object.hasOwn(PHASE_INPUTS, name) ? PHASE_INPUTS[name] : undefined;
  if (input !== undefined) return { phaseInput: input };
  const row = REGISTRY.find((one) => namesOf(one).includes(name)) ?? backendRow(name);
  if (row !== null) return row;
  const names = [...Object.keys(PHASE_INPUTS), ...REGISTRY.flatMap(namesOf)];
  const near = nearest(name, names);
  throw new RonError('UnknownKey', `no governable key is called ${JSON.stringify(name)}`, {
    field: name,
    hint:
      near.length === 0
        ? '`ronctl policy keys` lists all.'
        : `Nearest: ${near.join(', ')}. \`ronctl policy keys\` lists all.`,
  });
}
