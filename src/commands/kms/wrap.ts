import { Flags } from '@oclif/core';
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
import { LIMITS } from '../../limits.ts';
import { wrap } from '../../operations/kms/wrap.ts';
import { wrapView } from '../../views/kms/wrap.ts';

export default class KmsWrap extends BaseCommand {
  static override summary = 'wrap a data key';
  static override description =
    `Encrypts a key of 16 to 64 bytes for the newest version of a wrapping key (HPKE; X-Wing by default). With --size a random key is made that only kms unwrap returns.

A classical x25519 key does not wrap while the mode in force is and or pq_only; it goes on unwrapping.`;
  static override examples = [
    '<%= config.bin %> kms wrap KID --size 32 --out data.wrapped',
    '<%= config.bin %> kms wrap KID --file data.key --out data.wrapped',
  ];
  static override args = { kid: kidArg };
  static override flags = {
    file: Flags.string({
      summary: 'data key of 16 to 64 bytes; - is standard input',
      helpValue: 'FILE',
      exactlyOne: ['file', 'size'],
    }),
    size: Flags.integer({ summary: 'make a random data key of this many bytes (16 to 64)', helpValue: 'N' }),
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

  override async perform({ args, flags }: Input<typeof KmsWrap>, runtime: Runtime): Promise<Outcome> {
    const plaintext =
      flags.file === undefined ? undefined : await runtime.readInput(flags.file, LIMITS.wrapPlaintextMax);
    const output = await checkedOutput(runtime, flags, 'binary');
    const request = {
      kid: args.kid,
      plaintext,
      size: flags.size,
      opId: flags['op-id'],
      confirmTime: flags['confirm-time'],
    };
    const { envelope, result } = await wrap(request, runtime.deps(flags));
    await output.write(envelope);
    return { data: result, text: () => wrapView(result, output.path) };
  }
}
