import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { confirmTimeFlag, dryRunFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { auditArchive } from '../../operations/audit/archive.ts';
import { auditArchiveView } from '../../views/audit/archive.ts';

export default class AuditArchive extends BaseCommand {
  static override summary = 'move full segments of the log to another place';
  static override description =
    `Takes segments of 65,536 records whose last record lies below INDEX, under a checkpoint and over 24 hours back. Each is compared with its tiles, copied, synced and read again; then a record of the log names its digest, the log is signed, and only then the segment is removed from the home. Tiles and indexes stay: roots and proof paths are checked as before.

Without the archive audit verify answers 11 (archived); with --archive DIR it reads the records there, and 10 is the answer for another file in their place. A segment that is deleted without such a record is tampering (10). Run again after an interruption: it goes on where it stopped.

What a sink of a server has not taken yet stays, and the result names the sink: records that are away no sink gets any more.

A server must be stopped for it, because it holds the home: stop it, archive, start it again.`;
  static override examples = [
    '<%= config.bin %> audit archive --before 1000000 --to /mnt/archive --dry-run',
    '<%= config.bin %> audit archive --before 1000000 --to /mnt/archive --passphrase-file store.pass',
  ];
  static override flags = {
    before: Flags.integer({ summary: 'records below this index', required: true, min: 1, helpValue: 'INDEX' }),
    to: Flags.string({ summary: 'directory of the archive', required: true, helpValue: 'DIR' }),
    'confirm-time': confirmTimeFlag,
    ...passphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ flags }: Input<typeof AuditArchive>, runtime: Runtime): Promise<Outcome> {
    const request = {
      before: flags.before,
      to: runtime.outputDirectory(flags.to, '--to'),
      confirmTime: flags['confirm-time'],
    };
    const data = await auditArchive(request, runtime.deps(flags));
    return { data, text: () => auditArchiveView(data) };
  }
}
