import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../cli/base-command.ts';
import { passphraseFlags } from '../cli/flags/passphrase.ts';
import { dryRunFlag, lockTimeoutFlag } from '../cli/flags/shared.ts';
import type { Runtime } from '../cli/runtime.ts';
import { init } from '../operations/init.ts';
import { initView } from '../views/init.ts';

export default class Init extends BaseCommand {
  static override summary = 'make the custody store and audit log of a home';
  static override description =
    `Makes home.json, the sealed store (root, service keys, log keys, capability root) and the audit log with its first record and checkpoint. The passphrase protects the root; nothing opens the store without it.

The profile counts until a genesis is adopted, which then names it for ever. An init that was interrupted is completed, or started again, by the same command with the same passphrase.`;
  static override examples = [
    '<%= config.bin %> init --profile dev',
    '<%= config.bin %> init --profile macronode --log-origin audit.example.org --passphrase-file store.pass',
  ];
  static override flags = {
    profile: Flags.option({
      summary: 'how strict the start is: dev, drill, micronode, macronode',
      options: ['dev', 'drill', 'micronode', 'macronode'] as const,
      required: true,
    })(),
    'log-origin': Flags.string({
      summary: "base name of the audit log's origin; never changed later",
      helpValue: 'BASE',
      default: 'ronctl.invalid',
    }),
    ...passphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ flags }: Input<typeof Init>, runtime: Runtime): Promise<Outcome> {
    const { profile, 'log-origin': logOrigin } = flags;
    const data = await init({ profile, logOrigin, version: this.config.version }, runtime.deps(flags));
    return { data, text: () => initView(data) };
  }
}
