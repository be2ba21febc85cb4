import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { castVote, voteArgs, voteFlags } from '../../cli/cast-vote.ts';
import type { Runtime } from '../../cli/runtime.ts';

export default class GovernanceApprove extends BaseCommand {
  static override summary = 'sign an approval of a proposal';
  static override description =
    'Recomputes everything that it shows from the pin, the request and the own store, wants the end of the id retyped (or the full digest), signs with the signer of this home and writes the statement to the inbox. It counts once ingested. A signer that a signer-set change brings in proves possession of its keys instead.';
  static override examples = [
    '<%= config.bin %> governance approve gp-... --role security-officer',
    '<%= config.bin %> governance approve proposal.request.json --signer bob --out bob.statement.json',
  ];
  static override args = voteArgs;
  static override flags = voteFlags;

  override async perform({ args, flags }: Input<typeof GovernanceApprove>, runtime: Runtime): Promise<Outcome> {
    return castVote('approve', args.target, flags, runtime);
  }
}
