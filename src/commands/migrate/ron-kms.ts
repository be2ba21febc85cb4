import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { dryRunFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { migrateRonKms } from '../../operations/migrate/ron-kms.ts';
import { migrateView } from '../../views/config/config.ts';

export default class MigrateRonKms extends BaseCommand {
  static override summary = 'run what an upgrade has to do: home and configuration of the server';
  static override description =
    'Says which migrations of the home are pending (none in this version), and rewrites older names in the ron-kms.toml that kms serve would read; the file as it was is kept beside it. Older variables are named: only who sets them can rename them.';
  static override examples = ['<%= config.bin %> migrate ron-kms --dry-run', '<%= config.bin %> migrate ron-kms'];
  static override flags = { 'dry-run': dryRunFlag };

  override async perform({ flags }: Input<typeof MigrateRonKms>, runtime: Runtime): Promise<Outcome> {
    const data = await migrateRonKms(runtime.deps(flags));
    return { data, text: () => migrateView(data) };
  }
}
