import { Args, Flags } from '@oclif/core';
import { utf8 } from '../../bytes/text.ts';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { forceFlag, outFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { configSample, type SampleRequest } from '../../operations/config/sample.ts';
import { configSampleView } from '../../views/config/config.ts';

export default class ConfigSample extends BaseCommand {
  static override summary = 'print a commented sample: client, server or systemd unit';
  static override description =
    'Every key with its meaning, bounds, variable, flag and default. With --profile the values that a server of that profile usually sets are no comments. --systemd prints ron-kms.service.';
  static override examples = [
    '<%= config.bin %> config sample > config.toml',
    '<%= config.bin %> config sample ron-kms --profile macronode > ron-kms.toml',
    '<%= config.bin %> config sample --systemd > ron-kms.service',
  ];
  static override args = {
    subject: Args.option({ options: ['client', 'ron-kms'] as const })({
      name: 'SUBJECT',
      description: 'client (default), or ron-kms: the server',
    }),
  };
  static override flags = {
    profile: Flags.option({ options: ['dev', 'drill', 'micronode', 'macronode'] as const })({
      summary: 'sample of the server for a profile',
      exclusive: ['systemd'],
    }),
    systemd: Flags.boolean({ summary: 'the systemd unit of the server' }),
    executable: Flags.string({ summary: 'ronctl as the unit starts it', helpValue: 'PATH', dependsOn: ['systemd'] }),
    out: outFlag,
    force: forceFlag,
  };

  override async perform({ args, flags }: Input<typeof ConfigSample>, runtime: Runtime): Promise<Outcome> {
    const profile = flags.profile ?? null;
    const server = profile !== null || args.subject === 'ron-kms';
    const request: SampleRequest = flags.systemd
      ? { subject: 'systemd', executable: runtime.path(flags.executable ?? `${runtime.packageRoot}/bin/ronctl`) }
      : server
        ? { subject: 'ron-kms', profile }
        : { subject: 'client' };
    const data = await configSample(request);
    if (flags.out !== undefined) await runtime.writeOutput(flags.out, utf8(data.text), { force: flags.force });
    return { data, text: () => configSampleView(data) };
  }
}
