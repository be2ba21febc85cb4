// One sink and its place in the log (log page 4.11): reads a batch, hands it over, syncs the cursor behind the acknowledgement,
// goes on. The writer of the log only wakes it. A sink that fails gets the same batch again after 100 ms to 5 s, so every
// message arrives at least once and in order; what hinders it is told once, until it changes.

import { fromTime } from '../../../bytes/time.ts';
import type { SinkSpec } from '../../../config/sinks.ts';
import { RonError } from '../../../errors.ts';
import type { Clock, Files, Millis, Random } from '../../../host.ts';
import { backoffMs } from '../../supervise.ts';
import type { Telemetry } from '../../telemetry.ts';
import { type Cursor, CursorFile, FIRST_CURSOR } from './cursor.ts';
import type { OpenSink, Sink, SinkState } from './sink.ts';
import { ExportSource, type LogTip } from './source.ts';

/** Between two batches, so that what comes meanwhile shares the cursor's sync. */
const SHARED_MS = 100;
/** Without a call: a checkpoint that was signed again wakes nobody. */
const LOOK_MS = 1000;

export interface ExporterDeps {
  readonly files: Files;
  readonly auditDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly tip: () => LogTip;
  readonly checkpointsOnly: boolean;
  readonly open: OpenSink;
}

export class Exporter {
  readonly spec: SinkSpec;
  readonly #deps: ExporterDeps;
  readonly #source: ExportSource;
  readonly #ended = new AbortController();
  /** The pause that is being made. */
  #nap: { readonly end: AbortController; readonly wakeable: boolean } | null = null;
  #woken = false;
  #cursor: Cursor = FIRST_CURSOR;
  #error: string | null = null;
  /** Time of the oldest record that the sink does not have; null when it has all. */
  #oldestMs: Millis | null = null;
  #running: Promise<void> = Promise.resolve();
  #finishing = false;

  constructor(spec: SinkSpec, deps: ExporterDeps) {
    this.spec = spec;
    this.#deps = deps;
    this.#source = new ExportSource(deps);
  }

  get state(): SinkState {
    const { name, kind } = this.spec;
    const { clock, tip, checkpointsOnly } = this.#deps;
    const { epoch, size, checkpoint } = tip();
    const { index } = this.#cursor;
    const end = checkpointsOnly ? checkpoint.size : size;
    const behind = this.#cursor.epoch === epoch ? Math.max(0, end - index) : end + (this.#oldestMs === null ? 0 : 1);
    const lagMs = behind === 0 || this.#oldestMs === null ? 0 : Math.max(0, clock.now() - this.#oldestMs);
    return { name, kind, index, behind, lagMs, error: this.#error };
  }

  start(): void {
    this.#running = this.#run(this.#ended.signal);
  }

  /** Something is new in the log. Costs nothing to the caller. */
  wake(): void {
    this.#oldestMs ??= this.#deps.clock.now();
    this.#woken = true;
    if (this.#nap?.wakeable === true) this.#nap.end.abort();
  }

  /** Hands over what there is, for at most `graceMs`, then ends. */
  async close(graceMs: Millis): Promise<void> {
    this.#finishing = true;
    this.wake();
    this.#nap?.end.abort();
    const late = this.#deps.clock.sleep(graceMs, this.#ended.signal).catch(() => undefined);
    await Promise.race([this.#running, late]);
    this.#ended.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { random, telemetry, files, auditDir } = this.#deps;
    const { name } = this.spec;
    let sink: Sink | null = null;
    let cursors: CursorFile | null = null;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (cursors === null) {
          cursors = new CursorFile(files, `${auditDir}/export`, name);
          this.#cursor = cursors.read();
        }
        sink ??= await this.#deps.open(this.spec);
        const done = await this.#step(sink, cursors, signal);
        failures = 0;
        if (!done) continue;
        if (this.#finishing) break;
        await this.#rest();
      } catch (error) {
        if (signal.aborted) break;
        await sink?.close();
        sink = null;
        failures += 1;
        this.#tell(error);
        telemetry.count('kms_audit_export_total', { sink: name, result: 'err' });
        if (this.#finishing) break;
        await this.#pause(backoffMs(failures, random));
      }
    }
    await sink?.close();
  }

  /** One batch; true when there was none. */
  async #step(sink: Sink, cursors: CursorFile, signal: AbortSignal): Promise<boolean> {
    this.#woken = false;
    const batch = this.#source.next(this.#cursor);
    if (batch === null) {
      this.#oldestMs = null;
      this.#recovered();
      return true;
    }
    this.#oldestMs = firstTime(batch.bytes) ?? this.#oldestMs ?? this.#deps.clock.now();
    await sink.deliver(batch, signal);
    await cursors.write(batch.next);
    this.#cursor = batch.next;
    this.#recovered();
    this.#deps.telemetry.count('kms_audit_export_total', { sink: this.spec.name, result: 'ok' });
    if (this.state.behind === 0) this.#oldestMs = null;
    await this.#pause(SHARED_MS);
    return false;
  }

  /** Until something is new. */
  async #rest(): Promise<void> {
    if (!this.#woken) await this.#pause(LOOK_MS, true);
  }

  /** From the beginning of the end on nothing is waited for. */
  async #pause(ms: Millis, wakeable = false): Promise<void> {
    if (this.#finishing || this.#ended.signal.aborted) return;
    const end = new AbortController();
    this.#nap = { end, wakeable };
    await this.#deps.clock.sleep(ms, end.signal).catch(() => undefined);
    this.#nap = null;
  }

  #tell(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (this.#error === message) return;
    this.#error = message;
    const code = error instanceof RonError ? error.code : 'Internal';
    this.#deps.telemetry.log('warn', 'audit_export_failed', { code, message: `${this.spec.name}: ${message}` });
  }

  #recovered(): void {
    if (this.#error === null) return;
    this.#error = null;
    this.#deps.telemetry.log('info', 'audit_export_resumed', { message: this.spec.name });
  }
}

/** Time of the first record of a batch. */
function firstTime(bytes: Uint8Array): Millis | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 40_000)).toString('latin1');
  const [, ts] = /\\"ts\\":\\"([0-9T:.Z-]{24})\\"/.exec(text) ?? [];
  return ts === undefined ? null : fromTime(ts);
}
