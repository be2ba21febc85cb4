import { BaseCommand, type Input, type Outcome } from '../cli/base-command.ts';
import type { Runtime } from '../cli/runtime.ts';
import { version } from '../operations/version.ts';
import { versionView } from '../views/version.ts';

export default class Version extends BaseCommand {
  static override summary = 'name package, runtime, OpenSSL and crypto provider';
  static override examples = ['<%= config.bin %> version', '<%= config.bin %> version --json'];

  override async perform(_input: Input<typeof Version>, runtime: Runtime): Promise<Outcome> {
    const { node, openssl, sqlite } = process.versions;
    const data = await version(
      {
        name: this.config.name,
        version: this.config.version,
        development: runtime.development,
        provider: runtime.providerName,
        runtime: { node, openssl, sqlite: sqlite ?? 'none' },
      },
      runtime.deps(),
    );
    return { data, text: () => versionView(data) };
  }
}
