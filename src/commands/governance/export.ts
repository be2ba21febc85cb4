import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { dryRunFlag, forceFlag, onlineFlags, outFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { exportProposal } from '../../operations/governance/export.ts';
import { exportView } from '../../views/governance/results.ts';

export default class GovernanceExport extends BaseCommand {
  static override summary = 'write a request or a proposal to a file';
  static override description =
    'The request holds everything that an approver without this ledger needs: genesis, key chain, proposal, statements, policy view and a proof of the ledger head. The approver trusts only the genesis digest that he pinned.';
  static override examples = ['<%= config.bin %> governance export gp-... --out acme.request.json'];
  static override args = {
    id: Args.string({ name: 'ID', description: 'full id of the proposal', required: true }),
  };
  static override flags = {
    request: Flags.boolean({ summary: 'the request (default)', exclusive: ['proposal'] }),
    proposal: Flags.boolean({ summary: 'the signed proposal alone' }),
    out: outFlag,
    force: forceFlag,
    'dry-run': dryRunFlag,
    ...onlineFlags,
  };

  override async perform({ args, flags }: Input<typeof GovernanceExport>, runtime: Runtime): Promise<Outcome> {
    const what = flags.proposal ? 'proposal' : 'request';
    const { result, file } = await exportProposal({ id: args.id, what }, await runtime.readDeps(flags));
    const out = flags.out ?? `${result.id}.${what}.json`;
    await runtime.writeOutput(out, file, { force: flags.force, dryRun: flags['dry-run'] });
    return { data: { ...result, out }, text: () => exportView(result, out) };
  }
}
