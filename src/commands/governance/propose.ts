import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { proposalFlags } from '../../cli/flags/proposal.ts';
import { readProposeInput } from '../../cli/propose-input.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { writeProposal } from '../../cli/write-proposal.ts';

export default class GovernancePropose extends BaseCommand {
  static override summary = 'write a signed proposal to the inbox';
  static override description =
    `One of --change (repeatable), --change-file, --action or --from says what. Defaults are stored and shown: the risk floor, one notch of rollback for a post-quantum raise, a change window of 24 h. Where the profile demands evidence that is missing, --out gets a draft, which --from makes into a proposal.`;
  static override examples = [
    "<%= config.bin %> governance propose --scope tenant:ACME --change 'pq_mode=and' --rationale 'hybrid AND cutover' --expires 24h",
    "<%= config.bin %> governance propose --scope global --action root-rotate --rationale 'yearly'",
    '<%= config.bin %> governance propose --from acme.draft.json --attach perf-snapshot-15m=perf.json',
  ];
  static override flags = {
    scope: Flags.string({ summary: 'global or tenant:ID [default for actions: global]', helpValue: 'SCOPE' }),
    change: Flags.string({
      summary: 'change of a governable key',
      helpValue: 'KEY=VALUE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'change-file': Flags.string({ summary: 'JSON array of {key, to}', helpValue: 'FILE' }),
    action: Flags.string({ summary: 'governed action', helpValue: 'NAME[:JSON]' }),
    from: Flags.string({ summary: 'draft to make into a proposal', helpValue: 'DRAFT' }),
    ...proposalFlags,
  };

  override async perform({ flags }: Input<typeof GovernancePropose>, runtime: Runtime): Promise<Outcome> {
    const { request, draftName } = await readProposeInput(runtime, flags);
    return writeProposal(request, draftName, flags, runtime);
  }
}
