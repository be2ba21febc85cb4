// Values of governable keys: reading what an operator types, checking what stands in signed bytes, comparing two values by
// the direction of the key. Refuses values of another type or out of bounds (InvalidValue); an unknown word never has a
// meaning.

import { canonicalText, type Json } from '../bytes/canonical-json.ts';
import { RonError } from '../errors.ts';
import type { Profile } from './profile.ts';
import type { KeyRow } from './registry.ts';

export type Comparison = 'tighter' | 'looser' | 'equal' | 'different';

function refuse(row: KeyRow, shown: string, expected: string): never {
  throw new RonError('InvalidValue', `${row.key}: ${shown} is not accepted; ${expected}`, { field: row.key });
}

/** What the key takes, in words. */
export function boundsText(row: KeyRow, profile?: Profile): string {
  const type = row.type;
  switch (type.kind) {
    case 'integer':
      return `an integer from ${type.min} to ${largest(row, type.max, profile)}`;
    case 'boolean':
      return 'true or false';
    case 'choice':
      return `one of ${type.values.join(', ')}`;
    case 'set':
      return `one or more of ${type.values.join(', ')}, separated by commas`;
    default:
      return '1 to 1024 printable ASCII characters';
  }
}

function largest(row: KeyRow, max: number, profile: Profile | undefined): number {
  return profile === undefined ? max : Math.min(max, row.maxIn?.(profile) ?? max);
}

function isStrings(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function fits(row: KeyRow, value: Json, profile: Profile | undefined): boolean {
  const type = row.type;
  switch (type.kind) {
    case 'integer':
      return Number.isInteger(value) && Number(value) >= type.min && Number(value) <= largest(row, type.max, profile);
    case 'boolean':
      return typeof value === 'boolean';
    case 'choice':
      return typeof value === 'string' && type.values.includes(value);
    case 'set':
      return (
        isStrings(value) &&
        value.length > 0 &&
        value.every((item, index) => type.values.includes(item) && (index === 0 || value[index - 1]! < item))
      );
    default:
      return typeof value === 'string' && type.pattern.test(value);
  }
}

/** A value from signed bytes or a file; throws InvalidValue. Without a profile the widest bounds apply. */
export function checkValue(row: KeyRow, value: Json, profile?: Profile): Json {
  return fits(row, value, profile)
    ? value
    : refuse(row, canonicalText(value), `${boundsText(row, profile)} is expected`);
}

function read(row: KeyRow, text: string): Json {
  switch (row.type.kind) {
    case 'integer':
      return /^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'set':
      return [...new Set(text.split(','))].sort((a, b) => (a < b ? -1 : 1));
    default:
      return text;
  }
}

/** A value as typed; throws InvalidValue naming the key and what it takes. */
export function parseValue(row: KeyRow, text: string, profile?: Profile): Json {
  const value = read(row, text);
  return fits(row, value, profile)
    ? value
    : refuse(row, JSON.stringify(text), `${boundsText(row, profile)} is expected`);
}

/** One line, readable by `parseValue`. */
export function formatValue(value: Json): string {
  if (typeof value === 'string') return value;
  return isStrings(value) ? value.join(',') : canonicalText(value);
}

function order(row: KeyRow, value: Json): number {
  if (row.type.kind === 'choice' && typeof value === 'string') return row.type.values.indexOf(value);
  return Number(value);
}

/** Is `b` tighter or looser than `a`? `different` = not equal and neither (no direction, or sets that only overlap). */
export function compare(row: KeyRow, a: Json, b: Json): Comparison {
  if (canonicalText(a) === canonicalText(b)) return 'equal';
  switch (row.tighter) {
    case 'up':
    case 'right':
      return order(row, b) > order(row, a) ? 'tighter' : 'looser';
    case 'down':
      return order(row, b) < order(row, a) ? 'tighter' : 'looser';
    case 'false':
      return b === false ? 'tighter' : 'looser';
    case 'subset': {
      if (!isStrings(a) || !isStrings(b)) return 'different';
      if (b.every((item) => a.includes(item))) return 'tighter';
      return a.every((item) => b.includes(item)) ? 'looser' : 'different';
    }
    default:
      return 'different';
  }
}

/** The tighter of two values; where neither is, the first. */
export function tighterValue(row: KeyRow, a: Json, b: Json): Json {
  return compare(row, a, b) === 'tighter' ? b : a;
}

/** How far a tunable value may move without a quorum: [ceil 0.8 b, floor 1.2 b] of the approved value b. */
export function tuneBounds(approved: number): { readonly min: number; readonly max: number } {
  return { min: Math.ceil((approved * 4) / 5), max: Math.floor((approved * 6) / 5) };
}
