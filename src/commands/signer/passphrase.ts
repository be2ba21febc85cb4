import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { demandNewPassphrase } from '../../cli/flags/new-passphrase.ts';
import { newPassphraseFlags, passphraseFlags } from '../../cli/flags/passphrase.ts';
import { dryRunFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { signerPassphrase } from '../../operations/signer/passphrase.ts';
import { signerPassphraseView } from '../../views/signer/passphrase.ts';

export default class SignerPassphrase extends BaseCommand {
  static override summary = 'change the passphrase of a signer';
  static override description =
    `Wraps the root of the store under the new passphrase with a new salt. This does not close old copies: whoever has an old copy and the old passphrase has the keys.`;
  static override examples = [
    '<%= config.bin %> signer passphrase alice',
    '<%= config.bin %> signer passphrase alice --passphrase-file old.pass --new-passphrase-file new.pass',
  ];
  static override args = {
    id: Args.string({ name: 'ID', description: 'the signer', required: true }),
  };
  static override flags = {
    ...passphraseFlags,
    ...newPassphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ args, flags }: Input<typeof SignerPassphrase>, runtime: Runtime): Promise<Outcome> {
    demandNewPassphrase(flags);
    const data = await signerPassphrase({ id: args.id }, runtime.deps(flags));
    return { data, text: () => signerPassphraseView(data) };
  }
}
