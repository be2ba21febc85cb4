import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { checkedOutput } from '../../cli/checked-output.ts';
import { opIdFlag } from '../../cli/flags/kms.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import {
  confirmTimeFlag,
  dryRunFlag,
  explainFlag,
  forceFlag,
  lockTimeoutFlag,
  onlineFlags,
} from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { LIMITS } from '../../limits.ts';
import { unwrap } from '../../operations/kms/unwrap.ts';
import { unwrapView } from '../../views/kms/unwrap.ts';

export default class KmsUnwrap extends BaseCommand {
  static override summary = 'open a wrapped data key';
  static override description =
    `Writes the data key to --out (0600). Every version that still has its private half opens its envelopes, superseded and compromised ones too. An envelope that does not open is one error (10), whatever the cause.

With KID the envelope must belong to that key.`;
  static override examples = ['<%= config.bin %> kms unwrap --file data.wrapped --out data.key'];
  static override args = {
    kid: Args.string({ name: 'KID', description: 'key that the envelope must belong to' }),
  };
  static override flags = {
    file: Flags.string({ summary: 'wrap envelope; - is standard input', helpValue: 'FILE', required: true }),
    out: Flags.string({ summary: 'file for the data key; - is stdout', helpValue: 'FILE', required: true }),
    force: forceFlag,
    'op-id': opIdFlag,
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
    ...onlineFlags,
    explain: explainFlag,
  };

  override async perform({ args, flags }: Input<typeof KmsUnwrap>, runtime: Runtime): Promise<Outcome> {
    const envelope = await runtime.readInput(flags.file, LIMITS.wrapEnvelopeBytes);
    const output = await checkedOutput(runtime, flags, 'binary');
    const request = {
      kid: args.kid,
      envelope,
      envelopeName: flags.file,
      opId: flags['op-id'],
      confirmTime: flags['confirm-time'],
    };
    const { plaintext, result } = await unwrap(request, runtime.deps(flags));
    try {
      await output.write(plaintext);
    } finally {
      plaintext?.fill(0);
    }
    return { data: result, text: () => unwrapView(result, flags.out) };
  }
}
