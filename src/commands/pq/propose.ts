import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { proposalFlags } from '../../cli/flags/proposal.ts';
import { scopeFlag, tenantFlag } from '../../cli/flags/shared.ts';
import { pqChanges, pqScope } from '../../cli/pq-scope.ts';
import { readProposeInput } from '../../cli/propose-input.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { writeProposal } from '../../cli/write-proposal.ts';

export default class PqPropose extends BaseCommand {
  static override summary = 'propose one step of the post-quantum rollout';
  static override description =
    'The same as governance propose with --change pq.phase= and --change pq.rollout_percent=. One phase at a time; a ' +
    'raise starts from 100 percent. `pq plan` lists the steps.';
  static override examples = [
    "<%= config.bin %> pq propose --tenant acme --to and --percent 10 --rationale 'first tenth'",
    "<%= config.bin %> pq propose --tenant acme --percent 100 --rationale 'the rest'",
  ];
  static override flags = {
    tenant: tenantFlag,
    scope: scopeFlag,
    to: Flags.string({ summary: 'phase: 0..3, or its mode off, or, and, pq_only', helpValue: 'PHASE' }),
    percent: Flags.string({ summary: 'keys that the phase reaches [default: 100 for a raise]', helpValue: '0..100' }),
    ...proposalFlags,
  };

  override async perform({ flags }: Input<typeof PqPropose>, runtime: Runtime): Promise<Outcome> {
    const scope = pqScope(runtime.host, flags);
    const what = { scope, change: pqChanges(flags), 'change-file': undefined, action: undefined, from: undefined };
    const { request, draftName } = await readProposeInput(runtime, { ...flags, ...what });
    return writeProposal(request, draftName, flags, runtime);
  }
}
