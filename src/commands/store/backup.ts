import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { dryRunFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { storeBackup } from '../../operations/store/backup.ts';
import { storeBackupView } from '../../views/store/backup.ts';

export default class StoreBackup extends BaseCommand {
  static override summary = 'copy the home, sealed as it is, to a directory';
  static override description =
    `Copies home.json, trust, store, inbox, ledger and audit with a list of digests. Needs no passphrase; no key is opened and nothing is appended. The copy opens with the passphrase of this moment.

Signer stores are not in it: see signer backup.`;
  static override examples = ['<%= config.bin %> store backup --out /mnt/backup/2026-11-20'];
  static override flags = {
    out: Flags.directory({ summary: 'directory to write; must not exist, or be empty', required: true }),
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ flags }: Input<typeof StoreBackup>, runtime: Runtime): Promise<Outcome> {
    const data = await storeBackup({ out: runtime.outputDirectory(flags.out) }, runtime.deps(flags));
    return { data, text: () => storeBackupView(data) };
  }
}
