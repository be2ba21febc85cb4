import { Flags } from '@oclif/core';
import { utf8 } from '../../bytes/text.ts';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { dryRunFlag, forceFlag, onlineFlags, outFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { exportAnchor, importAnchor } from '../../operations/audit/anchor.ts';
import { auditAnchorView } from '../../views/audit/anchor.ts';

export default class AuditAnchor extends BaseCommand {
  static override summary = 'keep the newest checkpoint elsewhere, or take one in';
  static override description =
    `An anchor is a checkpoint that is kept where nobody who can rewrite the log can rewrite it. Without one, a whole disk that is restored to an older state cannot be told from the real one. --out writes the newest checkpoint of the log, verified.

--import takes a checkpoint, or a consistency proof with its checkpoint (ronctl audit prove --consistency), verifies both log signatures, and moves the remembered checkpoint of this home forward. It never moves without a verified consistency proof: from the file, or from the log at hand (this home's, or with --kms that of a server). Two checkpoints that cannot be of one log are a fork (exit 10): both are kept as evidence.`;
  static override examples = [
    '<%= config.bin %> audit anchor --out today.checkpoint',
    '<%= config.bin %> audit anchor --kms local --out today.checkpoint',
    '<%= config.bin %> audit anchor --import today.checkpoint',
  ];
  static override flags = {
    out: outFlag,
    force: forceFlag,
    import: Flags.string({ summary: 'checkpoint or consistency proof to take in', helpValue: 'FILE' }),
    epoch: Flags.integer({ summary: 'epoch of the log; default: the newest', helpValue: 'N', min: 0 }),
    'dry-run': dryRunFlag,
    ...onlineFlags,
  };

  override async perform({ flags }: Input<typeof AuditAnchor>, runtime: Runtime): Promise<Outcome> {
    const { out, force, epoch } = flags;
    const deps = await runtime.readDeps(flags);
    if (flags.import === undefined) {
      const data = await exportAnchor({ epoch: epoch ?? null }, deps);
      if (out !== undefined) {
        await runtime.writeOutput(out, utf8(data.note), { force, dryRun: flags['dry-run'] });
      }
      return { data, text: () => auditAnchorView(data, out ?? null) };
    }
    for (const [given, name] of [
      [out, '--out'],
      [epoch, '--epoch'],
    ] as const) {
      if (given !== undefined) throw new RonError('Usage', `${name} does not go with --import`, { field: name });
    }
    const bytes = await runtime.readInput(flags.import, LIMITS.signedFileBytes);
    const data = await importAnchor({ bytes, name: flags.import }, deps);
    return { data, text: () => auditAnchorView(data, null) };
  }
}
