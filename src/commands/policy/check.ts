import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { configFile } from '../../cli/config-file.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { policyCheck } from '../../operations/policy/check.ts';
import { policyCheckView } from '../../views/config/config.ts';

export default class PolicyCheck extends BaseCommand {
  static override summary = 'does a server configuration stay within the policy in force?';
  static override description =
    'A configured value may be equal to the policy or tighter; kms serve does not start with a looser one, and does not reload it. Without FILE: what kms serve would start with here, environment included. Exit 16 when a value is looser.';
  static override examples = ['<%= config.bin %> policy check ron-kms.toml', '<%= config.bin %> policy check'];
  static override args = {
    file: Args.string({ name: 'FILE', description: 'configuration of the server; - is standard input' }),
  };

  override async perform({ args }: Input<typeof PolicyCheck>, runtime: Runtime): Promise<Outcome> {
    const file = args.file === undefined ? null : await configFile(runtime, args.file);
    const { result, error } = await policyCheck(file, runtime.deps());
    return { data: result, text: () => policyCheckView(result), error };
  }
}
