import { BaseCommand, type Input, type Outcome } from '../../../cli/base-command.ts';
import { onlineFlags, strictFlag } from '../../../cli/flags/shared.ts';
import type { Runtime } from '../../../cli/runtime.ts';
import { judgeTrust } from '../../../cli/trust.ts';
import { signersShow } from '../../../operations/governance/signers.ts';
import { signersView } from '../../../views/governance/lists.ts';

export default class GovernanceSignersShow extends BaseCommand {
  static override summary = 'the signer set in force, and earlier ones';
  static override examples = ['<%= config.bin %> governance signers show'];
  static override flags = { strict: strictFlag, ...onlineFlags };

  override async perform({ flags }: Input<typeof GovernanceSignersShow>, runtime: Runtime): Promise<Outcome> {
    const data = await signersShow(await runtime.readDeps());
    return { data, text: () => signersView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}
