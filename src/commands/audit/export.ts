import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import type { AuditExportResult } from '../../operations/audit/export.ts';
import { auditExportTlog } from '../../operations/audit/export-tlog.ts';
import { auditExportView } from '../../views/audit/export.ts';

export default class AuditExport extends BaseCommand {
  static override summary = 'write the log out for auditors: tlog-tiles, native, redacted, ron-audit';
  static override description =
    `Writes what the newest checkpoint covers, after hashing it again. Needs no passphrase and appends nothing.

--tlog DIR is a directory as in C2SP tlog-tiles, which third-party verifiers take as it is: checkpoint, tile/, tile/entries/. Run again, it writes only what is new, with the checkpoint last. It refuses the directory of another log, and one whose checkpoint this log does not extend (10, with both notes kept as evidence).

DIR (the argument) is a copy of a home or of its audit directory; without it the log of this home is exported, or with --kms that of the server.`;
  static override examples = [
    '<%= config.bin %> audit export --tlog /srv/log',
    '<%= config.bin %> audit export --tlog /srv/log --kms local',
  ];
  static override args = {
    dir: Args.string({ name: 'DIR', description: 'a home or an audit directory; default: this home' }),
  };
  static override flags = {
    tlog: Flags.string({
      summary: 'directory of tiles and entry bundles to make or bring up to date',
      helpValue: 'DIR',
    }),
    epoch: Flags.integer({ summary: 'epoch of the log; default: the newest', helpValue: 'N', min: 0 }),
    ...onlineFlags,
  };

  override async perform({ args, flags }: Input<typeof AuditExport>, runtime: Runtime): Promise<Outcome> {
    if (runtime.online !== null && args.dir !== undefined) {
      throw new RonError('Usage', 'DIR is about files of this machine, and --kms names a server', {
        field: 'DIR',
        hint: 'Leave one of them away; --kms none overrides RONCTL_KMS and kms.url.',
      });
    }
    if (flags.tlog === undefined) {
      throw new RonError('Usage', 'say what to write: --tlog DIR', { field: '--tlog' });
    }
    const deps = await runtime.readDeps();
    const source = args.dir === undefined ? null : runtime.inputPath(args.dir, 'directory');
    const from = { source, epoch: flags.epoch ?? null };
    const data: AuditExportResult = await auditExportTlog(
      { ...from, directory: runtime.outputDirectory(flags.tlog, '--tlog') },
      deps,
    );
    return { data, text: () => auditExportView(data) };
  }
}
