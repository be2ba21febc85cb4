import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { kidArg } from '../../cli/flags/kms.ts';
import { onlineFlags, strictFlag } from '../../cli/flags/shared.ts';
import { readKeys } from '../../cli/read-keys.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { show } from '../../operations/kms/show.ts';
import { showView } from '../../views/kms/show.ts';

export default class KmsShow extends BaseCommand {
  static override summary = 'show a key with its versions';
  static override description = 'With a version in KID only that version is shown. Reads without a passphrase.';
  static override examples = ['<%= config.bin %> kms show acme/release/ed25519/0190f3c0-0000-7000-8000-000000000001'];
  static override args = { kid: kidArg };
  static override flags = { strict: strictFlag, ...onlineFlags };

  override async perform({ args, flags }: Input<typeof KmsShow>, runtime: Runtime): Promise<Outcome> {
    const data = await readKeys(runtime, (deps) => show({ kid: args.kid }, deps));
    return { data, text: () => showView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}
