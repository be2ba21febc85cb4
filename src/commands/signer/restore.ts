import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { demandNewPassphrase } from '../../cli/flags/new-passphrase.ts';
import { newPassphraseFlags, passphraseFlags } from '../../cli/flags/passphrase.ts';
import { dryRunFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { LIMITS } from '../../limits.ts';
import { signerRestore } from '../../operations/signer/restore.ts';
import { signerRestoreView } from '../../views/signer/restore.ts';

export default class SignerRestore extends BaseCommand {
  static override summary = 'make a signer store from a backup file';
  static override description =
    `Opens the backup with its passphrase and seals the keys under a new one. Refuses to overwrite. The signer signs nothing until "signer resync REQUEST" has verified a current request.`;
  static override examples = [
    '<%= config.bin %> signer restore alice.backup',
    '<%= config.bin %> signer restore alice.backup --passphrase-file paper.pass --new-passphrase-file alice.pass',
  ];
  static override args = {
    file: Args.string({ name: 'FILE', description: 'the backup; - is standard input', required: true }),
  };
  static override flags = {
    ...passphraseFlags,
    ...newPassphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ args, flags }: Input<typeof SignerRestore>, runtime: Runtime): Promise<Outcome> {
    demandNewPassphrase(flags);
    const bytes = await runtime.readInput(args.file, LIMITS.sealedRecordBytes);
    const data = await signerRestore({ bytes, what: args.file }, runtime.deps(flags));
    return { data, text: () => signerRestoreView(data) };
  }
}
