import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { dryRunFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { signerRotate } from '../../operations/signer/rotate.ts';
import { signerRotateView } from '../../views/signer/rotate.ts';

export default class SignerRotate extends BaseCommand {
  static override summary = 'give a signer new keys';
  static override description =
    `Makes a new key pair and a bundle that the old and the new pair sign. The old pair goes on signing until a signer-set change that names the new one is executed.`;
  static override examples = ['<%= config.bin %> signer rotate alice'];
  static override args = {
    id: Args.string({ name: 'ID', description: 'the signer', required: true }),
  };
  static override flags = {
    ...passphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ args, flags }: Input<typeof SignerRotate>, runtime: Runtime): Promise<Outcome> {
    const data = await signerRotate({ id: args.id }, runtime.deps(flags));
    return { data, text: () => signerRotateView(data) };
  }
}
