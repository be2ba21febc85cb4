// `metrics`: the page of a server or of this home, the objectives of a server, or the files made from the table of metrics.

import { RonError } from '../errors.ts';
import { alertFile } from '../kms-api/alert-file.ts';
import { DASHBOARDS, type DashboardName, dashboard } from '../kms-api/dashboards.ts';
import { parseExposition } from '../kms-api/exposition.ts';
import type { OperationDeps } from './deps.ts';
import { homeMetrics } from './metrics-home.ts';
import { type Slo, slo } from './metrics-slo.ts';

export const DASHBOARD_NAMES = DASHBOARDS;

export type MetricsRequest =
  | { readonly what: 'page' }
  | { readonly what: 'alerts' }
  /** `overMs`: between two pages so far apart; null = since the server started. */
  | { readonly what: 'slo'; readonly overMs: number | null }
  | { readonly what: 'dashboard'; readonly name: DashboardName };

export type MetricsResult =
  | {
      readonly what: 'page';
      /** `home`, or the server as errors name it. */
      readonly source: string;
      /** Null for a server, which nobody asks to prove its metrics. */
      readonly trust: string | null;
      readonly text: string;
    }
  | ({ readonly what: 'slo'; readonly source: string; readonly over_ms: number | null } & Slo)
  | { readonly what: 'alerts'; readonly text: string }
  | { readonly what: 'dashboard'; readonly name: DashboardName; readonly text: string };

async function page(deps: OperationDeps): Promise<MetricsResult> {
  if (deps.online === null) return { what: 'page', source: 'home', ...(await homeMetrics(deps)) };
  const text = await deps.online.metrics();
  parseExposition(text);
  return { what: 'page', source: deps.online.name, trust: null, text };
}

async function objectives(overMs: number | null, deps: OperationDeps): Promise<MetricsResult> {
  const { online } = deps;
  if (online === null) {
    throw new RonError('Usage', 'a home has no latencies: objectives are those of a server', {
      field: '--slo',
      hint: 'Name a server with --kms.',
    });
  }
  const earlier = overMs === null ? null : await online.metrics();
  if (overMs !== null) await deps.host.clock.sleep(overMs);
  return { what: 'slo', source: online.name, over_ms: overMs, ...slo(await online.metrics(), earlier) };
}

export async function metrics(request: MetricsRequest, deps: OperationDeps): Promise<MetricsResult> {
  if (request.what === 'page') return page(deps);
  if (request.what === 'slo') return objectives(request.overMs, deps);
  if (request.what === 'alerts') return { what: 'alerts', text: alertFile() };
  const text = `${JSON.stringify(dashboard(request.name), null, 2)}\n`;
  return { what: 'dashboard', name: request.name, text };
}
