import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { opIdFlag } from '../../cli/flags/kms.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { confirmTimeFlag, dryRunFlag, explainFlag, lockTimeoutFlag, onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { revoke } from '../../operations/cap/revoke.ts';
import { revokeView } from '../../views/cap/list.ts';

export default class CapRevoke extends BaseCommand {
  static override summary = 'end a capability and every copy of it at once';
  static override description =
    `The server refuses it from the answer of this command on. It stays revoked over restarts, until it would have expired. Capabilities that it has minted are their own: revoke them too.`;
  static override examples = ['<%= config.bin %> cap revoke 5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81 --kms local'];
  static override args = {
    id: Args.string({ name: 'ID', description: 'id of the capability, as in cap list', required: true }),
  };
  static override flags = {
    'op-id': opIdFlag,
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
    ...onlineFlags,
    explain: explainFlag,
  };

  override async perform({ args, flags }: Input<typeof CapRevoke>, runtime: Runtime): Promise<Outcome> {
    const request = { id: args.id, opId: flags['op-id'], confirmTime: flags['confirm-time'] };
    const data = await revoke(request, runtime.deps(flags));
    return { data, text: () => revokeView(data) };
  }
}
