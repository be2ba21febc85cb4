// Times and durations as operators type them and as files hold them.

import { RonError } from '../errors.ts';

/** Of one millisecond many texts are made: each record of a batch has one. */
let last = { millis: 0, text: '1970-01-01T00:00:00.000Z' };

/** RFC 3339 UTC with milliseconds. */
export function toTime(millis: number): string {
  if (millis !== last.millis) last = { millis, text: new Date(millis).toISOString() };
  return last.text;
}

/** The same few times are read for every request: of the newest record, of the ledger. */
const READ = 64;
const read = new Map<string, number>();

export function fromTime(text: string): number {
  let millis = read.get(text);
  if (millis === undefined) {
    millis = Date.parse(text);
    if (read.size >= READ) read.clear();
    read.set(text, millis);
  }
  return millis;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

// 1,000 years: added to a time of today it is still a year of four digits.
const MAX_DURATION_MS = 1000 * 365 * 86_400_000;

/** Milliseconds of `90s`, `24h`, `7d`, `1h30m`; `field` names the flag in the error. */
export function parseDuration(text: string, field: string): number {
  const parts = [...text.matchAll(/(\d{1,12})(ms|s|m|h|d)/g)];
  const millis = parts.reduce((sum, part) => sum + Number(part[1]) * UNIT_MS[part[2]!]!, 0);
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text || millis > MAX_DURATION_MS) {
    throw new RonError('InvalidValue', `${field}: not a duration: ${JSON.stringify(text)}`, {
      field,
      hint: 'Write a number and a unit (ms, s, m, h, d), for example 24h or 7d.',
    });
  }
  return millis;
}

/** Milliseconds since the epoch of an RFC 3339 time with a zone. */
export function parseTime(text: string, field: string): number {
  // Hour 24 would be the next day to Date.parse; RFC 3339 ends at 23.
  const match = /^(\d{4}-\d\d-\d\d)[Tt]((?:[01]\d|2[0-3]):\d\d:\d\d)(\.\d{1,3})?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  const millis = match === null ? Number.NaN : Date.parse(text);
  const day = match === null ? Number.NaN : Date.parse(`${match[1]}T00:00:00Z`);
  if (Number.isNaN(millis) || Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== match![1]) {
    throw new RonError('InvalidValue', `${field}: not a time: ${JSON.stringify(text)}`, {
      field,
      hint: 'Write RFC 3339 with a zone, for example 2026-11-20T14:00:00Z.',
    });
  }
  return millis;
}

/** A duration counted from `fromMs`, or a time. */
export function parseDurationOrTime(text: string, fromMs: number, field: string): number {
  if (/^\d{4}-/.test(text)) return parseTime(text, field);
  try {
    return fromMs + parseDuration(text, field);
  } catch (thrown) {
    throw new RonError('InvalidValue', `${field}: neither a duration nor a time: ${JSON.stringify(text)}`, {
      field,
      hint: 'Write a duration, for example 24h or 7d, or a time, for example 2026-11-20T14:00:00Z.',
      cause: thrown,
    });
  }
}

/** `23 h 41 min`, the two largest units. */
export function spell(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 || minutes >= 10 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}
