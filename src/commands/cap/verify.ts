import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { readTokenFile, tokenArg } from '../../cli/flags/capability.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { verdictError, verify } from '../../operations/cap/verify.ts';
import { verifyView } from '../../views/cap/capability.ts';

export default class CapVerify extends BaseCommand {
  static override summary = 'say whether the server of this home would take a capability now';
  static override description =
    `Unseals the capability roots to check the token, without a lock, so it works beside a running server. Then its caveats, its time, whether it was revoked, whether the audit log has its mint record, and whether one for a single use was used: all as of the newest checkpoint. Discharges of third-party caveats are checked too; the server itself takes no token that needs one.

Exit codes: 0 valid, 10 not made under a root of this store, 11 a discharge is missing, 21 genuine but refused.`;
  static override examples = [
    '<%= config.bin %> cap verify ci.cap --passphrase-file store.pass',
    '<%= config.bin %> cap verify ci.cap --discharge idp.cap',
  ];
  static override args = { file: tokenArg };
  static override flags = {
    discharge: Flags.string({
      summary: 'file of a discharge, bound to this capability; may be repeated',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    ...passphraseFlags,
  };

  override async perform({ args, flags }: Input<typeof CapVerify>, runtime: Runtime): Promise<Outcome> {
    const token = await readTokenFile(runtime, args.file);
    const discharges: string[] = [];
    for (const file of flags.discharge ?? []) discharges.push(await readTokenFile(runtime, file));
    const data = await verify({ token, discharges }, runtime.deps(flags));
    return { data, text: () => verifyView(data), error: verdictError(data) };
  }
}
