// `ronctl policy keys` for people.

import type { PolicyKey, PolicyKeysResult } from '../../operations/policy/keys.ts';
import { line, type TextModel, table } from '../../ui/text-model.ts';
import { valueText } from './value.ts';

/** One value where the profiles agree, else `dev, micronode, macronode`. */
function startText({ start }: PolicyKey): string {
  const values = [start.dev, start.micronode, start.macronode].map(valueText);
  return new Set(values).size === 1 ? values[0]! : values.join(' | ');
}

const SENSITIVE: Readonly<Record<string, string>> = { yes: 'yes', 'both-ways': 'both ways', tunable: 'beyond 20 %' };

export function policyKeysView(result: PolicyKeysResult): TextModel {
  const rows = result.keys.map((key) => [
    key.key,
    key.other_names.join(' '),
    key.changed_by === 'backend-change' ? `${key.takes}; by action backend-change` : key.takes,
    startText(key),
    key.scope === 'global' ? 'global' : 'global, tenant',
    key.tighter,
    SENSITIVE[key.sensitive] ?? key.sensitive,
  ]);
  return [
    table(
      ['key', 'other names', 'takes', 'start (dev | micronode | macronode)', 'scope', 'tighter', 'sensitive'],
      rows,
    ),
    line(
      'A change of a sensitive key needs a quorum; the others may be tuned within 20 % of the approved value.',
      'dim',
    ),
  ];
}
