import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags, strictFlag, tenantFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { tenantGiven } from '../../cli/tenant.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { homeSource } from '../../operations/policy/source.ts';
import { status } from '../../operations/pq/status.ts';
import { statusView } from '../../views/pq/status.ts';

export default class PqStatus extends BaseCommand {
  static override summary = 'show where the post-quantum rollout stands';
  static override description =
    'With --check: 0 when the newest version of every active key meets the mode in force, 5 when one does not, 11 when ' +
    'it cannot be told.';
  static override examples = [
    '<%= config.bin %> pq status',
    '<%= config.bin %> pq status --tenant acme --check && echo ready',
  ];
  static override flags = {
    tenant: tenantFlag,
    check: Flags.boolean({ summary: 'exit 5 when an active key does not meet the mode in force' }),
    strict: strictFlag,
    ...onlineFlags,
  };

  override async perform({ flags }: Input<typeof PqStatus>, runtime: Runtime): Promise<Outcome> {
    const tenant = flags.tenant === undefined ? null : tenantGiven(runtime.host, flags.tenant);
    const { result, error } = await status({ tenant, check: flags.check }, homeSource(await runtime.readDeps()));
    const untrusted = error === undefined ? judgeTrust(runtime.host, result.trust, flags.strict) : undefined;
    return { data: result, text: () => statusView(result), error: error ?? untrusted };
  }
}
