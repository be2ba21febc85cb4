// A long-lived custody service in this process, on a home of the test, with a clock that the test moves and telemetry that
// it can read.

import { onTestFinished } from 'vitest';
import type { ServerConfig } from '../../src/config/server-config.ts';
import { mergeServerConfig } from '../../src/config/server-merge.ts';
import type { Host } from '../../src/host.ts';
import {
  type CustodyService,
  type CustodyServiceOptions,
  openCustodyService,
} from '../../src/kms/service/custody-service.ts';
import type { Telemetry } from '../../src/kms/telemetry.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { INIT } from './custody.ts';
import { ManualClock } from './manual-clock.ts';
import { storeDeps, type TestDeps, temporaryHome } from './store.ts';

/** Defaults of ron-kms.toml for a file store, changed by the test. */
export function serverConfig(change: (config: ServerConfig) => Partial<ServerConfig> = () => ({})): ServerConfig {
  const { config } = mergeServerConfig({ flags: {}, env: null, cwd: '/', file: null, home: '/home', fixed: null });
  const base: ServerConfig = { ...config, service: { ...config.service, backend: 'file', amnesia: false } };
  return { ...base, ...change(base) };
}

export interface Told {
  readonly telemetry: Telemetry;
  readonly counts: Map<string, number>;
  readonly events: { readonly topic: string; readonly data: Readonly<Record<string, unknown>> }[];
  readonly lines: { readonly level: string; readonly event: string }[];
  count(metric: string): number;
}

export function told(): Told {
  const counts = new Map<string, number>();
  const events: { topic: string; data: Readonly<Record<string, unknown>> }[] = [];
  const lines: { level: string; event: string }[] = [];
  return {
    counts,
    events,
    lines,
    count: (metric) => [...counts].reduce((sum, [name, value]) => sum + (name.startsWith(metric) ? value : 0), 0),
    telemetry: {
      count: (metric: string, labels?: unknown, by = 1) => {
        const name = `${metric}${labels === undefined ? '' : JSON.stringify(labels)}`;
        counts.set(name, (counts.get(name) ?? 0) + by);
      },
      gauge: () => undefined,
      observe: () => undefined,
      logs: () => true,
      log: (level, event) => {
        lines.push({ level, event });
      },
      publish: (topic, data) => {
        events.push({ topic, data });
      },
    },
  };
}

export interface Serving {
  readonly service: CustodyService;
  readonly clock: ManualClock;
  readonly told: Told;
  readonly deps: TestDeps;
}

export interface ServingOptions {
  readonly home?: string;
  readonly clock?: ManualClock;
  readonly config?: ServerConfig;
  readonly hostChange?: Partial<Host>;
  readonly options?: Partial<CustodyServiceOptions>;
}

export const NOW = Date.parse('2026-11-20T08:00:00.000Z');

/** On a fresh ungoverned home, or on the one given. Closed after the test. */
export async function serving(given: ServingOptions = {}): Promise<Serving> {
  const clock = given.clock ?? new ManualClock(NOW);
  const home = given.home ?? temporaryHome();
  const plain = storeDeps(home, { hostChange: { clock } });
  if (given.home === undefined) await (await initCustody(plain, INIT)).close();
  const deps = storeDeps(home, { hostChange: { clock, ...given.hostChange } });
  const told_ = told();
  const service = await openCustodyService(deps, {
    config: given.config ?? serverConfig(),
    telemetry: told_.telemetry,
    version: '0.2.0',
    build: 'test',
    provider: 'native',
    events: async function* () {
      /* no ring here */
    },
    ...given.options,
  });
  onTestFinished(async () => {
    await service.close('test');
  });
  return { service, clock, told: told_, deps };
}
