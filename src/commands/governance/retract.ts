import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { castVote, voteArgs, voteFlags } from '../../cli/cast-vote.ts';
import type { Runtime } from '../../cli/runtime.ts';

export default class GovernanceRetract extends BaseCommand {
  static override summary = 'cancel one own vote for ever';
  static override description =
    'The vote never counts again, also when its file is imported again. A new vote may follow before the decision is due.';
  static override examples = ['<%= config.bin %> governance retract gp-... --signer bob'];
  static override args = voteArgs;
  static override flags = voteFlags;

  override async perform({ args, flags }: Input<typeof GovernanceRetract>, runtime: Runtime): Promise<Outcome> {
    return castVote('retract', args.target, flags, runtime);
  }
}
