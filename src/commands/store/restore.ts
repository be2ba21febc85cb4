import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { dryRunFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { storeRestore } from '../../operations/store/restore.ts';
import { storeRestoreView } from '../../views/store/restore.ts';

export default class StoreRestore extends BaseCommand {
  static override summary = 'restore a backup into a home without a store';
  static override description =
    'Verifies every digest and the checkpoint. The restored store verifies but signs and changes nothing: what happened after the backup is unknown to it. It goes on in a new epoch of its log, which a quorum opens: governance propose --action restore-accept. An ungoverned store opens it with the first command that unseals it.';
  static override examples = ['RONCTL_HOME=/srv/restored <%= config.bin %> store restore /mnt/backup/2026-11-20'];
  static override args = {
    directory: Args.string({ name: 'DIR', description: 'directory of the backup', required: true }),
  };
  static override flags = { 'dry-run': dryRunFlag, 'lock-timeout': lockTimeoutFlag };

  override async perform({ args, flags }: Input<typeof StoreRestore>, runtime: Runtime): Promise<Outcome> {
    const directory = runtime.inputPath(args.directory, 'directory');
    const data = await storeRestore({ directory }, runtime.deps(flags));
    return { data, text: () => storeRestoreView(data) };
  }
}
