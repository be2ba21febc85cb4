import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { dryRunFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { signerCreate } from '../../operations/signer/create.ts';
import { signerCreateView } from '../../views/signer/create.ts';

export default class SignerCreate extends BaseCommand {
  static override summary = 'make a sealed signing identity';
  static override description =
    `One identity per person: an Ed25519 and an ML-DSA-65 key, sealed under a passphrase of its own, and a public bundle. Prints the digest of the bundle and its 12 words, which whoever takes the bundle compares with its owner by voice. Needs no init.`;
  static override examples = [
    '<%= config.bin %> signer create alice',
    '<%= config.bin %> signer create alice --passphrase-file alice.pass',
  ];
  static override args = {
    id: Args.string({ name: 'ID', description: 'the signer', required: true }),
  };
  static override flags = {
    ...passphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ args, flags }: Input<typeof SignerCreate>, runtime: Runtime): Promise<Outcome> {
    const data = await signerCreate({ id: args.id }, runtime.deps(flags));
    return { data, text: () => signerCreateView(data) };
  }
}
