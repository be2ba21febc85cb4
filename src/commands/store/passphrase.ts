import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { demandNewPassphrase } from '../../cli/flags/new-passphrase.ts';
import { newPassphraseFlags, passphraseFlags } from '../../cli/flags/passphrase.ts';
import { confirmTimeFlag, dryRunFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { storePassphrase } from '../../operations/store/passphrase.ts';
import { storePassphraseView } from '../../views/store/passphrase.ts';

export default class StorePassphrase extends BaseCommand {
  static override summary = 'change the passphrase of the custody store';
  static override description =
    'Wraps the root under the new passphrase with a new salt, in one audited commit. This does not close old copies: whoever has an old backup and the old passphrase has the keys. After a person leaves, root-rotate and rotation of the keys follow.';
  static override examples = [
    '<%= config.bin %> store passphrase',
    '<%= config.bin %> store passphrase --passphrase-file old.pass --new-passphrase-file new.pass',
  ];
  static override flags = {
    ...passphraseFlags,
    ...newPassphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ flags }: Input<typeof StorePassphrase>, runtime: Runtime): Promise<Outcome> {
    demandNewPassphrase(flags);
    const data = await storePassphrase({ confirmTime: flags['confirm-time'] }, runtime.deps(flags));
    return { data, text: () => storePassphraseView(data) };
  }
}
