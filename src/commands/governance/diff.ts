import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags, strictFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { diff } from '../../operations/governance/diff.ts';
import { diffView } from '../../views/governance/results.ts';

export default class GovernanceDiff extends BaseCommand {
  static override summary = 'the policy before and after a proposal';
  static override examples = ['<%= config.bin %> governance diff gp-...'];
  static override args = {
    id: Args.string({ name: 'ID', description: 'proposal, or 10 and more characters of its id', required: true }),
  };
  static override flags = { strict: strictFlag, ...onlineFlags };

  override async perform({ args, flags }: Input<typeof GovernanceDiff>, runtime: Runtime): Promise<Outcome> {
    const data = await diff({ id: args.id }, await runtime.readDeps());
    return { data, text: () => diffView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}
