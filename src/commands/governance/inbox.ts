import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags, strictFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { inbox } from '../../operations/governance/inbox.ts';
import { inboxView } from '../../views/governance/lists.ts';

export default class GovernanceInbox extends BaseCommand {
  static override summary = 'list the files that do not count yet, verified';
  static override description =
    'Judges each waiting file as an ingest would judge it now. Needs no passphrase and writes nothing.';
  static override examples = ['<%= config.bin %> governance inbox'];
  static override flags = { strict: strictFlag, ...onlineFlags };

  override async perform({ flags }: Input<typeof GovernanceInbox>, runtime: Runtime): Promise<Outcome> {
    const data = await inbox(await runtime.readDeps());
    return { data, text: () => inboxView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}
