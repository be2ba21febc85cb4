// Rates and places of the service (X-19, GAP-71, CON-14, MS-02): the last check before the work. Per capability (`rps` caveat,
// counted for every copy of it), per tenant and instance (`sign_rate_limit_rps` for what uses a private key or writes), then
// the fair queue of the kind of work. A refusal is Busy, on the wire 429 with Retry-After.

import type { ServerConfig } from '../config/server-config.ts';
import { RonError } from '../errors.ts';
import type { Millis } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { FairGate, type GateLimits } from './fairness.ts';
import type { Caller, Work } from './ports.ts';
import type { Telemetry } from './telemetry.ts';

/** A tenant that asked nothing for this long has no share of the rate. */
const ACTIVE_MS = 1000;
const SECOND_MS = 1000;
/** How much of its part a tenant may save up; the rest goes to whoever needs it. */
const BURST_MS = 250;

interface Bucket {
  tokens: number;
  atMs: Millis;
}

/**
 * The rate of the instance, shared by the tenants that are active: each gets an equal part of it, and what one does not use
 * the others may. A tenant is sure of its part whatever the others ask.
 */
export class SharedRate {
  readonly #perSecond: () => number;
  readonly #tenants = new Map<string, Bucket>();
  #spare: number;
  #atMs: Millis | null = null;

  constructor(perSecond: () => number) {
    this.#perSecond = perSecond;
    this.#spare = perSecond();
  }

  /** False when neither the tenant's part nor what others left has a token. */
  take(tenant: string, nowMs: Millis): boolean {
    const own = this.#tenants.get(tenant) ?? { tokens: 1, atMs: nowMs };
    this.#tenants.set(tenant, own);
    own.atMs = nowMs;
    this.#refill(nowMs);
    if (own.tokens >= 1) {
      own.tokens -= 1;
      return true;
    }
    if (this.#spare < 1) return false;
    this.#spare -= 1;
    return true;
  }

  #refill(nowMs: Millis): void {
    const elapsedMs = Math.max(0, nowMs - (this.#atMs ?? nowMs));
    this.#atMs = Math.max(nowMs, this.#atMs ?? nowMs);
    for (const [name, bucket] of this.#tenants) {
      if (nowMs - bucket.atMs > ACTIVE_MS) this.#tenants.delete(name);
    }
    const part = this.#perSecond() / this.#tenants.size;
    for (const bucket of this.#tenants.values()) {
      const full = bucket.tokens + (part * elapsedMs) / SECOND_MS;
      bucket.tokens = Math.min(full, Math.max(1, (part * BURST_MS) / SECOND_MS));
      this.#spare += full - bucket.tokens;
    }
    this.#spare = Math.min(this.#spare, this.#perSecond());
  }
}

/** `rps` of each capability, by (root, id); bounded, least recently used first. */
export class CapabilityRates {
  readonly #buckets = new Map<string, Bucket>();

  take(key: string, rps: number, nowMs: Millis): boolean {
    const bucket = this.#buckets.get(key) ?? { tokens: rps, atMs: nowMs };
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > LIMITS.capabilityCacheEntries) {
      const [oldest] = this.#buckets.keys();
      this.#buckets.delete(oldest!);
    }
    bucket.tokens = Math.min(rps, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) * rps) / SECOND_MS);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}

/** Throws Busy; resolves with what gives the place back. */
export type Admission = (caller: Caller, work: Work, tenant: string, signal: AbortSignal) => Promise<() => void>;

export interface AdmissionDeps {
  readonly config: () => ServerConfig;
  readonly monotonicMs: () => Millis;
  readonly telemetry: Telemetry;
}

/** What uses a private key or writes counts against the rate. */
const RATED: readonly Work[] = ['sign', 'wrap', 'mutate'];
const WORKS: readonly Work[] = ['sign', 'verify', 'wrap', 'mutate', 'read'];

/** At a time, whatever the throughput says. */
const WINDOW = { min: 2, max: 128 };

function gateLimits(work: Work, { limits }: ServerConfig): GateLimits {
  const share = { sharePermille: limits.tenant_share_permille };
  switch (work) {
    case 'sign':
    case 'wrap':
      return { places: limits.max_inflight_sign, queue: limits.work_sign, ...share };
    case 'mutate':
      return { places: LIMITS.inflightMutations, queue: LIMITS.inflightMutations, ...share };
    default:
      return { places: limits.max_inflight_verify, queue: limits.max_inflight_verify, ...share };
  }
}

export function createAdmission({ config, monotonicMs, telemetry }: AdmissionDeps): Admission {
  const rate = new SharedRate(() => config().security.sign_rate_limit_rps);
  const capabilities = new CapabilityRates();
  const gates = new Map(
    WORKS.map((work) => {
      const limits = (): GateLimits => gateLimits(work, config());
      return [work, new FairGate({ name: work, limits, monotonicMs, window: WINDOW })];
    }),
  );

  const refuseRate = (caller: Caller, work: Work, tenant: string): void => {
    const nowMs = monotonicMs();
    if (caller.kind === 'capability' && caller.narrowed?.rps !== undefined) {
      const { root, id, narrowed } = caller;
      if (!capabilities.take(`${root}:${id}`, narrowed.rps!, nowMs)) {
        throw new RonError('Busy', `the capability allows ${narrowed.rps} requests per second`);
      }
    }
    if (RATED.includes(work) && !rate.take(tenant, nowMs)) {
      throw new RonError('Busy', 'the rate of the instance is used up; try again later');
    }
  };

  return async (caller, work, tenant, signal) => {
    const gate = gates.get(work)!;
    const told = (): void => telemetry.gauge('queue_depth', gate.depth, { queue: work });
    try {
      refuseRate(caller, work, tenant);
      const entering = gate.enter(tenant, signal);
      told();
      const release = await entering;
      return () => {
        release();
        told();
      };
    } catch (error) {
      if (error instanceof RonError && error.code === 'Busy') {
        telemetry.count('busy_rejections_total', { queue: work });
      }
      told();
      throw error;
    }
  };
}
