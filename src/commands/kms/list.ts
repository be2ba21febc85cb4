import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags, strictFlag } from '../../cli/flags/shared.ts';
import { readKeys } from '../../cli/read-keys.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { list, tenantsWithKeys } from '../../operations/kms/list.ts';
import { listView } from '../../views/kms/list.ts';

export default class KmsList extends BaseCommand {
  static override summary = 'list keys';
  static override description = 'Reads without a passphrase.';
  static override examples = ['<%= config.bin %> kms list', '<%= config.bin %> kms list --tenant acme --json'];
  static override flags = {
    tenant: Flags.string({ summary: 'only keys of this tenant', helpValue: 'TENANT' }),
    strict: strictFlag,
    ...onlineFlags,
  };

  override async perform({ flags }: Input<typeof KmsList>, runtime: Runtime): Promise<Outcome> {
    const data = await readKeys(runtime, (deps) => list({ tenant: flags.tenant }, deps));
    if (flags.tenant !== undefined && data.keys.length === 0) {
      const typed = flags.tenant;
      const { tenant, known } = await readKeys(runtime, (deps) => tenantsWithKeys(typed, deps));
      const others = known.length === 0 ? 'there is no key in this store' : `tenants with keys: ${known.join(', ')}`;
      runtime.host.log.notice(`no key has the tenant ${tenant}; ${others}`);
    }
    return { data, text: () => listView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}
