import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { kidArg } from '../../cli/flags/kms.ts';
import { onlineFlags } from '../../cli/flags/shared.ts';
import { readKeys } from '../../cli/read-keys.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { continuity } from '../../operations/kms/continuity.ts';
import { continuityView } from '../../views/kms/continuity.ts';

export default class KmsContinuity extends BaseCommand {
  static override summary = 'check that a key version follows its predecessor';
  static override description =
    `Verifies the statement that old and new version and the service signed at rotation, and that the audit log holds exactly this rotation. Valid is 0, tampered 10 (a wrong signature, other keys, or a second successor of one version), inconclusive 11. Keys that wrap do not sign: their rotation is attested by the service alone.

--statement judges a statement from elsewhere against this log. Needs no passphrase.`;
  static override examples = ['<%= config.bin %> kms continuity KID#v2'];
  static override args = { kid: kidArg };
  static override flags = {
    statement: Flags.string({ summary: 'statement file to judge instead of the one in the store', helpValue: 'FILE' }),
    ...onlineFlags,
  };

  override async perform({ args, flags }: Input<typeof KmsContinuity>, runtime: Runtime): Promise<Outcome> {
    const statement =
      flags.statement === undefined ? undefined : await runtime.readInput(flags.statement, LIMITS.signedFileBytes);
    const data = await readKeys(runtime, (deps) => continuity({ kid: args.kid, statement }, deps));
    const error =
      data.verdict === 'valid'
        ? undefined
        : new RonError(
            data.verdict === 'tampered' ? 'VerificationFailed' : 'Inconclusive',
            `${data.new_kid}: ${data.reason ?? data.verdict}`,
          );
    return { data, text: () => continuityView(data), error };
  }
}
