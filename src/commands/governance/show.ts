import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags, strictFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { show } from '../../operations/governance/show.ts';
import { showView } from '../../views/governance/show.ts';

export default class GovernanceShow extends BaseCommand {
  static override summary = 'present a proposal for review';
  static override description =
    'The decoded change with before and after, risk, rollback, deadlines with what is left, evidence, votes by member and role. Needs no passphrase. A proposal that waits in the inbox is shown as not ingested.';
  static override examples = [
    '<%= config.bin %> governance show gp-...',
    '<%= config.bin %> governance show gp-abcdefg --json',
  ];
  static override args = {
    id: Args.string({ name: 'ID', description: 'proposal, or 10 and more characters of its id', required: true }),
  };
  static override flags = { strict: strictFlag, ...onlineFlags };

  override async perform({ args, flags }: Input<typeof GovernanceShow>, runtime: Runtime): Promise<Outcome> {
    const data = await show({ id: args.id }, await runtime.readDeps());
    return { data, text: () => showView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}
