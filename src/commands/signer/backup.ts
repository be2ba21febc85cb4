import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { demandNewPassphrase } from '../../cli/flags/new-passphrase.ts';
import { newPassphraseFlags, passphraseFlags } from '../../cli/flags/passphrase.ts';
import { dryRunFlag, forceFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { signerBackup } from '../../operations/signer/backup.ts';
import { signerBackupView } from '../../views/signer/backup.ts';

export default class SignerBackup extends BaseCommand {
  static override summary = 'write the keys of a signer to a sealed file';
  static override description =
    `The key pairs under a passphrase of their own, in one file. What the signer has signed is not in it: after a restore nothing is signed until "signer resync REQUEST" has verified a current request.`;
  static override examples = [
    '<%= config.bin %> signer backup alice --out alice.backup',
    '<%= config.bin %> signer backup alice --passphrase-file alice.pass --new-passphrase-file paper.pass --out alice.backup',
  ];
  static override args = {
    id: Args.string({ name: 'ID', description: 'the signer', required: true }),
  };
  static override flags = {
    out: Flags.string({ summary: 'file to write; - is stdout', helpValue: 'FILE', required: true }),
    force: forceFlag,
    ...passphraseFlags,
    ...newPassphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ args, flags }: Input<typeof SignerBackup>, runtime: Runtime): Promise<Outcome> {
    demandNewPassphrase(flags);
    const { result, bytes } = await signerBackup({ id: args.id, out: flags.out }, runtime.deps(flags));
    await runtime.writeOutput(flags.out, bytes, { force: flags.force, dryRun: flags['dry-run'] });
    return { data: result, text: () => signerBackupView(result) };
  }
}
