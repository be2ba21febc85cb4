import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { durationFlag } from '../../cli/flags/duration.ts';
import { onlineFlags, strictFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { ledgerLog } from '../../operations/governance/log.ts';
import { logView } from '../../views/governance/lists.ts';

export default class GovernanceLog extends BaseCommand {
  static override summary = 'list the lines of the ledger';
  static override examples = ['<%= config.bin %> governance log --since 7d'];
  static override flags = {
    since: durationFlag({ flag: '--since', summary: 'how far back [default: everything]' }),
    strict: strictFlag,
    ...onlineFlags,
  };

  override async perform({ flags }: Input<typeof GovernanceLog>, runtime: Runtime): Promise<Outcome> {
    const data = await ledgerLog({ sinceMs: flags.since ?? null }, await runtime.readDeps());
    return { data, text: () => logView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}
