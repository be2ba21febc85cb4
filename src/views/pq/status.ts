// `ronctl pq status` for people.

import { spell } from '../../bytes/time.ts';
import type { StatusResult } from '../../operations/pq/status.ts';
import { type Block, line, list, section, type TextModel, table } from '../../ui/text-model.ts';

export function statusView(result: StatusResult): TextModel {
  const rows = result.scopes.map(({ scope, pq, origin, keys }) => [
    scope,
    `${pq.phase} ${pq.mode}`,
    `${pq.percent} %`,
    pq.verify_mode,
    origin,
    String(keys.active),
    keys.by_phase.join(' / '),
    String(keys.refused.length),
    String(keys.versions_refused),
  ]);
  const head = ['scope', 'phase', 'percent', 'verify', 'origin', 'keys', 'in phase 0/1/2/3', 'refused', 'old versions'];
  const out: Block[] = [table(head, rows)];
  if (result.grants.length > 0) {
    const grants = result.grants.map(
      (one) => `${one.scope}: ${one.kind} ${one.changes.join(', ')}, ends in ${spell(one.ends_in_s * 1000)}`,
    );
    out.push(section('Looser for a time', [list(grants)]));
  }
  const refused = [...new Set(result.scopes.flatMap((scope) => scope.keys.refused))];
  if (refused.length > 0) {
    out.push(section('Cannot sign or wrap until rotated', [list(refused.map((kid) => `ronctl kms rotate ${kid}`))]));
  }
  out.push(
    result.ready
      ? line('Every active key meets the mode in force.', 'good')
      : line(`${refused.length} active keys do not meet the mode in force.`, 'bad'),
  );
  return out;
}
