// Repetitions of what is no mutation (I-28): sign, wrap, unwrap. Concurrent calls under one op_id of one tenant and route share
// one execution; its result stays 60 s in a table of 4,096; another body under a remembered id is Conflict. Later a
// repetition runs again and its record says `repeat`, while the id is among the newest 65,536. Whoever asks was authorised
// before; what is given is never older than 60 s. Attack: a stored result answers a revoked token.

import { canonicalBytes, type JsonObject } from '../../bytes/canonical-json.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import { fail } from '../../errors.ts';
import type { Clock, Millis } from '../../host.ts';
import type { Call } from '../ports.ts';

const REMEMBERED_MS = 60_000;
const RESULTS = 4096;
const IDS = 65_536;

export interface OnceRequest<T> {
  readonly call: Call;
  readonly route: 'sign' | 'wrap' | 'unwrap';
  readonly tenant: string;
  /** What was asked; secret members as digests. */
  readonly body: JsonObject;
  /** A copy of the result for each caller; results are values otherwise. */
  readonly copy?: (result: T) => T;
  /** Ends what was remembered. */
  readonly wipe?: (result: T) => void;
}

interface Entry {
  readonly body: string;
  readonly atMs: Millis;
  readonly result: Promise<unknown>;
  readonly drop: () => void;
}

export class Once {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #ids = new Set<string>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** `work` is told whether its record says `repeat`. A call whose id was made by the server is never a repetition. */
  async run<T>(request: OnceRequest<T>, work: (repeat: boolean) => Promise<T>): Promise<T> {
    const { call, copy, route, tenant } = request;
    if (call.repeatable !== true || call.dryRun === true) return work(false);
    const key = `${tenant}\0${route}\0${call.opId}`;
    const body = sha256Hex(canonicalBytes(request.body));
    this.#forget();
    const known = this.#entries.get(key);
    if (known !== undefined) {
      if (known.body !== body) {
        fail('Conflict', `the operation id ${call.opId} was already used for another request (${route})`, {
          field: 'op_id',
        });
      }
      const result = (await known.result) as T;
      return copy === undefined ? result : copy(result);
    }
    const repeat = this.#ids.has(key);
    this.#remember(key);
    const result = work(repeat);
    const drop = (): void => {
      if (request.wipe !== undefined) void result.then(request.wipe, () => undefined);
    };
    const entry = { body, atMs: this.#clock.monotonicMs(), result, drop };
    this.#entries.set(key, entry);
    try {
      const made = await result;
      return copy === undefined ? made : copy(made);
    } catch (error) {
      // Nothing was done: the same request may be tried again.
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }

  clear(): void {
    for (const { drop } of this.#entries.values()) drop();
    this.#entries.clear();
  }

  #remember(key: string): void {
    this.#ids.delete(key);
    this.#ids.add(key);
    if (this.#ids.size <= IDS) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      break;
    }
  }

  #forget(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, entry] of this.#entries) {
      if (entry.atMs + REMEMBERED_MS > nowMs && this.#entries.size < RESULTS) return;
      this.#entries.delete(key);
      entry.drop();
    }
  }
}
