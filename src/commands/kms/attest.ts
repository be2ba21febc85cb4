import { utf8 } from '../../bytes/text.ts';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { checkedOutput } from '../../cli/checked-output.ts';
import { kidArg, opIdFlag } from '../../cli/flags/kms.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import {
  confirmTimeFlag,
  dryRunFlag,
  explainFlag,
  forceFlag,
  lockTimeoutFlag,
  onlineFlags,
  outFlag,
} from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { attest } from '../../operations/kms/attest.ts';
import { attestView } from '../../views/kms/attest.ts';

export default class KmsAttest extends BaseCommand {
  static override summary = 'ask where a key lives, and record the answer';
  static override description =
    'The class is software until hardware backends exist. The record is in the audit log before the answer. The evidence, see ronctl-keys(5), is signed by the keys of the log; ronctl inspect judges it.';
  static override examples = [
    '<%= config.bin %> kms attest KID --out key.attestation.json',
    '<%= config.bin %> kms attest KID --kms local --json',
  ];
  static override args = { kid: kidArg };
  static override flags = {
    out: outFlag,
    force: forceFlag,
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
    const output = await checkedOutput(runtime, flags, 'text');
    const data = await attest(request, runtime.deps(flags));
    const { evidence } = data.attestation;
    await output.write(data.dry_run || evidence === null ? null : utf8(evidence));
    return { data, text: () => attestView(data, output.path) };
  }
}
