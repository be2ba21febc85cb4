import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { signerShow } from '../../operations/signer/show.ts';
import { signerShowView } from '../../views/signer/show.ts';

export default class SignerShow extends BaseCommand {
  static override summary = 'show the public bundle of a signer of this home';
  static override description = `Reads the public bundle and checks its signatures. Needs no passphrase.`;
  static override examples = ['<%= config.bin %> signer show alice'];
  static override args = {
    id: Args.string({ name: 'ID', description: 'the signer', required: true }),
  };

  override async perform({ args }: Input<typeof SignerShow>, runtime: Runtime): Promise<Outcome> {
    const data = await signerShow({ id: args.id }, runtime.deps());
    return { data, text: () => signerShowView(data) };
  }
}
