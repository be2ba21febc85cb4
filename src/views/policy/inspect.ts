// `ronctl policy inspect` for people and for grep: one `key=value` per line, nothing else on the line; what stands over an
// approved value follows as `key.origin=`, `key.approved=`, `key.ends_in_s=`. Lines that begin with # are remarks. A value
// without an origin line is the global one.

import type { InspectedValue, InspectResult } from '../../operations/policy/inspect.ts';
import { type Block, line, type TextModel } from '../../ui/text-model.ts';
import { valueText } from './value.ts';

/** The PQ keys keep the names that the runbooks grep for. */
const NAMES: Readonly<Record<string, string>> = {
  'pq.phase': 'pq_phase',
  'pq.rollout_percent': 'rollout_percent',
  'pq.legacy_grace_days': 'pq_legacy_grace_days',
};

const nameOf = (key: string): string => NAMES[key] ?? key;

function originLines(one: InspectedValue): Block[] {
  if (one.origin === 'global') return [];
  const name = nameOf(one.key);
  const out = [line(`${name}.origin=${one.origin}`)];
  if (one.approved !== undefined) out.push(line(`${name}.approved=${valueText(one.approved)}`));
  if (one.ends_in_s !== undefined) out.push(line(`${name}.ends_in_s=${one.ends_in_s}`));
  return out;
}

export function inspectView(result: InspectResult): TextModel {
  const { pq, values } = result;
  const ledger = result.ledger_id === null ? 'ungoverned' : `ledger ${result.ledger_id}`;
  const out: Block[] = [
    line(`# policy in force, ${result.scope}, profile ${result.profile}, ${ledger}, trust ${result.trust}`, 'dim'),
  ];
  if (!result.tenant_known) {
    out.push(line(`# ${result.scope} has no key, value or ceiling here; the global values would apply`, 'warn'));
  }
  out.push(
    line(`pq_phase=${pq.phase}`),
    line(`pq_base_phase=${pq.base_phase}`),
    line(`pq_mode=${pq.mode}`),
    line(`verify_mode=${pq.verify_mode}`),
    line(`produce_hybrid=${pq.produce_hybrid}`),
    line(`rollout_percent=${pq.percent}`),
  );
  for (const one of values) {
    if (one.key !== 'pq.phase' && one.key !== 'pq.rollout_percent') {
      out.push(line(`${nameOf(one.key)}=${valueText(one.value)}`));
    }
  }
  return [...out, ...values.flatMap(originLines)];
}
