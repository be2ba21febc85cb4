// Types and texts of the server's configuration values (service page 6): how each is read from a variable or flag (text) and
// from a file (TOML or JSON value), and how it is printed so that reading it again gives the same. Refuses what is out of
// bounds or has no unit; a float becomes thousandths, rounded to the tighter side.

import { parseDuration } from '../bytes/time.ts';

export type Value = string | number | boolean | readonly string[] | null;

export type ValueType =
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'boolean' }
  /** Milliseconds. */
  | { readonly kind: 'duration'; readonly min: number; readonly max: number }
  /** Bytes. */
  | { readonly kind: 'size'; readonly min: number; readonly max: number }
  /** Thousandths of a fraction from 0 to 1. */
  | { readonly kind: 'permille'; readonly min: number; readonly max: number; readonly rounded: 'up' | 'down' }
  | { readonly kind: 'choice'; readonly values: readonly string[] }
  /** In the order given, without repetition; `sorted` = the order means nothing. */
  | {
      readonly kind: 'list';
      readonly values: readonly string[];
      readonly sorted: boolean;
      readonly empty?: true;
      /** Instead of `values`. */
      readonly items?: { readonly pattern: RegExp; readonly what: string; readonly max: number };
    }
  /** IPv4, [IPv6] or localhost, with port. */
  | { readonly kind: 'socket' }
  | { readonly kind: 'path' }
  | { readonly kind: 'text'; readonly pattern: RegExp; readonly what: string };

/** What was wrong with a value, as `expected ...`; the caller adds the key and where it stands. */
export class BadValue {
  readonly expected: string;
  constructor(expected: string) {
    this.expected = expected;
  }
}

const SIZE_UNITS: readonly (readonly [unit: string, bytes: number])[] = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KB', 1e3],
  ['B', 1],
];
const DURATION_UNITS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

export function durationText(ms: number): string {
  const [unit, size] = ms === 0 ? (['ms', 1] as const) : DURATION_UNITS.find(([, one]) => ms % one === 0)!;
  return `${ms / size}${unit}`;
}

export function sizeText(bytes: number): string {
  const [unit, size] = bytes === 0 ? (['B', 1] as const) : SIZE_UNITS.find(([, one]) => bytes % one === 0)!;
  return `${bytes / size}${unit}`;
}

const permilleText = (permille: number): string => String(permille / 1000);

/** What the type takes, in words. */
export function expectedText(type: ValueType): string {
  switch (type.kind) {
    case 'integer':
      return `a whole number from ${type.min} to ${type.max}`;
    case 'boolean':
      return 'true or false';
    case 'duration':
      return `a duration from ${durationText(type.min)} to ${durationText(type.max)}, with its unit (ms, s, m, h)`;
    case 'size':
      return `a size from ${sizeText(type.min)} to ${sizeText(type.max)} (B, KB, MB, KiB, MiB, GiB)`;
    case 'permille':
      return `a fraction from ${permilleText(type.min)} to ${permilleText(type.max)}`;
    case 'choice':
      return `one of ${type.values.join(', ')}`;
    case 'list':
      if (type.items !== undefined) return `a list of at most ${type.items.max} of: ${type.items.what}`;
      return type.values.length === 0 ? 'an empty list' : `a list of ${type.values.join(', ')} without repetition`;
    case 'socket':
      return 'an address with its port, such as 127.0.0.1:9446 or [::1]:0';
    case 'path':
      return 'a path without control characters';
    default:
      return type.what;
  }
}

function numberOf(type: Extract<ValueType, { min: number }>, text: string): number | null {
  switch (type.kind) {
    case 'duration': {
      if (!/^(?:\d{1,12}(?:ms|s|m|h))+$/.test(text)) return null;
      return parseDuration(text, 'duration');
    }
    case 'size': {
      const match = /^(\d{1,15})\s?([KMG]?i?B)?$/.exec(text);
      const unit = match === null ? undefined : SIZE_UNITS.find(([name]) => name === (match[2] ?? 'B'));
      return unit === undefined ? null : Number(match![1]) * unit[1];
    }
    case 'permille': {
      const match = /^(\d{1,3})(?:\.(\d{1,12}))?$/.exec(text);
      if (match === null) return null;
      const scaled = BigInt(match[1]! + (match[2] ?? '').padEnd(12, '0'));
      const [whole, rest] = [scaled / 10n ** 9n, scaled % 10n ** 9n];
      return Number(whole) + (rest > 0n && type.rounded === 'up' ? 1 : 0);
    }
    default:
      return /^(?:0|[1-9]\d{0,15})$/.test(text) ? Number(text) : null;
  }
}

function bounded(type: Extract<ValueType, { min: number }>, value: number | null): number | BadValue {
  return value !== null && Number.isSafeInteger(value) && value >= type.min && value <= type.max
    ? value
    : new BadValue(expectedText(type));
}

function list(type: Extract<ValueType, { kind: 'list' }>, items: readonly string[]): readonly string[] | BadValue {
  const ok =
    (items.length > 0 || type.empty === true) &&
    new Set(items).size === items.length &&
    items.length <= (type.items?.max ?? Number.POSITIVE_INFINITY) &&
    items.every((item) => type.items?.pattern.test(item) ?? type.values.includes(item));
  if (!ok) return new BadValue(expectedText(type));
  return type.sorted ? [...items].sort((a, b) => (a < b ? -1 : 1)) : items;
}

export interface SocketAddress {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly loopback: boolean;
}

/** Null when the text is no address with a port. */
export function parseSocket(text: string): SocketAddress | null {
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|(\d{1,3}(?:\.\d{1,3}){3})|(localhost)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const [, v6, v4, name, digits] = match;
  const port = Number(digits);
  if (port > 65_535 || (digits!.length > 1 && digits!.startsWith('0'))) return null;
  if (v6 !== undefined) {
    const url = `http://[${v6}]/`;
    if (!URL.canParse(url)) return null;
    const host = new URL(url).hostname.slice(1, -1);
    return { host, port, loopback: host === '::1' };
  }
  if (v4 !== undefined && !v4.split('.').every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return null;
  }
  return { host: v4 ?? name!, port, loopback: name !== undefined || v4!.startsWith('127.') };
}

const CONTROL = /\p{Cc}/u;

function textual(type: ValueType, text: string): Value | BadValue {
  switch (type.kind) {
    case 'choice':
      return type.values.includes(text) ? text : new BadValue(expectedText(type));
    case 'socket':
      return parseSocket(text) === null ? new BadValue(expectedText(type)) : text;
    case 'path':
      return CONTROL.test(text) || text.length > 4096 ? new BadValue(expectedText(type)) : text;
    case 'text':
      return type.pattern.test(text) ? text : new BadValue(expectedText(type));
    default:
      return new BadValue(expectedText(type));
  }
}

/** A value from a variable or flag. */
export function fromText(type: ValueType, text: string): Value | BadValue {
  switch (type.kind) {
    case 'boolean':
      if (text === 'true' || text === '1') return true;
      return text === 'false' || text === '0' ? false : new BadValue('true, false, 1 or 0');
    case 'list':
      return list(type, text === '' ? [] : text.split(',').map((item) => item.trim()));
    case 'integer':
    case 'duration':
    case 'size':
    case 'permille':
      return bounded(type, numberOf(type, text));
    default:
      return textual(type, text);
  }
}

/** A value as TOML or JSON gave it. */
export function fromFile(type: ValueType, raw: unknown): Value | BadValue {
  const bad = new BadValue(expectedText(type));
  switch (type.kind) {
    case 'boolean':
      return typeof raw === 'boolean' ? raw : bad;
    case 'list':
      return Array.isArray(raw) && raw.every((item) => typeof item === 'string') ? list(type, raw) : bad;
    case 'integer':
      return typeof raw === 'number' ? bounded(type, raw) : bad;
    case 'size':
      return typeof raw === 'number' ? bounded(type, raw) : typeof raw === 'string' ? fromText(type, raw) : bad;
    case 'permille':
      if (typeof raw !== 'number' || !(raw >= 0) || raw > 1000) return bad;
      return fromText(type, String(raw).includes('e') ? raw.toFixed(12) : String(raw));
    default:
      return typeof raw === 'string' ? fromText(type, raw) : bad;
  }
}

/** As a variable or flag would hold it; `fromText` reads it back. Null has no text. */
export function toText(type: ValueType, value: Exclude<Value, null>): string {
  if (typeof value === 'number') {
    if (type.kind === 'duration') return durationText(value);
    if (type.kind === 'size') return sizeText(value);
    if (type.kind === 'permille') return permilleText(value);
  }
  return typeof value === 'object' ? value.join(',') : String(value);
}

/** As a plain JSON value of a file; `fromFile` reads it back. */
export function toFile(type: ValueType, value: Exclude<Value, null>): string | number | boolean | readonly string[] {
  if (type.kind === 'duration' || type.kind === 'size') return toText(type, value);
  return type.kind === 'permille' ? Number(value) / 1000 : value;
}
