import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { kidArg, opIdFlag } from '../../cli/flags/kms.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { confirmTimeFlag, dryRunFlag, explainFlag, lockTimeoutFlag, onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { rotate } from '../../operations/kms/rotate.ts';
import { rotateView } from '../../views/kms/rotate.ts';

export default class KmsRotate extends BaseCommand {
  static override summary = 'make the next version of a key';
  static override description =
    `The new version has the tracks of the phase in force, never fewer than before, and becomes the only one that signs and wraps. Older versions stay checkable for ever and go on unwrapping. A continuity statement, signed by both versions and the service, says that the new key follows the old one.

A KID that names an older version is refused (15). With --op-id the same request again gives the recorded result.`;
  static override examples = ['<%= config.bin %> kms rotate acme/release/ed25519/0190f3c0-0000-7000-8000-000000000001'];
  static override args = { kid: kidArg };
  static override flags = {
    'op-id': opIdFlag,
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
    ...onlineFlags,
    explain: explainFlag,
  };

  override async perform({ args, flags }: Input<typeof KmsRotate>, runtime: Runtime): Promise<Outcome> {
    const request = { kid: args.kid, opId: flags['op-id'], confirmTime: flags['confirm-time'] };
    const data = await rotate(request, runtime.deps(flags));
    return { data, text: () => rotateView(data) };
  }
}
