// Outcomes that are recorded together: one `verify` record per (tenant, kid#v, result, second) with the number of
// verifications and a digest of their inputs, one `reject` record per (tenant, operation, code, second) for refusals behind
// the authorisation and for internal errors (API-41). Appended within 1 s of the end of the second, never before an answer. While the log cannot take them at
// most 65,536 groups wait; what does not fit is declared by a `gap` record (C-70).
// Attack: a durable record per verify lets one tenant fill the disk and stop signing for all.

import type { AuditDraft } from '../../audit/draft.ts';
import { concat } from '../../bytes/framing.ts';
import { fromHex } from '../../bytes/hex.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Clock } from '../../host.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';

const GROUPS = 65_536;
const BATCH = 256;

interface Verified {
  readonly op: 'verify';
  readonly tenant: string;
  readonly kid: string;
  readonly purpose: string;
  readonly result: 'ok' | ErrorCode;
  readonly second: number;
  /** Payload digests in hex, with how often each was asked. */
  readonly inputs: Map<string, number>;
}

interface Refused {
  readonly op: 'reject';
  /** Null: the instance. */
  readonly tenant: string | null;
  readonly of: string;
  readonly result: ErrorCode;
  readonly second: number;
  count: number;
}

export type RefusedOutcome = Pick<Refused, 'tenant' | 'of' | 'result'>;

type Group = Verified | Refused;

/** Refusals that are told apart from forms and authorisation, which are counted only. */
const RECORDED: ReadonlySet<ErrorCode> = new Set([
  'PolicyRefused',
  'PqPolicy',
  'Frozen',
  'Retired',
  'Compromised',
  'AttestationMissing',
  'Ungoverned',
  'StoreUnavailable',
]);

export const isRecordedRefusal = (code: ErrorCode): boolean => RECORDED.has(code);

export class Outcomes {
  readonly #clock: Clock;
  readonly #onDrop: () => void;
  readonly #groups = new Map<string, Group>();
  #dropped = 0;
  #flushing: Promise<void> = Promise.resolve();

  /** `onDrop`: an outcome was not kept; the gap record that says so comes with the next flush. */
  constructor(clock: Clock, onDrop: () => void = () => undefined) {
    this.#clock = clock;
    this.#onDrop = onDrop;
  }

  /** Groups that wait for the log. */
  get waiting(): number {
    return this.#groups.size;
  }

  get dropped(): number {
    return this.#dropped;
  }

  verified(of: Omit<Verified, 'op' | 'second' | 'inputs'> & { readonly payloadB3: string }): void {
    const second = this.#second();
    const name = `v\0${of.tenant}\0${of.kid}\0${of.result}\0${second}`;
    const group = this.#group(name, () => {
      const { payloadB3: _input, ...rest } = of;
      return { op: 'verify', ...rest, second, inputs: new Map() };
    });
    if (group?.op === 'verify') group.inputs.set(of.payloadB3, (group.inputs.get(of.payloadB3) ?? 0) + 1);
  }

  refused(of: RefusedOutcome): void {
    const second = this.#second();
    const name = `r\0${of.tenant ?? ''}\0${of.of}\0${of.result}\0${second}`;
    const group = this.#group(name, () => ({ op: 'reject', ...of, second, count: 0 }));
    if (group?.op === 'reject') group.count++;
  }

  /** Appends the groups of seconds that are over, or all. What cannot be written now stays. */
  flush(store: Pick<CustodyStore, 'append'>, all = false): Promise<void> {
    this.#flushing = this.#flushing.catch(() => undefined).then(() => this.#flush(store, all));
    return this.#flushing;
  }

  async #flush(store: Pick<CustodyStore, 'append'>, all: boolean): Promise<void> {
    const now = this.#second();
    if (this.#dropped > 0) {
      const count = this.#dropped;
      await store.append([{ op: 'gap', actor: 'system', result: 'ok', detail: { kind: 'verify-spool', count } }]);
      this.#dropped -= count;
    }
    const due = [...this.#groups].filter(([, group]) => all || group.second < now);
    for (let at = 0; at < due.length; at += BATCH) {
      const part = due.slice(at, at + BATCH);
      // Taken out first: an outcome of the same second that comes meanwhile begins a group of its own.
      for (const [name] of part) this.#groups.delete(name);
      try {
        await store.append(part.map(([, group]) => draftOf(group)));
      } catch (error) {
        for (const [name, group] of part) this.#restore(name, group);
        throw error;
      }
    }
  }

  #group(name: string, make: () => Group): Group | null {
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    if (this.#groups.size >= GROUPS) {
      this.#dropped++;
      this.#onDrop();
      return null;
    }
    const made = make();
    this.#groups.set(name, made);
    return made;
  }

  /** Put back after a failed append; joined with what came meanwhile. */
  #restore(name: string, group: Group): void {
    const since = this.#groups.get(name);
    if (since?.op === 'verify' && group.op === 'verify') {
      for (const [input, count] of since.inputs) group.inputs.set(input, (group.inputs.get(input) ?? 0) + count);
    }
    if (since?.op === 'reject' && group.op === 'reject') group.count += since.count;
    this.#groups.set(name, group);
  }

  #second(): number {
    return Math.floor(this.#clock.now() / 1000);
  }
}

function draftOf(group: Group): AuditDraft {
  const { tenant, second, result } = group;
  const common = { actor: 'system', ...(tenant === null ? {} : { tenant }), result };
  if (group.op === 'reject') {
    return { op: 'reject', ...common, detail: { op: group.of, count: group.count, second } };
  }
  const inputs = [...group.inputs].sort(([a], [b]) => (a < b ? -1 : 1));
  const hashes = inputs.flatMap(([input, times]) => Array<Uint8Array>(times).fill(fromHex(input, 32)!));
  const count = hashes.length;
  return {
    op: 'verify',
    ...common,
    kid: group.kid,
    purpose: group.purpose,
    detail: { count, second, inputs_sha256: sha256Hex(concat(...hashes)) },
  };
}
