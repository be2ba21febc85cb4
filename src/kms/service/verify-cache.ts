// Results of verify (keys page 6, C-73): keyed on everything that decides, the mode, the policy seq and the state of the key
// included, so that a change of any of them is another question. A result is used for the soft limit; while the backend is
// away, material up to twice as old answers, and what is older is StoreUnavailable. Only results that no look-up in the log
// decided are kept: those end by time.

import { sha256Hex } from '../../crypto/hash.ts';
import type { Clock, Millis } from '../../host.ts';
import type { VerifyRequest, VerifyResult } from '../ports.ts';
import type { Telemetry } from '../telemetry.ts';
import { unavailable } from './serving-store.ts';

export interface VerdictKey {
  readonly kid: string;
  readonly bundle: VerifyRequest['bundle'];
  readonly payloadB3: string;
  readonly mode: string;
  readonly policySeq: number | null;
  /** State of the version, from_seq and tracks. */
  readonly state: string;
  readonly trust: string;
}

export interface VerifyCacheLimits {
  readonly maxEntries: number;
  readonly ttlMs: Millis;
}

interface Entry {
  readonly result: VerifyResult;
  readonly atMs: Millis;
}

export class VerifyCache {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #telemetry: Telemetry;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #limits: VerifyCacheLimits;

  constructor(clock: Pick<Clock, 'monotonicMs'>, telemetry: Telemetry, limits: VerifyCacheLimits) {
    this.#clock = clock;
    this.#telemetry = telemetry;
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  limit(limits: VerifyCacheLimits): void {
    this.#limits = limits;
    this.#trim();
  }

  /** `materialAgeMs`: since when the backend is away, 0 while it is there. Throws StoreUnavailable beyond the hard limit. */
  async answer(key: VerdictKey, materialAgeMs: Millis, judge: () => Promise<VerifyResult>): Promise<VerifyResult> {
    this.demandFresh(materialAgeMs);
    const name = keyOf(key);
    const nowMs = this.#clock.monotonicMs();
    const known = this.#entries.get(name);
    if (known !== undefined && (nowMs - known.atMs <= this.#limits.ttlMs || materialAgeMs > 0)) {
      this.#entries.delete(name);
      this.#entries.set(name, known);
      this.#telemetry.count('kms_verify_cache_hits_total', { hit: 'true' });
      return { ...known.result, cache_age_ms: Math.ceil(materialAgeMs > 0 ? materialAgeMs : nowMs - known.atMs) };
    }
    this.#telemetry.count('kms_verify_cache_hits_total', { hit: 'false' });
    const result = await judge();
    if (isLasting(result)) {
      this.#entries.set(name, { result, atMs: nowMs });
      this.#trim();
    }
    return materialAgeMs > 0 ? { ...result, cache_age_ms: Math.ceil(materialAgeMs) } : result;
  }

  /** Counts answers from stale material, refuses expired one. */
  demandFresh(materialAgeMs: Millis): void {
    if (materialAgeMs <= this.#limits.ttlMs) return;
    if (materialAgeMs <= 2 * this.#limits.ttlMs) {
      this.#telemetry.count('verify_cache_stale_total');
      return;
    }
    this.#telemetry.count('verify_cache_expired_total');
    throw unavailable(
      `the custody backend has been away for ${Math.floor(materialAgeMs / 1000)} s: too long to answer`,
    );
  }

  #trim(): void {
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.maxEntries) return;
      this.#entries.delete(oldest);
    }
  }
}

const keyOf = ({ kid, bundle, payloadB3, mode, policySeq, state, trust }: VerdictKey): string =>
  sha256Hex(JSON.stringify([kid, bundle.sigs, payloadB3, mode, policySeq, state, trust]));

/** Legacy acceptance ends by time, and what could not be decided may be decided later. */
const isLasting = ({ legacy, refusal }: VerifyResult): boolean =>
  legacy === undefined && (refusal === null || refusal === 'VerificationFailed' || refusal === 'PqPolicy');
