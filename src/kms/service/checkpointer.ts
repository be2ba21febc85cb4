// When a server signs its log (log page 4.6): every `interval_ops` records but by count at most once a second; every 60 s,
// idle too; at once after a record that demands it, where those of 200 ms share one; and when somebody waits for it. One runs
// at a time. A checkpoint that takes over 1 s, or fails, makes the log not ready until one succeeds (CON-26).

import type { Clock, Millis } from '../../host.ts';
import type { CheckpointInfo } from '../../storage/custody-port.ts';
import { failureFields } from '../failure-fields.ts';
import type { Telemetry } from '../telemetry.ts';

const SHARED_MS = 200;
const BY_COUNT_MS = 1000;

export interface CheckpointerDeps {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly intervalOps: number;
  readonly intervalMs: number;
  readonly deadlineMs: number;
  /** Signs the log as it stands, and keeps what belongs to it. */
  readonly sign: () => Promise<CheckpointInfo>;
}

export class Checkpointer {
  readonly #deps: CheckpointerDeps;
  readonly #ended = new AbortController();
  #ok = true;
  #atMs: Millis | null;
  #startedMs = Number.NEGATIVE_INFINITY;
  #running: Promise<CheckpointInfo> | null = null;
  #next: Promise<CheckpointInfo> | null = null;
  #since = 0;

  constructor(deps: CheckpointerDeps, atMs: Millis | null) {
    this.#deps = deps;
    this.#atMs = atMs;
  }

  /** Wall ms of the newest one, and whether the last attempt succeeded in time; one that is late now has not. */
  get state(): { readonly atMs: Millis | null; readonly ok: boolean } {
    const { clock, deadlineMs } = this.#deps;
    const isLate = this.#running !== null && clock.monotonicMs() - this.#startedMs > deadlineMs;
    return { atMs: this.#atMs, ok: this.#ok && !isLate };
  }

  /** So many records more are durable. */
  grown(records: number): void {
    this.#since += records;
    if (this.#since < this.#deps.intervalOps || this.#next !== null) return;
    if (this.#deps.clock.monotonicMs() - this.#startedMs >= BY_COUNT_MS) this.soon();
  }

  /** Without waiting for it; what hinders it is told by telemetry. */
  soon(): void {
    this.now().catch(() => undefined);
  }

  /** Covers everything that is durable when it is called: the one being signed does, unless records came since it began. */
  now(): Promise<CheckpointInfo> {
    if (this.#next === null && this.#running !== null && this.#since === 0) return this.#running;
    this.#next ??= this.#afterRunning();
    return this.#next;
  }

  /** Is one due by time? */
  get due(): boolean {
    return this.#deps.clock.monotonicMs() - this.#startedMs >= this.#deps.intervalMs;
  }

  /** From now on nothing waits for others. */
  end(): void {
    this.#ended.abort();
  }

  /** Resolves when none is being signed or waited for. */
  async idle(): Promise<void> {
    while (this.#next !== null || this.#running !== null) {
      await (this.#next ?? this.#running)?.catch(() => undefined);
    }
  }

  async #afterRunning(): Promise<CheckpointInfo> {
    await this.#running?.catch(() => undefined);
    const wait = SHARED_MS - (this.#deps.clock.monotonicMs() - this.#startedMs);
    if (wait > 0) await this.#deps.clock.sleep(wait, this.#ended.signal).catch(() => undefined);
    // From here on a caller comes too late for this one.
    this.#next = null;
    const run = this.#sign();
    this.#running = run;
    try {
      return await run;
    } finally {
      if (this.#running === run) this.#running = null;
    }
  }

  async #sign(): Promise<CheckpointInfo> {
    const { clock, telemetry, deadlineMs } = this.#deps;
    this.#startedMs = clock.monotonicMs();
    this.#since = 0;
    telemetry.count('tasks_spawned_total', { kind: 'checkpoint' });
    try {
      const signed = await this.#deps.sign();
      const inTime = clock.monotonicMs() - this.#startedMs <= deadlineMs;
      this.#ok = inTime;
      this.#atMs = clock.now();
      telemetry.count('kms_audit_checkpoint_total', { result: 'ok' });
      if (!inTime) {
        telemetry.count('io_timeouts_total', { op: 'checkpoint' });
        telemetry.count('kms_audit_integrity_failed_total');
      }
      telemetry.publish('kms.audit.checkpoint', { head: signed.root, index: signed.size, ok: true });
      telemetry.log('info', 'audit_checkpoint_ok', { root: signed.root, audit_size: signed.size });
      return signed;
    } catch (error) {
      this.#ok = false;
      telemetry.count('kms_audit_checkpoint_total', { result: 'err' });
      telemetry.count('kms_audit_integrity_failed_total');
      telemetry.publish('kms.audit.checkpoint', { head: null, index: null, ok: false });
      telemetry.log('error', 'audit_checkpoint_failed', failureFields(error));
      throw error;
    }
  }
}
