// What stands beside the approved policy for a time (governance page 10): exceptions and used rollback clauses (grants, one
// ledger line each, end = judged_at + duration), tunes (until an execution touches the key), envelopes (wider bounds for
// tunes). Grants end by governance page 11: within one boot by time since boot, after a reboot by the wall clock, and
// whenever that clock stands behind the newest time seen. Attack: a clock set back revives a grant.

import type { Json } from '../bytes/canonical-json.ts';
import { any, array, integer, literal, malformed, map, object, string, time } from '../bytes/decode.ts';
import { fromTime } from '../bytes/time.ts';
import type { Moment } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { parseScope, type Scope } from './state.ts';

interface Placed {
  /** Ledger seq of the line that made it. */
  readonly seq: number;
  readonly scope: Scope;
}

interface Timed {
  readonly judged_at: Moment;
  readonly duration_s: number;
}

/** An `exception`, or a rollback clause in use: these keys are looser for a time. */
export interface Grant extends Placed, Timed {
  readonly kind: 'exception' | 'rollback';
  readonly changes: readonly { readonly key: string; readonly to: Json }[];
}

export interface Tune extends Placed {
  readonly kind: 'tune';
  readonly key: string;
  readonly to: number;
  /** The approved value that it was measured against. */
  readonly baseline: number;
}

export interface TuneEnvelope extends Placed, Timed {
  readonly kind: 'envelope';
  readonly bounds: ReadonlyMap<string, { readonly min: number; readonly max: number }>;
}

export type Overlay = Grant | Tune | TuneEnvelope;

/** The clock by which grants are judged: now, and the newest time of ledger, log, checkpoints and `seen` (ms). */
export interface Judged {
  readonly now: Moment;
  readonly highWaterMs: number;
}

/** Milliseconds that a grant still runs, 0 when it has ended. Exactly at its end it has ended. */
export function remainingMs(grant: Timed, judged: Judged): number {
  const durationMs = grant.duration_s * 1000;
  if (grant.judged_at.boot_id === judged.now.boot_id) {
    const elapsed = judged.now.boottime_ms - grant.judged_at.boottime_ms;
    return elapsed < -LIMITS.clockSlackMs ? 0 : Math.max(0, Math.min(durationMs, durationMs - elapsed));
  }
  const now = fromTime(judged.now.wall);
  const start = fromTime(grant.judged_at.wall);
  if (now < judged.highWaterMs || now < start) return 0;
  return Math.max(0, start + durationMs - now);
}

export function isLive(overlay: Overlay, judged: Judged): boolean {
  return overlay.kind === 'tune' || remainingMs(overlay, judged) > 0;
}

const moment = object({
  wall: time,
  boot_id: string({ pattern: /^[\x21-\x7e]{1,64}$/, what: 'a boot id' }),
  boottime_ms: integer(0),
});

const placed = { seq: integer(0), scope: string({ maxBytes: 80 }) };
const timed = { judged_at: moment, duration_s: integer(1, 2_592_000) };
const key = string({ pattern: /^[a-z][a-z0-9._]{0,127}$/, what: 'a key' });

const grantShape = object({
  kind: literal('exception', 'rollback'),
  ...placed,
  ...timed,
  changes: array(object({ key, to: any }), LIMITS.changes, 1),
});
const tuneShape = object({ kind: literal('tune'), ...placed, key, to: integer(0), baseline: integer(0) });
const envelopeShape = object({
  kind: literal('envelope'),
  ...placed,
  ...timed,
  bounds: map(/^[a-z][a-z0-9._]{0,127}$/, object({ min: integer(0), max: integer(0) }), LIMITS.changes),
});

/** Reads an overlay from `ledger/state.json`. */
export function decodeOverlay(json: Json, path: string): Overlay {
  const kind =
    json !== null && typeof json === 'object' && !Array.isArray(json) ? (json as { kind?: Json }).kind : null;
  const shape = kind === 'tune' ? tuneShape : kind === 'envelope' ? envelopeShape : grantShape;
  const raw = shape(json, path);
  const scope = parseScope(raw.scope, `${path}.scope`);
  if (raw.kind === 'envelope') {
    for (const [name, bound] of raw.bounds)
      if (bound.min > bound.max) malformed(`${path}.bounds.${name}`, 'min over max');
  }
  return { ...raw, scope };
}

export function overlayJson(overlay: Overlay): Json {
  if (overlay.kind !== 'envelope') return { ...overlay } as unknown as Json;
  const bounds = Object.fromEntries([...overlay.bounds].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...overlay, bounds } as unknown as Json;
}
