import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { payloadFlags } from '../../cli/flags/kms.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import {
  confirmTimeFlag,
  dryRunFlag,
  explainFlag,
  lockTimeoutFlag,
  onlineFlags,
  policyFlag,
} from '../../cli/flags/shared.ts';
import { payloadOf } from '../../cli/payload.ts';
import { policySource } from '../../cli/policy-file.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { type KmsVerifyResult, verify } from '../../operations/kms/verify.ts';
import { verifyView } from '../../views/kms/verify.ts';

function errorOf(result: KmsVerifyResult): RonError | undefined {
  const { refusal, reason, required_mode, satisfied_mode } = result;
  if (refusal === null) return undefined;
  const modes = refusal === 'PqPolicy' ? ` (required ${required_mode}, satisfied ${satisfied_mode ?? 'none'})` : '';
  return new RonError(refusal, `${result.kid}: ${reason ?? refusal}${modes}`);
}

export default class KmsVerify extends BaseCommand {
  static override summary = 'verify a signature bundle';
  static override description =
    `Answers twice: every signature in the bundle, whatever the policy and for ever; and whether the mode in force now accepts the bundle. Needs no passphrase.

Exit codes, the first that applies: 4 the key is unknown; 11 its state is not authenticated; 10 a signature in the bundle is wrong or malformed, even where the mode accepts the rest; 11 legacy acceptance is not proved; 16 valid, but not enough for the mode in force, or compromised; else 0.

--proof takes the tlog-proof of the sign record where the log is not at hand (ronctl audit prove). --key takes an exported key object; it proves the state of the key at its own date only, so without --proof the exit code is 11.

With --policy the checkpoint of the proof must also carry the cosignatures that the witness policy wants; without them the exit code is 11, and 10 for one that is wrong, before anything else is judged.`;
  static override examples = [
    '<%= config.bin %> kms verify --file release.tar --sig release.sig',
    '<%= config.bin %> kms verify --file release.tar --sig release.sig --proof sign.tlog-proof --key key.pub.json',
  ];
  static override flags = {
    ...payloadFlags,
    sig: Flags.string({ summary: 'signature bundle; - is standard input', helpValue: 'FILE', required: true }),
    proof: Flags.string({ summary: 'tlog-proof of the sign record', helpValue: 'FILE' }),
    policy: policyFlag,
    key: Flags.string({ summary: 'key object file, instead of the keys of this home', helpValue: 'FILE' }),
    audit: Flags.boolean({ summary: 'record the outcome in the audit log (asks for the custody passphrase)' }),
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
    ...onlineFlags,
    explain: explainFlag,
  };

  override async perform({ flags }: Input<typeof KmsVerify>, runtime: Runtime): Promise<Outcome> {
    const read = async (path: string | undefined): Promise<Uint8Array | undefined> =>
      path === undefined ? undefined : runtime.readInput(path, LIMITS.signedFileBytes);
    if (flags.policy !== undefined && flags.proof === undefined) {
      throw new RonError('Usage', '--policy is about the checkpoint of a proof', {
        field: '--policy',
        hint: 'Give the tlog-proof of the sign record: --proof FILE (`ronctl audit prove`).',
      });
    }
    const request = {
      payload: await payloadOf(flags, runtime),
      bundle: await runtime.readInput(flags.sig, LIMITS.signedFileBytes),
      bundleName: flags.sig,
      proof: await read(flags.proof),
      keyObject: await read(flags.key),
      names: {
        ...(flags.proof === undefined ? {} : { proof: flags.proof }),
        ...(flags.key === undefined ? {} : { keyObject: flags.key }),
      },
      audit: flags.audit,
      policy: flags.proof === undefined ? null : await policySource(runtime, flags.policy),
      confirmTime: flags['confirm-time'],
    };
    const data = await verify(request, runtime.deps(flags));
    return { data, text: () => verifyView(data), error: errorOf(data) };
  }
}
