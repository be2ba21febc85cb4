// The log of the service: one JSON object (or one line of text) per event with the fields of kms-api/log-fields.ts
// (OBS-25..30). Fields that the table does not have are left out and counted, so that a mistake shows without leaking. Beyond
// the table every text is searched for kids and for runs of characters that could be a token, signature or key.

import { utf8 } from '../bytes/text.ts';
import { toTime } from '../bytes/time.ts';
import { blake3Hex } from '../crypto/blake3.ts';
import { LOG_FIELDS, type LogField, type LogFields, type LogValue } from '../kms-api/log-fields.ts';
import { kidHash } from './kid-hash.ts';
import type { LogLevel } from './telemetry.ts';

export type RedactLevel = 'none' | 'lengths' | 'hashes';

export interface LogSettings {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  readonly redact: RedactLevel;
  /** Fields of kind `input` appear at all. Never in production (CFG-33). */
  readonly logInputs: boolean;
}

export interface LogOptions {
  readonly nowMs: () => number;
  /** One line without LF. */
  readonly write: (line: string) => void;
  /** Read for each line: a reload changes it. */
  readonly settings: () => LogSettings;
}

const SERVICE = 'ron-kms';
const RANKS: Readonly<Record<LogLevel, number>> = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 };
const MAX_TEXT = 512;
const MAX_ITEMS = 64;

const KID = /[^\s"'/]{1,64}\/[^\s"'/]{1,64}\/[a-z0-9-]{1,32}\/[0-9a-f-]{36}(?:#v\d+)?/g;
/** base64, base64url or hex of 30 bytes and more: tokens, keys, signatures, digests of payloads. */
const OPAQUE = /[A-Za-z0-9+_=-]{40,}/g;
const DIGEST = /^(?:[a-z0-9]{1,12}:)?[0-9a-f]{8,128}$/;
const EVENT = /^[a-z][a-z0-9_]{0,63}$/;

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
/** A shorter text holds neither a kid nor an opaque run. */
const SHORTEST = 40;
const NAMES = Object.keys(LOG_FIELDS) as readonly LogField[];

/** Kids as their hash, long opaque runs as their length, control characters as escapes. */
export function scrubbed(text: string): string {
  if (text.length < SHORTEST && !CONTROL.test(text)) return text;
  const plain = text
    .replaceAll(KID, (kid) => `kid:${kidHash(kid)}`)
    .replaceAll(OPAQUE, (run) => `<redacted:${run.length}>`)
    .replaceAll(
      /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
      (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  return plain.length > MAX_TEXT ? `${plain.slice(0, MAX_TEXT)}…` : plain;
}

function redacted(text: string, level: RedactLevel): string {
  if (level === 'none') return DIGEST.test(text) ? text : scrubbed(text);
  return level === 'lengths' ? `len:${text.length}` : `b3:${blake3Hex(utf8(text)).slice(0, 8)}`;
}

type Shown = string | number | boolean | null | readonly string[];

function shown(name: LogField, value: LogValue, { redact, logInputs }: LogSettings): Shown | undefined {
  const { kind } = LOG_FIELDS[name];
  if (value === undefined || (kind === 'input' && !logInputs)) return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'boolean' || value === null) return value;
  if (kind === 'input') return redacted(typeof value === 'string' ? value : value.join(','), redact);
  if (typeof value === 'string') return kind === 'digest' && DIGEST.test(value) ? value : scrubbed(value);
  return value.slice(0, MAX_ITEMS).map(scrubbed);
}

function withoutKid(fields: LogFields): LogFields {
  if (typeof fields.kid !== 'string') return fields;
  const { kid, ...rest } = fields;
  const version = /#v(\d+)$/.exec(kid)?.[1];
  return { kid_hash: kidHash(kid), ...(version === undefined ? {} : { kid_version: Number(version) }), ...rest };
}

/** A text value without spaces and quotes stands bare, so that `grep corr_id=` and `grep ready=1` work. */
const bare = (value: Shown): string => {
  const text = Array.isArray(value) ? value.join(',') : String(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
};

export type ServiceLog = (level: LogLevel, event: string, fields?: LogFields) => void;

/** Whether lines of `level` are written where the least level is `least`. */
export const isLogged = (level: LogLevel, least: LogLevel): boolean => RANKS[level] >= RANKS[least];

export function createServiceLog({ nowMs, write, settings }: LogOptions): ServiceLog {
  return (level, event, fields = {}) => {
    const now = settings();
    if (!isLogged(level, now.level)) return;
    const given = withoutKid(fields);
    const values: Record<string, Shown> = {};
    for (const name of NAMES) {
      const value = Object.hasOwn(given, name) ? shown(name, given[name as keyof LogFields], now) : undefined;
      if (value !== undefined) values[name] = value;
    }
    const unknown = Object.keys(given).filter((name) => !Object.hasOwn(LOG_FIELDS, name)).length;
    if (unknown > 0) values['dropped'] = unknown;
    const name = EVENT.test(event) ? event : 'unnamed';
    const ts = toTime(nowMs());
    write(
      now.format === 'json'
        ? JSON.stringify({
            ts,
            level: level.toUpperCase(),
            service: SERVICE,
            event: name,
            ...values,
          })
        : [`${ts} ${level.toUpperCase()} service=${SERVICE}`, ...textPairs(name, values)].join(' '),
    );
  };
}

/** `ready=1` follows `service=` at once: the documented proof of a start (RUN-04). */
function textPairs(event: string, values: Readonly<Record<string, Shown>>): string[] {
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${bare(value)}`);
  const ready = pairs.filter((pair) => pair.startsWith('ready='));
  return [...ready, `event=${event}`, ...pairs.filter((pair) => !ready.includes(pair))];
}
