import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { configFlagsOf, serveFlags } from '../../cli/flags/server.ts';
import { launchOf } from '../../cli/launch.ts';
import type { Runtime } from '../../cli/runtime.ts';

export default class KmsServe extends BaseCommand {
  static override summary = 'run the custody service of this home for other terminals and programs';
  static override description =
    `Unseals the custody store once, holds the home while it runs, and serves it on a Unix socket, on loopback or with TLS. Other commands reach it with --kms local. Two results: one when it is ready, one when it has stopped.

SIGTERM and Ctrl-C finish what is in flight and sign a last checkpoint (exit 0); a second one ends it at once. SIGHUP reads the configuration again. See ronctl-server(7).`;
  static override examples = [
    '<%= config.bin %> kms serve',
    '<%= config.bin %> kms serve --bind 127.0.0.1:7441 --log-format text',
    '<%= config.bin %> kms serve --config ron-kms.toml --passphrase-file store.pass',
    '<%= config.bin %> kms serve --amnesia --profile micronode',
  ];
  static override flags = serveFlags;

  override async perform({ flags }: Input<typeof KmsServe>, runtime: Runtime): Promise<Outcome> {
    const { serve } = await import('../../cli/serve.ts');
    return serve({
      runtime,
      launch: launchOf(this.config),
      version: this.config.version,
      flags,
      configFlags: configFlagsOf(flags),
    });
  }
}
