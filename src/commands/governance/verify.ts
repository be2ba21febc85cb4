import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { idOrFile } from '../../cli/flags/governance.ts';
import { onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { verify } from '../../operations/governance/verify.ts';
import { verifyView } from '../../views/governance/results.ts';

export default class GovernanceVerify extends BaseCommand {
  static override summary = 'verify every signature, digest, link and quorum again';
  static override description =
    'Without an argument, or with --all, the whole ledger from its first line. Names each predicate with its result and writes nothing. 0 consistent, 10 something fails, 11 something is missing.';
  static override examples = [
    '<%= config.bin %> governance verify',
    '<%= config.bin %> governance verify gp-...',
    '<%= config.bin %> governance verify acme.request.json',
  ];
  static override args = { target: Args.string({ name: 'ID|FILE', description: 'proposal, or a file of governance' }) };
  static override flags = { all: Flags.boolean({ summary: 'the whole ledger (default)' }), ...onlineFlags };

  override async perform({ args, flags }: Input<typeof GovernanceVerify>, runtime: Runtime): Promise<Outcome> {
    if (flags.all && args.target !== undefined)
      throw new RonError('Usage', '--all and ID|FILE exclude each other', { field: '--all' });
    const target = args.target === undefined ? null : await idOrFile(runtime, args.target);
    const { result, error } = await verify({ target }, await runtime.readDeps());
    return { data: result, text: () => verifyView(result), error };
  }
}
