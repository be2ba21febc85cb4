import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { unsealFlags } from '../../cli/flags/governance.ts';
import { confirmTimeFlag, explainFlag, onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { ingest, ingestVerdict } from '../../operations/governance/ingest.ts';
import { ingestView } from '../../views/governance/execute.ts';

export default class GovernanceIngest extends BaseCommand {
  static override summary = 'take the files of the inbox into the ledger';
  static override description =
    'Unseals the custody store, finishes what a crash interrupted, verifies each file of the inbox and appends it; refused files go to inbox/refused with the reason. While a statement waits whose signer has seen more than this home, nothing is taken in (11; 10 when the signer has seen another ledger). Every unsealing command does this first.';
  static override examples = ['<%= config.bin %> governance ingest', '<%= config.bin %> governance ingest --dry-run'];
  static override flags = { 'confirm-time': confirmTimeFlag, ...onlineFlags, explain: explainFlag, ...unsealFlags };

  override async perform({ flags }: Input<typeof GovernanceIngest>, runtime: Runtime): Promise<Outcome> {
    const data = await ingest({ confirmTime: flags['confirm-time'] }, runtime.deps(flags));
    return { data, text: () => ingestView(data), error: ingestVerdict(data) };
  }
}
