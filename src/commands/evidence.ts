import { Flags } from '@oclif/core';
import type { JsonObject } from '../bytes/canonical-json.ts';
import { BaseCommand, type Input, type Outcome } from '../cli/base-command.ts';
import { sinceTime } from '../cli/flags/since.ts';
import type { Runtime } from '../cli/runtime.ts';
import { configReport } from '../operations/config/get.ts';
import { doctor } from '../operations/doctor.ts';
import { evidence } from '../operations/evidence.ts';
import { version } from '../operations/version.ts';
import { evidenceView } from '../views/evidence.ts';

/** Results of operations are plain JSON. */
const plain = (result: object): JsonObject => result as JsonObject;

export default class Evidence extends BaseCommand {
  static override summary = 'copy what an auditor needs into a directory';
  static override description =
    `Copies ledger, audit log with checkpoints, pins, public view and key objects as they are; lays the effective policy, the configuration, the versions and the report of doctor beside them; lists every file with its digest in evidence.json. Opens no private key, needs no passphrase, appends nothing.

The directory has the layout of a home: ronctl audit verify DIR checks it.`;
  static override examples = [
    '<%= config.bin %> evidence --since 30d --out audit-2026-11',
    '<%= config.bin %> evidence --since 2026-11-01T00:00:00Z --out audit-2026-11',
  ];
  static override flags = {
    since: Flags.string({
      summary: 'the range asked about: a duration back from now, or a time',
      helpValue: 'DURATION|TIME',
      required: true,
    }),
    out: Flags.string({ summary: 'directory to make', helpValue: 'DIR', required: true }),
  };

  override async perform({ flags }: Input<typeof Evidence>, runtime: Runtime): Promise<Outcome> {
    const since = sinceTime(flags.since, runtime.host.clock.now());
    const deps = runtime.deps();
    const { node, openssl, sqlite } = process.versions;
    const { development, packageRoot, providerName: provider } = runtime;
    const versions = await version(
      {
        name: this.config.name,
        version: this.config.version,
        development,
        provider,
        runtime: { node, openssl, sqlite: sqlite ?? 'none' },
      },
      deps,
    );
    const health = await doctor(
      { packageRoot, runtimePath: process.execPath, runtimeVersion: node, development, provider },
      deps,
    );
    const reports = {
      'config.json': plain(runtime.config),
      'ron-kms.json': plain(await configReport(deps)),
      'version.json': plain(versions),
      'doctor.json': plain(health),
    };
    const result = await evidence({ since, out: runtime.outputDirectory(flags.out), reports }, deps);
    return { data: result, text: () => evidenceView(result) };
  }
}
