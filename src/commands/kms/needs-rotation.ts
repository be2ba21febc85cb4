import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { durationFlag } from '../../cli/flags/duration.ts';
import { kidArg } from '../../cli/flags/kms.ts';
import { onlineFlags } from '../../cli/flags/shared.ts';
import { readKeys } from '../../cli/read-keys.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { needsRotation } from '../../operations/kms/needs-rotation.ts';
import { needsRotationView } from '../../views/kms/needs-rotation.ts';

export default class KmsNeedsRotation extends BaseCommand {
  static override summary = 'ask whether a key must be rotated';
  static override description =
    `Yes (0) when the newest version is as old as keys.rotate_max_days or its own --rotate-days allows, or was declared compromised; no (5) otherwise; unknown (11) when the state is not authenticated or the clock cannot be trusted. Needs no passphrase.`;
  static override examples = [
    '<%= config.bin %> kms needs-rotation KID',
    '<%= config.bin %> kms needs-rotation KID --within 7d && <%= config.bin %> kms rotate KID',
  ];
  static override args = { kid: kidArg };
  static override flags = {
    within: durationFlag({ flag: '--within', summary: 'also yes when it will be needed within this time' }),
    ...onlineFlags,
  };

  override async perform({ args, flags }: Input<typeof KmsNeedsRotation>, runtime: Runtime): Promise<Outcome> {
    const data = await readKeys(runtime, (deps) => needsRotation({ kid: args.kid, withinMs: flags.within }, deps));
    const error =
      data.answer === 'yes'
        ? undefined
        : data.answer === 'no'
          ? new RonError('PredicateFalse', `${data.kid} needs no rotation yet`)
          : new RonError(
              data.trust === 'not-authenticated' ? 'NotAuthenticated' : 'Inconclusive',
              `${data.kid}: ${data.reason ?? 'it cannot be told'}`,
            );
    return { data, text: () => needsRotationView(data), error };
  }
}
