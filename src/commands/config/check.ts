import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { configFile } from '../../cli/config-file.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { configCheck } from '../../operations/config/check.ts';
import { configCheckView } from '../../views/config/config.ts';

export default class ConfigCheck extends BaseCommand {
  static override summary = 'check a configuration file and list everything that is wrong';
  static override description =
    'Recognises config.toml of the client and ron-kms.toml of the server, as TOML or JSON. The environment does not count; files, ports and file systems that the server configuration names are looked at on this machine. Exit 3 when anything is wrong. Whether it stays within the policy is said by policy check.';
  static override examples = ['<%= config.bin %> config check kms.cfg'];
  static override args = {
    file: Args.string({ name: 'FILE', description: 'configuration file; - is standard input', required: true }),
  };

  override async perform({ args }: Input<typeof ConfigCheck>, runtime: Runtime): Promise<Outcome> {
    const { result, error } = await configCheck(await configFile(runtime, args.file), runtime.deps());
    return { data: result, text: () => configCheckView(result), error };
  }
}
