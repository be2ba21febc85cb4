// Which capabilities there are, in memory (service page 2): made from the log and the sealed revocations at open, kept up by
// what this process appends. Answers whether one is registered, revoked or spent, and counts what the limits ask.

import { fromTime } from '../../bytes/time.ts';
import type { Millis } from '../../host.ts';
import { LIMITS } from '../../limits.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import type { Uuid } from '../ports.ts';
import { capabilityKey } from './authorise.ts';
import { capabilityOf, type RecordedCapability, recordsSince, usedBy } from './capability-records.ts';
import type { Revocation } from './capability-roots.ts';

export type CapabilityState = 'active' | 'spent' | 'revoked' | 'expired';

export class CapabilityRegister {
  readonly #recorded = new Map<string, RecordedCapability>();
  readonly #revoked = new Map<string, Revocation>();
  /** Somebody who may revoke them asked for it; the record may still be on its way. */
  readonly #refused = new Set<string>();
  /** A record has it as actor, or is about to: the operation id of the first. */
  readonly #used = new Map<string, Uuid>();

  static read(store: CustodyStore, revocations: readonly Revocation[], nowMs: Millis): CapabilityRegister {
    const register = new CapabilityRegister();
    register.restart(store, revocations, nowMs);
    return register;
  }

  /** From the log as it stands, which may be another one than before; what was refused in this process stays so. */
  restart(store: CustodyStore, revocations: readonly Revocation[], nowMs: Millis): void {
    this.#recorded.clear();
    this.#used.clear();
    for (const one of revocations) this.#revoked.set(capabilityKey(one), one);
    for (const record of recordsSince(store, nowMs - LIMITS.capabilityLifeMs)) {
      const used = usedBy(record);
      if (used !== null) this.use(used, record.op_id);
      const recorded = capabilityOf(record);
      if (recorded !== null) this.add(recorded);
    }
    this.forget(nowMs);
  }

  get(key: string): RecordedCapability | null {
    return this.#recorded.get(key) ?? null;
  }

  /** By its id alone; ids are random. */
  byId(id: Uuid): RecordedCapability | null {
    for (const one of this.#recorded.values()) if (one.identifier.id === id) return one;
    return null;
  }

  add(recorded: RecordedCapability): void {
    const key = capabilityKey(recorded.identifier);
    // The first record of an identity stands: a later one cannot widen it.
    if (!this.#recorded.has(key)) this.#recorded.set(key, recorded);
  }

  isRevoked(key: string): boolean {
    return this.#revoked.has(key) || this.#refused.has(key);
  }

  /** From now on it counts as revoked in this process, whether or when its revocation is recorded. */
  refuse(of: Pick<Revocation, 'root' | 'id'>): void {
    this.#refused.add(capabilityKey(of));
  }

  /** The operation that used it first; null when none did. */
  usedBy(key: string): Uuid | null {
    return this.#used.get(key) ?? null;
  }

  /** Of several operations the first one stands. */
  use(key: string, opId: Uuid): void {
    if (!this.#used.has(key)) this.#used.set(key, opId);
  }

  revoke(one: Revocation): void {
    this.#revoked.set(capabilityKey(one), one);
  }

  /** Revocations that still say something. */
  revocations(nowMs: Millis): readonly Revocation[] {
    return [...this.#revoked.values()].filter((one) => fromTime(one.exp) > nowMs);
  }

  stateOf(one: RecordedCapability, nowMs: Millis): CapabilityState {
    const key = capabilityKey(one.identifier);
    if (this.isRevoked(key)) return 'revoked';
    if (one.identifier.once && this.#used.has(key)) return 'spent';
    return one.effective.expiresMs <= nowMs ? 'expired' : 'active';
  }

  list(): readonly RecordedCapability[] {
    return [...this.#recorded.values()];
  }

  active(nowMs: Millis): readonly RecordedCapability[] {
    return this.list().filter((one) => this.stateOf(one, nowMs) === 'active');
  }

  /** Drops what ended more than a token's life ago. */
  forget(nowMs: Millis): void {
    for (const [key, one] of this.#recorded) {
      if (one.effective.expiresMs + LIMITS.capabilityLifeMs > nowMs) continue;
      this.#recorded.delete(key);
      this.#refused.delete(key);
      this.#used.delete(key);
    }
    for (const [key, one] of this.#revoked) if (fromTime(one.exp) <= nowMs) this.#revoked.delete(key);
  }
}
