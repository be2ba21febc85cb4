// The sinks of a server: made at its start, added and removed by a reload, woken by what was committed. Behind by 60 s or
// 100,000 records is what readiness calls degraded (log page 4.11).

import { canonicalText } from '../../../bytes/canonical-json.ts';
import { type SinkSettings, type SinkSpec, sinkSpecs } from '../../../config/sinks.ts';
import type { Millis } from '../../../host.ts';
import { Exporter, type ExporterDeps } from './exporter.ts';
import type { SinkState } from './sink.ts';

export class Exporters {
  readonly #deps: ExporterDeps;
  #exporters: readonly Exporter[] = [];
  #started = false;

  constructor(deps: ExporterDeps) {
    this.#deps = deps;
  }

  get states(): readonly SinkState[] {
    return this.#exporters.map((one) => one.state);
  }

  wake(): void {
    for (const one of this.#exporters) one.wake();
  }

  start(): void {
    this.#started = true;
    for (const one of this.#exporters) one.start();
  }

  /** A sink that stays as it is goes on; the others end, or begin from their cursor. */
  async configure(audit: SinkSettings): Promise<void> {
    const wanted = sinkSpecs(audit);
    const isSame = (a: SinkSpec, b: SinkSpec): boolean => canonicalText({ ...a }) === canonicalText({ ...b });
    const kept = this.#exporters.filter(({ spec }) => wanted.some((one) => isSame(one, spec)));
    const gone = this.#exporters.filter((one) => !kept.includes(one));
    const added = wanted
      .filter((one) => !kept.some(({ spec }) => isSame(one, spec)))
      .map((spec) => new Exporter(spec, this.#deps));
    // One with the same name takes over the cursor.
    await Promise.all(gone.map((one) => one.close(0)));
    this.#exporters = [...kept, ...added];
    if (this.#started) for (const one of added) one.start();
  }

  async close(graceMs: Millis): Promise<void> {
    await Promise.all(this.#exporters.map((one) => one.close(graceMs)));
  }
}
