// `ronctl cap list`, `cap revoke` and `cap rotate` for people.

import type { CapListResult } from '../../operations/cap/list.ts';
import type { CapRevokeResult } from '../../operations/cap/revoke.ts';
import type { CapRotateResult } from '../../operations/cap/rotate.ts';
import { fields, line, type TextModel, table } from '../../ui/text-model.ts';
import { dryRunBlocks, seconds } from '../kms/key.ts';

export function listView({ capabilities, total }: CapListResult): TextModel {
  const hidden = total - capabilities.length;
  return [
    table(
      ['id', 'state', 'tenants', 'scopes', 'ends', 'bearer', 'minted by'],
      capabilities.map((one) => [
        one.id,
        one.once ? `${one.state}, one use` : one.state,
        one.tenants.join(', '),
        one.scopes.join(', '),
        seconds(one.expires_at),
        one.sub ?? '-',
        one.minted_by,
      ]),
    ),
    ...(hidden === 0 ? [] : [line(`${hidden} that ended are not shown (--all)`, 'dim')]),
  ];
}

export function revokeView(result: CapRevokeResult): TextModel {
  return [
    line(result.dry_run ? 'would revoke' : 'revoked', 'good'),
    fields([
      ['id', result.id, 'strong'],
      ['since', seconds(result.revoked_at)],
    ]),
    ...dryRunBlocks(result.dry_run),
  ];
}

export function rotateView(result: CapRotateResult): TextModel {
  const { root, previous, kid } = result;
  if (kid !== null) {
    return [
      line(result.dry_run ? 'would rotate the key' : 'rotated the key', 'good'),
      fields([['version', kid, 'strong']]),
      ...dryRunBlocks(result.dry_run),
    ];
  }
  const older = result.ended ? 'ended' : 'good until they expire, at most 24 hours';
  return [
    line(result.dry_run ? 'would make a new capability root' : 'made a new capability root', 'good'),
    fields([
      ['root', String(root), 'strong'],
      ['before', String(previous)],
      ['capabilities of older roots', older],
    ]),
    ...dryRunBlocks(result.dry_run),
  ];
}
