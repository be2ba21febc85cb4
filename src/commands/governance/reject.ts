import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { castVote, voteArgs, voteFlags } from '../../cli/cast-vote.ts';
import type { Runtime } from '../../cli/runtime.ts';

export default class GovernanceReject extends BaseCommand {
  static override summary = 'sign a rejection of a proposal';
  static override description =
    'Like approve, with the opposite vote. A quorum that can no longer be reached rejects the proposal.';
  static override examples = ['<%= config.bin %> governance reject gp-... --role custodian --comment "wrong tenant"'];
  static override args = voteArgs;
  static override flags = voteFlags;

  override async perform({ args, flags }: Input<typeof GovernanceReject>, runtime: Runtime): Promise<Outcome> {
    return castVote('reject', args.target, flags, runtime);
  }
}
