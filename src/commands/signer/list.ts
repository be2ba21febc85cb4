import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { signerList } from '../../operations/signer/list.ts';
import { signerListView } from '../../views/signer/list.ts';

export default class SignerList extends BaseCommand {
  static override summary = 'list the signers of this home';
  static override description = 'Reads the public bundles and checks their signatures. Needs no passphrase.';
  static override examples = ['<%= config.bin %> signer list'];

  override async perform(_input: Input<typeof SignerList>, runtime: Runtime): Promise<Outcome> {
    const data = await signerList(runtime.deps());
    return { data, text: () => signerListView(data) };
  }
}
