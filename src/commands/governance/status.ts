import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags, strictFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { governanceStatus } from '../../operations/governance/status.ts';
import { statusView } from '../../views/governance/lists.ts';

export default class GovernanceStatus extends BaseCommand {
  static override summary = 'who governs this home, and what is open or in force';
  static override examples = ['<%= config.bin %> governance status'];
  static override flags = { strict: strictFlag, ...onlineFlags };

  override async perform({ flags }: Input<typeof GovernanceStatus>, runtime: Runtime): Promise<Outcome> {
    const data = await governanceStatus(await runtime.readDeps());
    return { data, text: () => statusView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}
