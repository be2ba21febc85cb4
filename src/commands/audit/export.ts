import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { chainFormatFlag } from '../../cli/flags/audit.ts';
import { onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import type { AuditExportResult } from '../../operations/audit/export.ts';
import { auditExportRedacted, auditExportRonAudit } from '../../operations/audit/export-lines.ts';
import { auditExportNative } from '../../operations/audit/export-native.ts';
import type { ExportDeps, ExportSource } from '../../operations/audit/export-source.ts';
import { auditExportTlog } from '../../operations/audit/export-tlog.ts';
import { auditExportView } from '../../views/audit/export.ts';

export default class AuditExport extends BaseCommand {
  static override summary = 'write the log out for auditors: tlog-tiles, native, redacted, ron-audit';
  static override description =
    `Writes what the newest checkpoint covers, after hashing it again. Needs no passphrase and appends nothing.

--tlog DIR is a directory as in C2SP tlog-tiles, which third-party verifiers take as it is: checkpoint, tile/, tile/entries/. Run again, it writes only what is new, with the checkpoint last. It refuses the directory of another log, and one whose checkpoint this log does not extend (10, with both notes kept as evidence).

--out DIR alone is a native export: segments, tiles, notes, key chain and a manifest of digests. With --from and --to it holds that range and declares the rest as gaps; so are records that were archived, unless --archive names where they lie.

--redact MEMBERS --out FILE leaves members out of records, for example tenant,actor. The place of every record in the log stays provable; what is still shown of a redacted one is not. tenant and purpose take kid with them.

--format ron-audit --out FILE is a chain as the ron-audit crate reads it. Nobody signs it.

DIR (the argument) is a copy of a home or of its audit directory; without it the log of this home is exported, or with --kms that of the server.`;
  static override examples = [
    '<%= config.bin %> audit export --tlog /srv/log',
    '<%= config.bin %> audit export --tlog /srv/log --kms local',
    '<%= config.bin %> audit export --out /media/log',
    '<%= config.bin %> audit export --redact tenant,actor --from 100 --to 200 --out part.jsonl',
    '<%= config.bin %> audit export --format ron-audit --out chain.jsonl',
  ];
  static override args = {
    dir: Args.string({ name: 'DIR', description: 'a home or an audit directory; default: this home' }),
  };
  static override flags = {
    tlog: Flags.string({
      summary: 'directory of tiles and entry bundles to make or bring up to date',
      helpValue: 'DIR',
    }),
    out: Flags.string({ summary: 'directory of a native export, or file, to write', helpValue: 'DIR|FILE' }),
    redact: Flags.string({
      summary: 'members to leave out of every record; r goes with them',
      helpValue: 'MEMBER,...',
    }),
    format: chainFormatFlag,
    from: Flags.integer({ summary: 'first record', helpValue: 'INDEX', min: 0 }),
    to: Flags.integer({ summary: 'the record behind the last one', helpValue: 'INDEX', min: 0 }),
    archive: Flags.directory({ summary: 'where segments lie that audit archive took away', helpValue: 'DIR' }),
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
    const kind = kindOf(flags);
    const deps = await runtime.readDeps();
    const source = args.dir === undefined ? null : runtime.inputPath(args.dir, 'directory');
    const archive = flags.archive === undefined ? null : runtime.inputPath(flags.archive, 'directory');
    const place = { source, archive, epoch: flags.epoch ?? null };
    const data = await this.#export(kind, place, flags, runtime, deps);
    return { data, text: () => auditExportView(data) };
  }

  #export(
    kind: AuditExportResult['kind'],
    source: ExportSource,
    flags: Input<typeof AuditExport>['flags'],
    runtime: Runtime,
    deps: ExportDeps,
  ): Promise<AuditExportResult> {
    if (kind === 'tlog') {
      return auditExportTlog({ ...source, directory: runtime.outputDirectory(flags.tlog!, '--tlog') }, deps);
    }
    const out = runtime.outputDirectory(flags.out!);
    if (kind === 'native') {
      return auditExportNative({ ...source, directory: out, from: flags.from ?? null, to: flags.to ?? null }, deps);
    }
    const lines = { ...source, out, from: flags.from ?? null, to: flags.to ?? null };
    if (kind === 'redacted') {
      return auditExportRedacted({ ...lines, redact: flags.redact! }, deps);
    }
    return auditExportRonAudit(lines, deps);
  }
}

/** Throws Usage for flags that do not go together. */
function kindOf(flags: Input<typeof AuditExport>['flags']): AuditExportResult['kind'] {
  const usage = (message: string, field: string, hint?: string): never => {
    throw new RonError('Usage', message, { field, ...(hint === undefined ? {} : { hint }) });
  };
  const { tlog, out, redact, format, from, to } = flags;
  if (tlog !== undefined) {
    if (redact !== undefined) {
      usage(
        '--tlog and --redact exclude each other',
        '--redact',
        'Entries must hash to their leaves: give --out FILE.',
      );
    }
    for (const [name, value] of Object.entries({ out, format, from, to })) {
      if (value !== undefined) usage(`--${name} does not go with --tlog`, `--${name}`);
    }
    return 'tlog';
  }
  if (out === undefined || out === '-') usage('say where: --tlog DIR, or --out DIR|FILE', '--out');
  if (format === 'ron-audit') {
    if (redact !== undefined) usage('--redact does not go with --format ron-audit', '--redact');
    if (from !== undefined) usage('a ron-audit chain begins at the first record', '--from');
    return 'ron-audit';
  }
  return redact === undefined ? 'native' : 'redacted';
}
