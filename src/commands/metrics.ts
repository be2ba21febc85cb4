import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../cli/base-command.ts';
import { durationFlag } from '../cli/flags/duration.ts';
import { onlineFlags, strictFlag } from '../cli/flags/shared.ts';
import type { Runtime } from '../cli/runtime.ts';
import { judgeTrust } from '../cli/trust.ts';
import { DASHBOARD_NAMES, type MetricsRequest, metrics } from '../operations/metrics.ts';
import { metricsView } from '../views/metrics.ts';

interface Chosen {
  readonly alerts: boolean;
  readonly slo: boolean;
  readonly over: number | undefined;
  readonly dashboard: (typeof DASHBOARD_NAMES)[number] | undefined;
}

function requestOf({ alerts, slo, over, dashboard }: Chosen): MetricsRequest {
  if (alerts) return { what: 'alerts' };
  if (dashboard !== undefined) return { what: 'dashboard', name: dashboard };
  return slo ? { what: 'slo', overMs: over ?? null } : { what: 'page' };
}

export default class Metrics extends BaseCommand {
  static override summary = 'metrics of a server or of this home, objectives, alert rules, dashboards';
  static override description =
    'Without a server: what ledger, public view and policy of this home say, in the text format of Prometheus, for the textfile collector of a node exporter; nothing is pushed. With --kms: the page of the server. Every metric, alert and panel is in ronctl-monitoring(7).';
  static override examples = [
    '<%= config.bin %> metrics',
    '<%= config.bin %> metrics --kms local --slo --over 30s',
    '<%= config.bin %> metrics --alerts > ron-kms.rules.yaml',
    '<%= config.bin %> metrics --dashboard overview > overview.json',
  ];
  static override flags = {
    slo: Flags.boolean({ summary: 'objectives of the server, its latencies and busiest tenants' }),
    over: durationFlag({
      flag: '--over',
      summary: 'with --slo: measure so long instead of since its start',
      dependsOn: ['slo'],
    }),
    alerts: Flags.boolean({ summary: 'print the alert rules for Prometheus', exclusive: ['slo', 'dashboard'] }),
    dashboard: Flags.option({ options: DASHBOARD_NAMES })({
      summary: 'print a dashboard for Grafana',
      helpValue: DASHBOARD_NAMES.join('|'),
      exclusive: ['slo', 'alerts'],
    }),
    strict: strictFlag,
    ...onlineFlags,
  };

  override async perform({ flags }: Input<typeof Metrics>, runtime: Runtime): Promise<Outcome> {
    const data = await metrics(requestOf(flags), runtime.deps());
    const trust = data.what === 'page' ? data.trust : null;
    const error = trust === null ? undefined : judgeTrust(runtime.host, trust, flags.strict);
    return { data, text: () => metricsView(data), error };
  }
}
