import { Args, Flags } from '@oclif/core';
import { utf8 } from '../../bytes/text.ts';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { forceFlag, onlineFlags, outFlag } from '../../cli/flags/shared.ts';
import { recordIndex } from '../../cli/record-index.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { auditProve, type OldTree } from '../../operations/audit/prove.ts';
import { auditProveView } from '../../views/audit/prove.ts';

export default class AuditProve extends BaseCommand {
  static override summary = 'prove one record, or that the log extends an older one, in a file for others';
  static override description =
    `Writes a tlog-proof (c2sp.org/tlog-proof@v1): the exact line of the record, its path in the tree and the signed checkpoint. ronctl audit check-proof judges it with nothing but the log keys, as do third-party tools. A proof is checked before it is given out. Needs no passphrase and reads only the tiles on the way.

--consistency SIZE or FILE (an older checkpoint) instead of INDEX: the proof that the log of that size is the beginning of the signed one, as the body of a witness request. A record behind the newest checkpoint cannot be proved (exit 11).`;
  static override examples = [
    '<%= config.bin %> audit prove 41 --out 41.tlog-proof',
    '<%= config.bin %> audit prove 41 --size 100 --out 41.tlog-proof',
    '<%= config.bin %> audit prove --consistency 100 --out since-100.proof',
    '<%= config.bin %> audit prove --consistency old.checkpoint --kms local --out since.proof',
  ];
  static override args = {
    index: Args.string({ name: 'INDEX', description: 'index of the record, from 0' }),
  };
  static override flags = {
    out: outFlag,
    force: forceFlag,
    size: Flags.integer({
      summary: 'size of the checkpoint; default: the newest cosigned one that covers the record, else the newest',
      helpValue: 'N',
      min: 1,
    }),
    epoch: Flags.integer({ summary: 'epoch of the log; default: the newest', helpValue: 'N', min: 0 }),
    consistency: Flags.string({
      summary: 'prove that the log extends this older size or checkpoint',
      helpValue: 'SIZE|FILE',
    }),
    ...onlineFlags,
  };

  override async perform({ args, flags }: Input<typeof AuditProve>, runtime: Runtime): Promise<Outcome> {
    if ((args.index === undefined) === (flags.consistency === undefined)) {
      throw new RonError('Usage', 'either INDEX or --consistency is expected', { field: 'INDEX' });
    }
    const request = {
      index: args.index === undefined ? null : recordIndex(args.index, 'INDEX'),
      size: flags.size ?? null,
      epoch: flags.epoch ?? null,
      consistency: flags.consistency === undefined ? null : await older(flags.consistency, runtime),
    };
    const data = await auditProve(request, await runtime.readDeps());
    if (flags.out !== undefined) await runtime.writeOutput(flags.out, utf8(data.proof), { force: flags.force });
    return { data, text: () => auditProveView(data, flags.out ?? null) };
  }
}

async function older(given: string, runtime: Runtime): Promise<OldTree> {
  if (/^[0-9]+$/.test(given)) return { kind: 'size', size: recordIndex(given, '--consistency') };
  return { kind: 'note', name: given, note: await runtime.readInput(given, LIMITS.signedFileBytes) };
}
