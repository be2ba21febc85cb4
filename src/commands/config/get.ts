import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { loadClientConfig } from '../../cli/home.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { configGetClient, configGetServer } from '../../operations/config/get.ts';
import { configGetView } from '../../views/config/config.ts';

export default class ConfigGet extends BaseCommand {
  static override summary = 'print the effective configuration';
  static override description =
    'Without an argument: of this client. With ron-kms: what kms serve would start with here, from file, environment and defaults, and where the ledger decides, its values. It is a file that config check accepts; nothing in it is a secret.';
  static override examples = [
    '<%= config.bin %> config get --origin',
    '<%= config.bin %> config get ron-kms > kms.cfg',
    '<%= config.bin %> config get ron-kms --json',
  ];
  static override args = {
    subject: Args.option({ options: ['ron-kms'] as const })({ name: 'SUBJECT', description: 'ron-kms: the server' }),
  };
  static override flags = { origin: Flags.boolean({ summary: 'say where each value came from' }) };

  override async perform({ args, flags }: Input<typeof ConfigGet>, runtime: Runtime): Promise<Outcome> {
    const { host, home } = runtime;
    if (args.subject === undefined) {
      const { config, file } = await loadClientConfig(host, flags.config);
      const data = await configGetClient({ env: host.env, config, file, home }, flags.origin);
      return { data, text: () => configGetView(data) };
    }
    const { result, error } = await configGetServer(flags.origin, runtime.deps());
    if (result.file === null) host.log.notice('no configuration file: defaults and environment');
    for (const warning of result.warnings) host.log.warn(warning);
    return { data: result, text: () => configGetView(result), error };
  }
}
