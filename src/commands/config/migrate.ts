import { Args } from '@oclif/core';
import { utf8 } from '../../bytes/text.ts';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { configFile } from '../../cli/config-file.ts';
import { dryRunFlag, forceFlag, outFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { configMigrate } from '../../operations/config/migrate.ts';
import { configMigrateView } from '../../views/config/config.ts';

export default class ConfigMigrate extends BaseCommand {
  static override summary = 'write a configuration file with current names';
  static override description =
    'Older names of keys become the current ones; what the file means stays the same, which is checked before anything is written. Order and comments stay where they can. The file itself is never overwritten: name another with --out, or the same one together with --force.';
  static override examples = ['<%= config.bin %> config migrate ron-kms.toml --out ron-kms.new.toml'];
  static override args = {
    file: Args.string({ name: 'FILE', description: 'configuration file; - is standard input', required: true }),
  };
  static override flags = { out: { ...outFlag, required: true }, force: forceFlag, 'dry-run': dryRunFlag };

  override async perform({ args, flags }: Input<typeof ConfigMigrate>, runtime: Runtime): Promise<Outcome> {
    const { result, text } = await configMigrate(await configFile(runtime, args.file), runtime.deps(flags));
    const out = result.changes.length === 0 ? null : (flags.out ?? null);
    if (out !== null) await runtime.writeOutput(out, utf8(text), { force: flags.force, dryRun: flags['dry-run'] });
    const data = { ...result, out };
    return { data, text: () => configMigrateView(data) };
  }
}
