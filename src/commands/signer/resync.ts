import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { dryRunFlag, lockTimeoutFlag, signerFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { LIMITS } from '../../limits.ts';
import { signerResync } from '../../operations/signer/resync.ts';
import { signerResyncView } from '../../views/signer/resync.ts';

export default class SignerResync extends BaseCommand {
  static override summary = 'give a restored signer its memory back';
  static override description =
    'Verifies a current request from the pinned genesis and remembers the newest ledger head in it and what this signer has signed there. Until then a restored signer signs nothing: its backup does not hold what it has signed since.';
  static override examples = ['<%= config.bin %> signer resync change.request.json --signer alice'];
  static override args = {
    request: Args.string({ name: 'REQUEST', description: 'request file; - is standard input', required: true }),
  };
  static override flags = {
    signer: signerFlag,
    ...passphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ args, flags }: Input<typeof SignerResync>, runtime: Runtime): Promise<Outcome> {
    const bytes = await runtime.readInput(args.request, LIMITS.requestFileBytes);
    const signer = runtime.preferredSigner(flags.signer) ?? null;
    const data = await signerResync({ name: args.request, bytes, signer }, runtime.deps(flags));
    return { data, text: () => signerResyncView(data) };
  }
}
