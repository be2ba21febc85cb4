import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { castVote, voteArgs, voteFlags } from '../../cli/cast-vote.ts';
import type { Runtime } from '../../cli/runtime.ts';

export default class GovernanceWithdraw extends BaseCommand {
  static override summary = 'end an own proposal';
  static override description = 'Signed by its author; final.';
  static override examples = ['<%= config.bin %> governance withdraw gp-... --signer alice'];
  static override args = voteArgs;
  static override flags = voteFlags;

  override async perform({ args, flags }: Input<typeof GovernanceWithdraw>, runtime: Runtime): Promise<Outcome> {
    return castVote('withdraw', args.target, flags, runtime);
  }
}
