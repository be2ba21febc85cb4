import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { ingestFlags, unsealFlags } from '../../cli/flags/governance.ts';
import { forceFlag, onlineFlags, outFlag, signerFlag } from '../../cli/flags/shared.ts';
import { recordIndex } from '../../cli/record-index.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { LIMITS } from '../../limits.ts';
import { fileDispute } from '../../operations/governance/dispute.ts';
import { disputeView } from '../../views/governance/dispute.ts';

export default class GovernanceDispute extends BaseCommand {
  static override summary = 'say, signed, that records of the audit log are disputed';
  static override description =
    `By a member of the signer set or its auditor. The records are proved under the newest checkpoint first and named by their leaf hashes. Nothing is edited and nothing stops: from its ingest on, audit log and audit show mark the records as disputed, and governance log has the line. Of the text in --text only the SHA-256 is signed; keep the text.

Several records are given as INDEX,INDEX.`;
  static override examples = ['<%= config.bin %> governance dispute 41 --text objection.txt --signer bob'];
  static override args = {
    index: Args.string({ name: 'INDEX,...', description: 'records of the audit log, from 0', required: true }),
  };
  static override flags = {
    text: Flags.string({ summary: 'what is objected to; - is standard input', helpValue: 'FILE', required: true }),
    epoch: Flags.integer({ summary: 'epoch of the log; default: the newest', helpValue: 'N', min: 0 }),
    signer: signerFlag,
    ...ingestFlags,
    out: outFlag,
    force: forceFlag,
    ...onlineFlags,
    ...unsealFlags,
  };

  override async perform({ args, flags }: Input<typeof GovernanceDispute>, runtime: Runtime): Promise<Outcome> {
    const request = {
      indexes: args.index.split(',').map((one) => recordIndex(one, 'INDEX')),
      epoch: flags.epoch ?? null,
      text: await runtime.readInput(flags.text, LIMITS.signedFileBytes),
      signer: runtime.preferredSigner(flags.signer) ?? null,
      ingest: flags.ingest,
      confirmTime: flags['confirm-time'],
    };
    const { result, bytes, error } = await fileDispute(request, await runtime.readDeps(flags), runtime.deps(flags));
    if (flags.out !== undefined)
      await runtime.writeOutput(flags.out, bytes, { force: flags.force, dryRun: flags['dry-run'] });
    return { data: result, text: () => disputeView(result, flags['dry-run']), error };
  }
}
