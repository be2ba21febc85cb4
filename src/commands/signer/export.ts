import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { dryRunFlag, forceFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { signerExport } from '../../operations/signer/export.ts';
import { signerExportView } from '../../views/signer/export.ts';

export default class SignerExport extends BaseCommand {
  static override summary = 'write the public bundle of a signer to a file';
  static override description =
    `The file that the others need for a genesis or a signer-set change. It holds public keys only; private parts never leave the store. Needs no passphrase.`;
  static override examples = ['<%= config.bin %> signer export alice --out alice.signer.json'];
  static override args = {
    id: Args.string({ name: 'ID', description: 'the signer', required: true }),
  };
  static override flags = {
    out: Flags.string({ summary: 'file to write; - is stdout', helpValue: 'FILE', required: true }),
    force: forceFlag,
    'dry-run': dryRunFlag,
  };

  override async perform({ args, flags }: Input<typeof SignerExport>, runtime: Runtime): Promise<Outcome> {
    const { result, bytes } = await signerExport({ id: args.id, out: flags.out }, runtime.deps(flags));
    await runtime.writeOutput(flags.out, bytes, { force: flags.force, dryRun: flags['dry-run'] });
    return { data: result, text: () => signerExportView(result) };
  }
}
