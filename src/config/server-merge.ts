// One value for every key of the server: flag over environment over file over default (service page 6), with the origin of
// each. The profile is settled first, because defaults, overlays and older names depend on it; a home or genesis that names
// a profile is the only source of it. Attack: `profile = "dev"` in a file removes what the genesis demands.

import type { Env } from '../host.ts';
import type { ConfigText } from './config-text.ts';
import type { ServerConfig, ServerProfile } from './server-config.ts';
import { type DefaultsOf, type Member, memberRow, serverKeys } from './server-keys.ts';
import {
  fromEnvironment,
  fromFileText,
  fromFlags,
  type Given,
  type Layer,
  type ServerFlags,
  type Violation,
} from './server-sources.ts';
import { fromText, type Value } from './server-value.ts';

/** The profile that a home or genesis fixes. */
export interface FixedProfile {
  readonly profile: ServerProfile;
  /** As messages name it: `the genesis of <ledger>`, `home.json`. */
  readonly by: string;
}

export interface MergeSources {
  readonly flags: ServerFlags;
  /** Null where the environment does not count (`config check FILE`). */
  readonly env: Env | null;
  readonly cwd: string;
  readonly file: { readonly text: ConfigText; readonly name: string; readonly directory: string } | null;
  /** Absolute. */
  readonly home: string;
  readonly fixed: FixedProfile | null;
}

export interface Merged {
  readonly config: ServerConfig;
  /** By dotted key of the file. */
  readonly origins: ReadonlyMap<string, string>;
  readonly violations: readonly Violation[];
  readonly warnings: readonly string[];
}

/** Whether a flag, variable or file gave the value, by its origin: neither a default, nor home or ledger. */
export function isConfigured(origin: string | undefined): boolean {
  return origin !== undefined && /^--|^[A-Z][A-Z0-9_]*$|:\d+$/.test(origin);
}

const RANK: Readonly<Record<Layer, number>> = { flag: 3, env: 2, file: 1 };

function profileOf({ flags, env, file, fixed }: MergeSources): ServerProfile {
  const { type } = memberRow('profile');
  const named = [flags['profile'], env?.get('RON_KMS_PROFILE') || undefined, file?.text.table['profile']];
  const given = named.find((one) => one !== undefined);
  const value = typeof given === 'string' ? fromText(type, given) : 'dev';
  return fixed?.profile ?? (typeof value === 'string' ? (value as ServerProfile) : 'dev');
}

function otherProfile(given: Given | undefined, fixed: FixedProfile | null): Violation[] {
  if (given === undefined || fixed === null || given.value === fixed.profile) return [];
  return [
    {
      code: 'RefusedConfig',
      key: 'profile',
      origin: given.origin,
      message: `${given.origin}: profile ${String(given.value)} is not ${fixed.profile}, which ${fixed.by} says`,
      hint: 'Leave the profile away; only the home or its genesis names it.',
    },
  ];
}

function setMember(config: Record<string, unknown>, member: string, value: Value): void {
  const parts = member.split('.');
  let at = config;
  for (const part of parts.slice(0, -1)) {
    at[part] ??= {};
    at = at[part] as Record<string, unknown>;
  }
  at[parts.at(-1)!] = value;
}

/** The value of a member. */
export function memberOf(config: ServerConfig, member: Member): Value {
  let at: unknown = config;
  for (const part of member.split('.')) at = (at as Readonly<Record<string, unknown>>)[part];
  return at as Value;
}

/** A copy with other values of some members. */
export function withMembers(config: ServerConfig, changes: Iterable<readonly [Member, Value]>): ServerConfig {
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  for (const [member, value] of changes) setMember(copy, member, value);
  return copy as unknown as ServerConfig;
}

/** Reads every source and merges; judges single values and names only (server-check.ts does the rest). */
export function mergeServerConfig(sources: MergeSources): Merged {
  const { flags, env, cwd, file, home, fixed } = sources;
  const profile = profileOf(sources);
  const collected = [
    fromFlags(flags, cwd),
    ...(env === null ? [] : [fromEnvironment(env, profile)]),
    ...(file === null ? [] : [fromFileText({ text: file.text, file: file.name, base: file.directory, profile })]),
  ];
  const chosen = new Map<Member, Given>();
  for (const one of collected.flatMap(({ given }) => given)) {
    const other = chosen.get(one.member);
    if (other === undefined || RANK[one.layer] > RANK[other.layer]) chosen.set(one.member, one);
  }
  const value = (member: Member, of: DefaultsOf): Value => chosen.get(member)?.value ?? memberRow(member).default(of);
  const start: DefaultsOf = { profile, amnesia: false, backend: 'file', home };
  const amnesia = value('service.amnesia', start) === true;
  const backend = String(value('service.backend', { ...start, amnesia }));
  const of: DefaultsOf = { profile, amnesia, backend, home };
  const config: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const row of serverKeys()) {
    const given = chosen.get(row.member);
    setMember(config, row.member, given === undefined ? row.default(of) : given.value);
    origins.set(row.key, given?.origin ?? 'default');
  }
  setMember(config, 'profile', profile);
  if (fixed !== null) origins.set('profile', fixed.by);
  return {
    config: config as unknown as ServerConfig,
    origins,
    violations: [...collected.flatMap((one) => one.violations), ...otherProfile(chosen.get('profile'), fixed)],
    warnings: collected.flatMap((one) => one.warnings),
  };
}
