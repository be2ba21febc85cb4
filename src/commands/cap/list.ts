import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { confirmTimeFlag, explainFlag, lockTimeoutFlag, onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { list } from '../../operations/cap/list.ts';
import { listView } from '../../views/cap/list.ts';

export default class CapList extends BaseCommand {
  static override summary = 'list the capabilities that are in force';
  static override description =
    'Of those minted in the last 24 hours, which none outlives. Tokens are not kept anywhere, so none can be shown.';
  static override examples = ['<%= config.bin %> cap list --kms local', '<%= config.bin %> cap list --all --json'];
  static override flags = {
    all: Flags.boolean({ default: false, summary: 'spent, revoked and expired ones too' }),
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'lock-timeout': lockTimeoutFlag,
    ...onlineFlags,
    explain: explainFlag,
  };

  override async perform({ flags }: Input<typeof CapList>, runtime: Runtime): Promise<Outcome> {
    const data = await list({ all: flags.all, confirmTime: flags['confirm-time'] }, runtime.deps(flags));
    return { data, text: () => listView(data) };
  }
}
