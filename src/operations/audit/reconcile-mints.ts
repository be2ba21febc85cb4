// Whether every capability had its authority (service page 2, R-28, X-05), as the records and the ledger of that moment say:
// the holder of the store and the service itself mint anything; a bearer of kms:admin a part of its own, or, under the
// ceiling of its `sub` in the policy then in force, of that. Acts under a capability that nobody minted are found too.
// Capabilities that ended long ago are forgotten, so that memory goes by those that live.

import type { AuditRecord } from '../../audit/draft.ts';
import { fromTime } from '../../bytes/time.ts';
import { RonError } from '../../errors.ts';
import type { Millis } from '../../host.ts';
import { OPERATOR } from '../../kms/service/capability-authority.ts';
import { capabilityOf, type RecordedCapability } from '../../kms/service/capability-records.ts';
import { LIMITS } from '../../limits.ts';
import { CEILING_SCOPES, own, type PolicyState } from '../../policy/state.ts';
import type { ReconcileFindings } from './reconcile-findings.ts';

/** A request may be authorised just before its capability ends and recorded just after. */
const SLACK_MS = 5 * 60_000;
/** Clocks may be set back; what ended earlier than this acts no more. */
const FORGET_MS = 2 * LIMITS.capabilityLifeMs;
const SWEEP_EVERY = 4096;

interface Known {
  readonly tenants: readonly string[];
  readonly scopes: readonly string[];
  readonly expiresMs: Millis;
  readonly sub: string | undefined;
  revoked: boolean;
}

const within = (items: readonly string[], all: readonly string[]): boolean => items.every((item) => all.includes(item));

export class RecordedMints {
  readonly #known = new Map<string, Known>();
  readonly #findings: ReconcileFindings;
  #root = 1;
  #count = 0;

  constructor(findings: ReconcileFindings) {
    this.#findings = findings;
  }

  get count(): number {
    return this.#count;
  }

  rotated(record: AuditRecord): void {
    this.#root = Math.max(this.#root, Number(record.detail?.['root'] ?? 0));
  }

  revoked(record: AuditRecord): void {
    const cap = record.detail?.['cap'] as { root?: number; id?: string } | undefined;
    const known = this.#known.get(`${cap?.root}:${cap?.id}`);
    if (known !== undefined) known.revoked = true;
  }

  /** `name`: `<root>:<id>` of the capability that a record was made for. */
  acted(name: string, epoch: number, seq: number): void {
    if (this.#known.has(name)) return;
    this.#findings.add('actor-unexplained', `it was done under the capability ${name}, which no record minted`, {
      epoch,
      index: seq,
    });
  }

  /** `policy`: as the ledger had it then; null while ungoverned. */
  minted(record: AuditRecord, epoch: number, policy: PolicyState | null): void {
    this.#count++;
    const where = { epoch, index: record.seq };
    let minted: RecordedCapability | null;
    try {
      minted = capabilityOf(record);
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      this.#findings.add('mint-unexplained', error.message, where);
      return;
    }
    if (minted === null) return;
    const { identifier, effective } = minted;
    const name = `${identifier.root}:${identifier.id}`;
    const why = this.#known.has(name)
      ? 'it was minted before'
      : (this.#unfit(minted) ?? this.#withoutAuthority(minted, policy));
    if (why !== null) this.#findings.add('mint-unexplained', `the capability ${name}: ${why}`, where);
    this.#known.set(name, {
      tenants: effective.tenants,
      scopes: effective.scopes,
      expiresMs: effective.expiresMs,
      sub: identifier.sub,
      revoked: false,
    });
    if (this.#count % SWEEP_EVERY === 0) this.#forget(minted.recordedMs);
  }

  #forget(nowMs: Millis): void {
    for (const [name, { expiresMs }] of this.#known) if (expiresMs + FORGET_MS < nowMs) this.#known.delete(name);
  }

  #unfit({ identifier, effective, recordedMs }: RecordedCapability): string | null {
    if (identifier.root > this.#root) return `no record made the root ${identifier.root}`;
    if (effective.expiresMs - recordedMs > LIMITS.capabilityLifeMs + SLACK_MS) return 'it lives longer than any may';
    return null;
  }

  #withoutAuthority(minted: RecordedCapability, policy: PolicyState | null): string | null {
    const { identifier, effective, ceiling, recordedMs } = minted;
    const by = identifier.minted_by;
    if (!by.startsWith('cap:')) return null;
    const minter = this.#known.get(by.slice('cap:'.length));
    if (minter === undefined) return `its minter ${by} was not minted`;
    if (minter.revoked) return `its minter ${by} was revoked before`;
    if (minter.expiresMs + SLACK_MS < recordedMs) return `its minter ${by} had ended`;
    if (!minter.scopes.includes('kms:admin')) return `its minter ${by} has no kms:admin`;
    if (effective.scopes.some((one) => one === 'kms:admin' || one === 'kms:govern')) {
      return 'kms:admin and kms:govern are never minted by a token';
    }
    if (effective.expiresMs > minter.expiresMs) return `it outlives its minter ${by}`;
    if (within(effective.tenants, minter.tenants) && within(effective.scopes, minter.scopes)) return null;
    if (ceiling === null) return `it goes beyond its minter ${by}, without a ceiling`;
    if (ceiling !== minter.sub) return `the ceiling of ${ceiling} is not that of its minter`;
    if (policy === null) return ceiling === OPERATOR && within(effective.scopes, CEILING_SCOPES) ? null : NO_CEILING;
    const rule = own(policy.ceilings, ceiling);
    if (rule === undefined) return NO_CEILING;
    if (!within(effective.tenants, rule.tenants) || !within(effective.scopes, rule.scopes)) {
      return `it goes beyond the ceiling of ${ceiling}`;
    }
    if (effective.expiresMs - fromTime(identifier.minted_at) > rule.max_ttl_s * 1000 + SLACK_MS) {
      return `it lives longer than the ceiling of ${ceiling} allows`;
    }
    return null;
  }
}

const NO_CEILING = 'there was no ceiling for its minter';
