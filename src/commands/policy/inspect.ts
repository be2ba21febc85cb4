import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags, strictFlag, tenantFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { tenantGiven } from '../../cli/tenant.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { inspect } from '../../operations/policy/inspect.ts';
import { homeSource } from '../../operations/policy/source.ts';
import { inspectView } from '../../views/policy/inspect.ts';

export default class PolicyInspect extends BaseCommand {
  static override summary = 'show the policy in force, one key=value per line';
  static override description =
    'Without --tenant: the global policy. A value that is not the global one is followed by KEY.origin=, and where an ' +
    'exception, rollback or tune stands over it, by KEY.approved= and KEY.ends_in_s=. Lines that begin with # are remarks.';
  static override examples = [
    '<%= config.bin %> policy inspect --tenant acme',
    "<%= config.bin %> policy inspect --tenant acme | grep -E 'pq_|verify_mode|rollout_percent'",
  ];
  static override flags = { tenant: tenantFlag, strict: strictFlag, ...onlineFlags };

  override async perform({ flags }: Input<typeof PolicyInspect>, runtime: Runtime): Promise<Outcome> {
    const tenant = flags.tenant === undefined ? null : tenantGiven(runtime.host, flags.tenant);
    const data = await inspect({ tenant }, homeSource(await runtime.readDeps()));
    return { data, text: () => inspectView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}
