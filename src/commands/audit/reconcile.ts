import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { onlineFlags, unsealFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { auditReconcile, reconcileError } from '../../operations/audit/reconcile.ts';
import { auditReconcileView } from '../../views/audit/reconcile.ts';

export default class AuditReconcile extends BaseCommand {
  static override summary =
    'compare the audit log with governance ledger and keys: complete, undecidable or unexplained';
  static override description =
    `Asks what "audit verify" cannot: whether the log is complete. It compares, both ways: every effect of an executed proposal has exactly one record under the operation id of its plan, and every governed record has its executed proposal; every ledger line is under one ledger.append record; every key version and state in public.json has its record with the same digests of public keys, and the reverse; every capability was minted by somebody who might; every receipt is the one that intent and records give; generations have no holes; tunes keep their bounds. Every line of the ledger is verified again on the way.

Needs no passphrase; --unseal also compares the sealed manifest, which needs that of the store. With --kms the files that a server publishes are compared here, with the keys of this home. Run "audit verify" as well: it judges the hashes, signatures and order of the log.

Exit codes: 0 complete, 10 unexplained (something is there that nothing explains, or lacks what must be there), 11 undecidable (a part of the log is archived, was lost to a restore, or no trusted key is known here), 4 no log.`;
  static override examples = [
    '<%= config.bin %> audit reconcile',
    '<%= config.bin %> audit reconcile --json',
    '<%= config.bin %> audit reconcile --archive /archive',
    '<%= config.bin %> audit reconcile --kms local',
    '<%= config.bin %> audit reconcile --unseal --passphrase-file store.pass',
  ];
  static override flags = {
    unseal: unsealFlag,
    archive: Flags.directory({ summary: 'where segments lie that audit archive took away', helpValue: 'DIR' }),
    ...onlineFlags,
    ...passphraseFlags,
  };

  override async perform({ flags }: Input<typeof AuditReconcile>, runtime: Runtime): Promise<Outcome> {
    for (const given of [flags.unseal ? '--unseal' : null, flags.archive === undefined ? null : '--archive']) {
      if (runtime.online === null || given === null) continue;
      throw new RonError('Usage', `${given} is about files of this machine, and --kms names a server`, {
        field: given,
        hint: 'Leave one of them away; --kms none overrides RONCTL_KMS and kms.url.',
      });
    }
    const deps = await runtime.readDeps(flags);
    const archive = flags.archive === undefined ? null : runtime.inputPath(flags.archive, 'directory');
    const data = await auditReconcile(
      { sealed: flags.unseal ? deps : null, archive, server: runtime.online?.name },
      deps,
    );
    return { data, text: () => auditReconcileView(data), error: reconcileError(data) };
  }
}
