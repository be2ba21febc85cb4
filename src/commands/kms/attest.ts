import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { kidArg, opIdFlag } from '../../cli/flags/kms.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { confirmTimeFlag, dryRunFlag, explainFlag, lockTimeoutFlag, onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { attest } from '../../operations/kms/attest.ts';
import { attestView } from '../../views/kms/attest.ts';

export default class KmsAttest extends BaseCommand {
  static override summary = 'ask where a key lives, and record the answer';
  static override description =
    'The class is software until hardware backends exist. The record is in the audit log before the answer.';
  static override examples = [
    '<%= config.bin %> kms attest KID',
    '<%= config.bin %> kms attest KID --kms local --json',
  ];
  static override args = { kid: kidArg };
  static override flags = {
    'op-id': opIdFlag,
    ...onlineFlags,
    explain: explainFlag,
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ args, flags }: Input<typeof KmsAttest>, runtime: Runtime): Promise<Outcome> {
    const request = { kid: args.kid, opId: flags['op-id'], confirmTime: flags['confirm-time'] };
    const data = await attest(request, runtime.deps(flags));
    return { data, text: () => attestView(data) };
  }
}
