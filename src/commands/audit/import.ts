import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { dryRunFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { auditImport } from '../../operations/audit/import.ts';
import { auditImportView } from '../../views/audit/import.ts';

export default class AuditImport extends BaseCommand {
  static override summary = 'verify an export, and keep the range that a restore has lost';
  static override description =
    `Judges an export (audit export --out) or a copy of a home like audit verify, with the keys of this home. Before a restore is accepted, its newest checkpoint becomes the one that is known of the log. Afterwards the records that the new epoch names as lost are copied to audit/e<N>/imported: read-only, proved one by one under the checkpoint that was approved, for audit verify and for look-ups of old signatures. Nothing is ever appended to a log.

Exit codes: 10 tampered, 11 no trusted key or not whole, 15 the export does not hold the lost range.`;
  static override examples = [
    '<%= config.bin %> audit import /mnt/export/2026-11-20',
    '<%= config.bin %> audit import /mnt/old-home --dry-run',
  ];
  static override args = {
    dir: Args.string({ name: 'DIR', description: 'a native export, or a copy of a home', required: true }),
  };
  static override flags = { 'dry-run': dryRunFlag, 'lock-timeout': lockTimeoutFlag };

  override async perform({ args, flags }: Input<typeof AuditImport>, runtime: Runtime): Promise<Outcome> {
    const target = runtime.inputPath(args.dir, 'directory');
    const data = await auditImport({ target }, runtime.deps(flags));
    return { data, text: () => auditImportView(data) };
  }
}
