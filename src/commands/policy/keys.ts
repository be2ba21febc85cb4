import { BaseCommand, type Outcome } from '../../cli/base-command.ts';
import { policyKeys } from '../../operations/policy/keys.ts';
import { policyKeysView } from '../../views/policy/keys.ts';

export default class PolicyKeys extends BaseCommand {
  static override summary = 'list the governable keys: names, values, scope, direction, sensitivity';
  static override examples = ['<%= config.bin %> policy keys', '<%= config.bin %> policy keys --json'];

  override async perform(): Promise<Outcome> {
    const data = await policyKeys();
    return { data, text: () => policyKeysView(data) };
  }
}
