import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags, scopeFlag, strictFlag, tenantFlag } from '../../cli/flags/shared.ts';
import { pqScope } from '../../cli/pq-scope.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { homeSource } from '../../operations/policy/source.ts';
import { parseBy, parsePhase, parseStages, plan } from '../../operations/pq/plan.ts';
import { planView } from '../../views/pq/plan.ts';

export default class PqPlan extends BaseCommand {
  static override summary = 'print the proposals that lead to a phase; writes nothing';
  static override description =
    'Phases: 0 = off, 1 = or, 2 = and, 3 = pq_only. Per step: keys that move, versions that lose acceptance, keys to ' +
    'rotate first, and the line to paste. --by spreads change windows up to a time.';
  static override examples = [
    '<%= config.bin %> pq plan --tenant acme --to and',
    '<%= config.bin %> pq plan --scope global --to 3 --by 2027-01-31T00:00:00Z --stages 5,25,100',
  ];
  static override flags = {
    tenant: tenantFlag,
    scope: scopeFlag,
    to: Flags.string({ summary: 'phase to reach: 0..3, or its mode', helpValue: 'PHASE', required: true }),
    by: Flags.string({ summary: 'end of the last change window', helpValue: 'DATE' }),
    stages: Flags.string({
      summary: 'percentages of a raise to phase 2 or 3 [default: 10,50,100]',
      helpValue: 'N,...',
    }),
    strict: strictFlag,
    ...onlineFlags,
  };

  override async perform({ flags }: Input<typeof PqPlan>, runtime: Runtime): Promise<Outcome> {
    const nowMs = runtime.host.clock.now();
    const request = {
      scope: pqScope(runtime.host, flags),
      target: parsePhase(flags.to, '--to'),
      byMs: flags.by === undefined ? null : parseBy(flags.by, nowMs),
      stages: flags.stages === undefined ? null : parseStages(flags.stages, '--stages'),
      nowMs,
    };
    const data = await plan(request, homeSource(await runtime.readDeps()));
    return { data, text: () => planView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}
