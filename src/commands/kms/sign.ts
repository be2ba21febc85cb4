import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { checkedOutput } from '../../cli/checked-output.ts';
import { kidArg, opIdFlag, payloadFlags } from '../../cli/flags/kms.ts';
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
import { payloadOf } from '../../cli/payload.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { sign } from '../../operations/kms/sign.ts';
import { signView } from '../../views/kms/sign.ts';

export default class KmsSign extends BaseCommand {
  static override summary = 'sign a file with the newest version of a key';
  static override description =
    `Signs the BLAKE3 digest of the payload with every track of the version. The signed message names all algorithms, the key version and the digest, so that no half of the bundle stands alone.

Nothing is signed that kms verify would refuse in the mode in force: then the exit code is 16 and rotation helps. The record is in the audit log before the bundle is written.`;
  static override examples = [
    '<%= config.bin %> kms sign KID --file release.tar --out release.sig',
    '<%= config.bin %> kms sign KID --b3 d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24 --json',
  ];
  static override args = { kid: kidArg };
  static override flags = {
    ...payloadFlags,
    out: outFlag,
    force: forceFlag,
    'op-id': opIdFlag,
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
    ...onlineFlags,
    explain: explainFlag,
  };

  override async perform({ args, flags }: Input<typeof KmsSign>, runtime: Runtime): Promise<Outcome> {
    const payload = await payloadOf(flags, runtime);
    const output = await checkedOutput(runtime, flags, 'text');
    const request = { kids: [args.kid], payload, opId: flags['op-id'], confirmTime: flags['confirm-time'] };
    const { file, result } = await sign(request, runtime.deps(flags));
    await output.write(file);
    return { data: result, text: () => signView(result, output.path) };
  }
}
