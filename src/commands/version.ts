import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../cli/base-command.ts';
import type { Runtime } from '../cli/runtime.ts';
import { version } from '../operations/version.ts';
import { versionView } from '../views/version.ts';

export default class Version extends BaseCommand {
  static override summary = 'name package, runtime, OpenSSL and crypto provider';
  static override description =
    'With --verify every installed file is compared with the list that was packed with it. Whoever can change files can change the list: compare its 12 words with somebody who installed the same version.';
  static override examples = ['<%= config.bin %> version', '<%= config.bin %> version --verify --json'];
  static override flags = {
    verify: Flags.boolean({ summary: 'compare the installed files with the packed list; print its digest and words' }),
  };

  override async perform({ flags }: Input<typeof Version>, runtime: Runtime): Promise<Outcome> {
    const { node, openssl, sqlite } = process.versions;
    const data = await version(
      {
        name: this.config.name,
        version: this.config.version,
        development: runtime.development,
        provider: runtime.providerName,
        runtime: { node, openssl, sqlite: sqlite ?? 'none' },
        ...(flags.verify ? { verify: { packageRoot: runtime.packageRoot, runtimePath: process.execPath } } : {}),
      },
      runtime.deps(),
    );
    const check = data.package;
    const error =
      check && (await import('../operations/package-check.ts').then(({ packageError }) => packageError(check)));
    return { data, text: () => versionView(data), error };
  }
}
