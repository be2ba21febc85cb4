import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags, strictFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { listProposals } from '../../operations/governance/list.ts';
import { listView } from '../../views/governance/lists.ts';

export default class GovernanceList extends BaseCommand {
  static override summary = 'list proposals: open, not ingested, newest closed';
  static override examples = ['<%= config.bin %> governance list', '<%= config.bin %> governance list --all --json'];
  static override flags = {
    all: Flags.boolean({ summary: 'every closed proposal too' }),
    strict: strictFlag,
    ...onlineFlags,
  };

  override async perform({ flags }: Input<typeof GovernanceList>, runtime: Runtime): Promise<Outcome> {
    const data = await listProposals({ all: flags.all }, await runtime.readDeps());
    return { data, text: () => listView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}
