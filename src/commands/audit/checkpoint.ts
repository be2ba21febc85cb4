import { utf8 } from '../../bytes/text.ts';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import {
  confirmTimeFlag,
  dryRunFlag,
  explainFlag,
  forceFlag,
  lockTimeoutFlag,
  onlineFlags,
  outFlag,
} from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { auditCheckpoint } from '../../operations/audit/checkpoint.ts';
import { auditCheckpointView } from '../../views/audit/checkpoint.ts';

export default class AuditCheckpoint extends BaseCommand {
  static override summary = 'sign the audit log as it stands';
  static override description =
    `Opens the store, finishes what a crash left and ingests the inbox, as every unsealing command does, then signs the log with Ed25519 and ML-DSA-44. An unchanged log is signed again with a new time.

Keep the note elsewhere: a log that is cut or rolled back is found against it.`;
  static override examples = [
    '<%= config.bin %> audit checkpoint --passphrase-file store.pass',
    '<%= config.bin %> audit checkpoint --out today.checkpoint',
  ];
  static override flags = {
    out: outFlag,
    force: forceFlag,
    'confirm-time': confirmTimeFlag,
    ...onlineFlags,
    explain: explainFlag,
    ...passphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ flags }: Input<typeof AuditCheckpoint>, runtime: Runtime): Promise<Outcome> {
    const { out, force } = flags;
    // Before anything is signed: a name that cannot be written is refused.
    if (out !== undefined && out !== '-') await runtime.writeOutput(out, new Uint8Array(), { force, dryRun: true });
    const data = await auditCheckpoint({ confirmTime: flags['confirm-time'] }, runtime.deps(flags));
    if (out !== undefined && data.checkpoint !== null) {
      await runtime.writeOutput(out, utf8(data.checkpoint.note), { force });
    }
    return { data, text: () => auditCheckpointView(data) };
  }
}
