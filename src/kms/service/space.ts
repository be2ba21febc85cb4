// Room for the log (log page 4.10, R-30, I-44): free space of its volume, sampled at most once a second, and the bytes that
// each tenant writes. Below the reserve only authority changes are written, below 64 MiB nothing: a full disk is refused
// before it fails. A tenant has 16 MiB/s with a burst of 60 s, and per UTC day a tenth of what was free at its start; beyond
// it is LimitReached (429). Governed acts and those of the system are free.
// Attack: one tenant fills the disk and stops signing for all.

import { fail } from '../../errors.ts';
import type { Clock, Files, Millis } from '../../host.ts';
import { type AskedDraft, isAsked, TENANT_OPS } from './asked.ts';
import { unavailable } from './serving-store.ts';

const SAMPLE_MS = 1000;
/** Below this nothing is written. */
export const LAST_BYTES = 64 * 1024 * 1024;
const BURST_S = 60;
const DAY_MS = 86_400_000;
/** A record without its kid: measured at 540 bytes for `sign`. */
const RECORD_BYTES = 460;

export interface SpaceLimits {
  readonly reserveBytes: number;
  /** Below this nothing is written. */
  readonly lastBytes: number;
  /** 0 = no limit. */
  readonly tenantBytesPerS: number;
}

interface Account {
  tokens: number;
  atMs: Millis;
  day: number;
  dayBytes: number;
}

export class Space {
  readonly #files: Files;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #limits: SpaceLimits;
  readonly #accounts = new Map<string, Account>();
  #sampledMs = Number.NEGATIVE_INFINITY;
  #free = 0;
  #total = 0;
  #day = -1;
  #dayLimit = 0;
  /** The directory of the log could not be looked at. */
  #away = false;

  /** `path`: the directory of the log. A volume of size 0 has no limits: nothing is on disk. */
  constructor(files: Files, path: string, clock: Clock, limits: SpaceLimits) {
    this.#files = files;
    this.#path = path;
    this.#clock = clock;
    this.#limits = limits;
  }

  get now(): { readonly freeBytes: number; readonly totalBytes: number } {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#sampledMs >= SAMPLE_MS) {
      this.#sample();
      this.#sampledMs = nowMs;
    }
    return { freeBytes: this.#free, totalBytes: this.#total };
  }

  /** A log that is not there has no room: readiness says so, and nothing is written. */
  #sample(): void {
    try {
      const { freeBytes, totalBytes } = this.#files.fileSystem(this.#path);
      this.#free = freeBytes;
      this.#total = totalBytes;
      this.#away = false;
    } catch {
      this.#free = 0;
      this.#total = Math.max(1, this.#total);
      this.#away = true;
    }
  }

  /** Throws StoreUnavailable or LimitReached before anything is written. */
  admit(drafts: readonly AskedDraft[]): void {
    const { freeBytes, totalBytes } = this.now;
    if (this.#away) throw unavailable('the directory of the audit log is not there');
    if (totalBytes > 0) {
      if (freeBytes < this.#limits.lastBytes) throw unavailable('the volume of the audit log is full');
      if (freeBytes < this.#limits.reserveBytes && drafts.some(isAsked)) {
        throw unavailable('the volume of the audit log is nearly full: only authority changes are written');
      }
    }
    for (const { op, tenant, kid } of drafts) {
      // Outcomes are records of the system: they are few, and one tenant's share must not hold up those of the others.
      if (tenant === undefined || !TENANT_OPS.has(op) || op === 'verify' || op === 'reject') continue;
      this.#charge(tenant, RECORD_BYTES + (kid?.length ?? 0));
    }
  }

  #charge(tenant: string, bytes: number): void {
    const perS = this.#limits.tenantBytesPerS === 0 ? Number.POSITIVE_INFINITY : this.#limits.tenantBytesPerS;
    const nowMs = this.#clock.monotonicMs();
    const day = Math.floor(this.#clock.now() / DAY_MS);
    if (day !== this.#day) {
      this.#day = day;
      this.#dayLimit = this.#total === 0 ? Number.POSITIVE_INFINITY : Math.floor(this.#free / 10);
    }
    const full = perS * BURST_S;
    const account = this.#accounts.get(tenant) ?? { tokens: full, atMs: nowMs, day, dayBytes: 0 };
    if (account.day !== day) {
      account.day = day;
      account.dayBytes = 0;
    }
    const elapsedMs = nowMs - account.atMs;
    if (elapsedMs > 0) account.tokens = Math.min(full, account.tokens + (elapsedMs / 1000) * perS);
    account.atMs = nowMs;
    this.#accounts.set(tenant, account);
    if (account.tokens < bytes)
      fail('LimitReached', 'the tenant writes more to the audit log than its share per second');
    if (account.dayBytes + bytes > this.#dayLimit) {
      fail('LimitReached', 'the tenant has used its share of the audit volume for today');
    }
    account.tokens -= bytes;
    account.dayBytes += bytes;
  }
}
