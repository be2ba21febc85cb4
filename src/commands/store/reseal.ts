import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { confirmTimeFlag, dryRunFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { storeReseal } from '../../operations/store/reseal.ts';
import { storeResealView } from '../../views/store/reseal.ts';

export default class StoreReseal extends BaseCommand {
  static override summary = 'seal every record again';
  static override description =
    'Writes every sealed record with fresh salts and nonces, in one audited commit. An ungoverned store gets a new root key; in a governed one that is the action root-rotate, which needs a quorum, and the root key stays.';
  static override examples = ['<%= config.bin %> store reseal --passphrase-file store.pass'];
  static override flags = {
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ flags }: Input<typeof StoreReseal>, runtime: Runtime): Promise<Outcome> {
    const data = await storeReseal({ confirmTime: flags['confirm-time'] }, runtime.deps(flags));
    return { data, text: () => storeResealView(data) };
  }
}
