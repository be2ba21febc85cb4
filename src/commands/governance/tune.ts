import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { unsealFlags } from '../../cli/flags/governance.ts';
import { confirmTimeFlag, explainFlag, onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { tune } from '../../operations/governance/tune.ts';
import { tuneView } from '../../views/governance/results.ts';

export default class GovernanceTune extends BaseCommand {
  static override summary = 'set a tunable limit within 20 % of its approved value';
  static override description =
    'Needs no quorum; it is a line of the ledger and a record of the log. The bounds are measured from the approved value, so that tunes do not add up. It ends when an execution touches the key.';
  static override examples = ['<%= config.bin %> governance tune caps.max_active=110 --tenant acme'];
  static override args = { change: Args.string({ name: 'KEY=VALUE', description: 'key and value', required: true }) };
  static override flags = {
    tenant: Flags.string({ summary: 'tenant [default: global]', helpValue: 'ID' }),
    'confirm-time': confirmTimeFlag,
    ...onlineFlags,
    explain: explainFlag,
    ...unsealFlags,
  };

  override async perform({ args, flags }: Input<typeof GovernanceTune>, runtime: Runtime): Promise<Outcome> {
    const data = await tune(
      { change: args.change, tenant: flags.tenant ?? null, confirmTime: flags['confirm-time'] },
      runtime.deps(flags),
    );
    return { data, text: () => tuneView(data) };
  }
}
