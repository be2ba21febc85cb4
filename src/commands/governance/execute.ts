import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { unsealFlags } from '../../cli/flags/governance.ts';
import { confirmTimeFlag, explainFlag, onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { execute } from '../../operations/governance/execute.ts';
import { executeView } from '../../views/governance/execute.ts';

export default class GovernanceExecute extends BaseCommand {
  static override summary = 'carry out an approved proposal';
  static override description =
    `Unseals the custody store, ingests the inbox, judges once, carries out, signs the receipt and answers after the checkpoint. Executing again returns the recorded receipt. Before the quorum it is exit 12 and names who is missing; 13 too late or outside the window, 15 when something has changed since, 16 when it was rejected or withdrawn.`;
  static override examples = [
    '<%= config.bin %> governance execute gp-...',
    '<%= config.bin %> governance execute gp-... --dry-run',
  ];
  static override args = {
    id: Args.string({ name: 'ID', description: 'full id of the proposal', required: true }),
  };
  static override flags = { 'confirm-time': confirmTimeFlag, ...onlineFlags, explain: explainFlag, ...unsealFlags };

  override async perform({ args, flags }: Input<typeof GovernanceExecute>, runtime: Runtime): Promise<Outcome> {
    const data = await execute({ id: args.id, confirmTime: flags['confirm-time'] }, runtime.deps(flags));
    return { data, text: () => executeView(data) };
  }
}
