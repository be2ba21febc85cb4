import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags, strictFlag } from '../../cli/flags/shared.ts';
import { recordIndex } from '../../cli/record-index.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { auditShow } from '../../operations/audit/show.ts';
import { auditShowView } from '../../views/audit/show.ts';

export default class AuditShow extends BaseCommand {
  static override summary = 'show one record with its exact line, leaf hash and inclusion proof';
  static override description =
    'The record is proved under the newest checkpoint, or shown as unsigned when it lies behind it. Needs no passphrase.';
  static override examples = ['<%= config.bin %> audit show 41', '<%= config.bin %> audit show 41 --json'];
  static override args = {
    index: Args.string({ name: 'INDEX', description: 'index of the record, from 0', required: true }),
  };
  static override flags = {
    epoch: Flags.integer({ summary: 'epoch of the log; default: the newest', helpValue: 'N', min: 0 }),
    strict: strictFlag,
    ...onlineFlags,
  };

  override async perform({ args, flags }: Input<typeof AuditShow>, runtime: Runtime): Promise<Outcome> {
    const data = await auditShow(
      { index: recordIndex(args.index, 'INDEX'), epoch: flags.epoch ?? null },
      await runtime.readDeps(),
    );
    const trust = data.signed ? data.trust : 'not-authenticated';
    return { data, text: () => auditShowView(data), error: judgeTrust(runtime.host, trust, flags.strict, 'record') };
  }
}
