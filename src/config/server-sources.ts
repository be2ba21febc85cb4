// Flags, environment and file as values for members of ServerConfig, each with its origin (service page 6). Everything that is
// wrong is collected, so that `config check` can list all of it. Refuses: unknown keys and variables (with the nearest
// names), values that do not parse, an older name and the current one with different values.

import { nearest } from '../bytes/nearest.ts';
import type { ErrorCode } from '../errors.ts';
import type { Env } from '../host.ts';
import { type ConfigTable, type ConfigText, isTable } from './config-text.ts';
import { absolutePath } from './paths.ts';
import { COMPOUND_ALIASES, type CompoundAlias, REFUSED_KEYS, REMOVED_IN, refusedVariable } from './server-aliases.ts';
import { type Member, memberRow, type ServerKey, serverKeys } from './server-keys.ts';
import { BadValue, fromFile, fromText, type Value } from './server-value.ts';

export type Layer = 'flag' | 'env' | 'file';

export interface Given {
  readonly member: Member;
  readonly value: Value;
  /** `--bind`, `RON_KMS_BIND_ADDR`, `ron-kms.toml:3`. */
  readonly origin: string;
  readonly layer: Layer;
}

export interface Violation {
  readonly code: ErrorCode;
  /** Dotted key of the file. */
  readonly key: string;
  /** Where the value stands; `default` for one that nobody gave. */
  readonly origin: string;
  readonly message: string;
  readonly hint: string;
}

/** An older name in a file, and the current keys it became. */
export interface Renamed {
  readonly from: string;
  readonly to: readonly string[];
  readonly path: readonly string[];
}

export interface Collected {
  readonly given: readonly Given[];
  readonly violations: readonly Violation[];
  readonly warnings: readonly string[];
  readonly renamed: readonly Renamed[];
}

/** Flag values by name without `--`. */
export type ServerFlags = Readonly<Record<string, string | boolean | undefined>>;

interface Sink {
  readonly given: Given[];
  readonly violations: Violation[];
  readonly warnings: string[];
  readonly renamed: Renamed[];
}

const sink = (): Sink => ({ given: [], violations: [], warnings: [], renamed: [] });

const shown = (value: unknown): string => {
  const text =
    JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
};

function bad(row: ServerKey, origin: string, raw: unknown, why: BadValue): Violation {
  const found = row.redacted === true ? '' : `, not ${shown(raw)}`;
  return {
    code: 'InvalidValue',
    key: row.key,
    origin,
    message: `${origin}: ${row.key}: ${why.expected} is expected${found}`,
    hint: `Correct ${row.key}.`,
  };
}

function add(out: Sink, row: ServerKey, layer: Layer, origin: string, raw: unknown, base: string): void {
  const value = layer === 'file' ? fromFile(row.type, raw) : fromText(row.type, String(raw));
  if (value instanceof BadValue) {
    out.violations.push(bad(row, origin, raw, value));
    return;
  }
  const resolved = row.type.kind === 'path' && value !== '' ? absolutePath(base, String(value)) : value;
  out.given.push({ member: row.member, value: resolved, origin, layer });
}

/** A variable is its own origin. */
const named = (origin: string, name: string): string => (origin === name ? name : `${origin}: ${name}`);

function addCompound(out: Sink, alias: CompoundAlias, origin: string, raw: unknown, profile: string): void {
  if (alias.profile !== undefined && alias.profile !== profile) {
    out.warnings.push(`${named(origin, alias.name)} counts under profile ${alias.profile} only; it has no effect here`);
    return;
  }
  const word = typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : null;
  const meant = word === null ? null : alias.means(word, profile);
  if (meant === null) {
    out.violations.push({
      code: 'InvalidValue',
      key: alias.name,
      origin,
      message: `${named(origin, alias.name)}: ${shown(raw)} is none of its values`,
      hint: `Use ${alias.replacement} instead.`,
    });
    return;
  }
  if (alias.current !== true) out.warnings.push(deprecated(origin, alias.name, alias.replacement));
  for (const [member, value] of meant) out.given.push({ member, value, origin, layer: alias.where });
}

const deprecated = (origin: string, old: string, now: string): string =>
  `${named(origin, old)} is an older name, removed in ${REMOVED_IN}; use ${now}`;

/** Two names of one key in the same layer: equal values are one, different ones are refused (C-32). */
function withoutDoubles(out: Sink): Collected {
  const given: Given[] = [];
  for (const one of out.given) {
    const other = given.find((earlier) => earlier.member === one.member && earlier.layer === one.layer);
    if (other === undefined) {
      given.push(one);
    } else if (JSON.stringify(other.value) !== JSON.stringify(one.value)) {
      const row = memberRow(one.member);
      const values = row.redacted === true ? '' : ` (${shown(other.value)} and ${shown(one.value)})`;
      out.violations.push({
        code: 'RefusedConfig',
        key: row.key,
        origin: one.origin,
        message: `${other.origin} and ${one.origin} both mean ${row.key} and differ${values}`,
        hint: `Keep ${other.origin === row.env || other.origin === `--${row.flag}` ? other.origin : one.origin} only.`,
      });
    }
  }
  return { ...out, given };
}

/** Flags of `kms serve`; paths are relative to `cwd`. */
export function fromFlags(flags: ServerFlags, cwd: string): Collected {
  const out = sink();
  for (const row of serverKeys()) {
    const raw = row.flag === undefined ? undefined : flags[row.flag];
    if (raw !== undefined) add(out, row, 'flag', `--${row.flag}`, raw, cwd);
  }
  return withoutDoubles(out);
}

/** Variables that a container platform sets for a service called ron-kms. */
const PLATFORM = /^RON_KMS_(?:SERVICE_(?:HOST|PORT)|PORT)(?:_[A-Z0-9_]+)?$/;

function unknownVariable(out: Sink, name: string): void {
  const known = serverKeys().map((row) => row.env);
  const near = nearest(name, known);
  out.violations.push({
    code: 'UnknownKey',
    key: name,
    origin: name,
    message: `no configuration key has the variable ${name}`,
    hint: near.length === 0 ? '`ronctl config sample ron-kms` lists all.' : `Did you mean ${near.join(', ')}?`,
  });
}

/** The environment; paths are relative to the working directory. */
export function fromEnvironment(env: Env, profile: string): Collected {
  const out = sink();
  const value = (name: string): string | undefined => {
    const text = env.get(name);
    return text === '' ? undefined : text;
  };
  for (const row of serverKeys()) {
    for (const name of [row.env, ...(row.aliases ?? [])]) {
      const raw = value(name);
      if (raw === undefined) continue;
      if (name !== row.env) out.warnings.push(deprecated(name, name, row.env));
      add(out, row, 'env', name, raw, env.cwd);
    }
  }
  const compounds = COMPOUND_ALIASES.filter(({ where }) => where === 'env');
  for (const alias of compounds) {
    const raw = value(alias.name);
    if (raw !== undefined) addCompound(out, alias, alias.name, raw, profile);
  }
  const known = new Set([
    'RON_KMS_CONFIG',
    ...serverKeys().map((row) => row.env),
    ...compounds.map(({ name }) => name),
  ]);
  for (const name of [...env.names()].sort()) {
    if (value(name) === undefined) continue;
    const instead = refusedVariable(name);
    if (instead !== null) {
      const message = `${name} is not a variable of ronctl`;
      out.violations.push({ code: 'Unsupported', key: name, origin: name, message, hint: instead });
    } else if (name.startsWith('RON_KMS_') && !known.has(name) && !PLATFORM.test(name)) {
      unknownVariable(out, name);
    }
  }
  return withoutDoubles(out);
}

interface FilePlace {
  readonly text: ConfigText;
  /** As origins name it. */
  readonly file: string;
  readonly base: string;
  readonly profile: string;
}

/** `ron-kms.toml:3`: origins name the line. */
const originAt = ({ text, file }: FilePlace, path: readonly string[]): string =>
  `${file}:${text.place(path).split(':')[0]}`;

const isTableName = (prefix: string): boolean =>
  serverKeys().some((row) => [row.key, ...(row.old ?? [])].some((key) => key.startsWith(`${prefix}.`))) ||
  COMPOUND_ALIASES.some(({ where, name }) => where === 'file' && name.startsWith(`${prefix}.`));

function leaf(out: Sink, place: FilePlace, path: readonly string[], raw: unknown): void {
  const key = path.join('.');
  const origin = originAt(place, path);
  const at = `${place.file}:${place.text.place(path)}`;
  // A quoted key with a dot in it is another key than the dotted one.
  const plain = path.every((part) => !part.includes('.'));
  const row = plain ? serverKeys().find((one) => one.key === key || one.old?.includes(key) === true) : undefined;
  if (row !== undefined) {
    if (row.key !== key) {
      out.warnings.push(deprecated(origin, key, row.key));
      out.renamed.push({ from: key, to: [row.key], path });
    }
    const before = out.violations.length;
    add(out, row, 'file', origin, raw, place.base);
    // A value that is wrong is named with its column too.
    const wrong = out.violations[before];
    if (wrong !== undefined) out.violations[before] = { ...wrong, message: wrong.message.replace(origin, at) };
    return;
  }
  const alias = plain ? COMPOUND_ALIASES.find((one) => one.where === 'file' && one.name === key) : undefined;
  if (alias !== undefined) {
    const before = out.given.length;
    addCompound(out, alias, origin, raw, place.profile);
    const to = out.given.slice(before).map(({ member }) => memberRow(member).key);
    if (to.length > 0) out.renamed.push({ from: key, to, path });
    return;
  }
  const refused = Object.hasOwn(REFUSED_KEYS, key) ? REFUSED_KEYS[key]! : null;
  const near = nearest(
    key,
    serverKeys().map((one) => one.key),
  );
  const known = near.length === 0 ? '`ronctl config sample ron-kms` lists all.' : `Did you mean ${near.join(', ')}?`;
  const what = refused === null ? 'unknown' : 'unsupported';
  out.violations.push({
    code: refused === null ? 'UnknownKey' : 'Unsupported',
    key,
    origin,
    message: `${at}: ${what} ${isTable(raw) ? `table [${key}]` : `key ${key}`}`,
    hint: refused ?? known,
  });
}

function walk(out: Sink, place: FilePlace, table: ConfigTable, path: readonly string[]): void {
  for (const [name, value] of Object.entries(table)) {
    const here = [...path, name];
    const key = here.join('.');
    if (!isTableName(key) || name.includes('.')) {
      leaf(out, place, here, value);
    } else if (isTable(value)) {
      walk(out, place, value, here);
    } else {
      const at = `${place.file}:${place.text.place(here)}`;
      out.violations.push({
        code: 'InvalidValue',
        key,
        origin: originAt(place, here),
        message: `${at}: ${key} is a table, written [${key}]`,
        hint: `Correct ${key}.`,
      });
    }
  }
}

/** The text of a configuration file; paths are relative to its directory `base`. */
export function fromFileText(place: FilePlace): Collected {
  const out = sink();
  walk(out, place, place.text.table, []);
  return withoutDoubles(out);
}
