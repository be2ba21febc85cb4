import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { strictFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { storeStatus } from '../../operations/store/status.ts';
import { storeStatusView } from '../../views/store/status.ts';

export default class StoreStatus extends BaseCommand {
  static override summary = 'show the custody store, its size and how fast it grows';
  static override description = 'Reads the clear view under the newest checkpoint. Needs no passphrase and no lock.';
  static override examples = ['<%= config.bin %> store status', '<%= config.bin %> store status --strict --json'];
  static override flags = { strict: strictFlag };

  override async perform({ flags }: Input<typeof StoreStatus>, runtime: Runtime): Promise<Outcome> {
    const data = await storeStatus(runtime.deps());
    return {
      data,
      text: () => storeStatusView(data),
      error: judgeTrust(runtime.host, data.trust, flags.strict),
    };
  }
}
