// `governance tune KEY=VALUE` (governance page 10): no quorum, within 20 % of the approved value, or in a live envelope. Unseals
// the custody store and closes with a checkpoint.

import { RonError } from '../../errors.ts';
import type { TuneAnswer } from '../../kms/admin-ports.ts';
import { parseChange } from '../../policy/change.ts';
import { resolveKey } from '../../policy/registry.ts';
import type { Scope } from '../../policy/state.ts';
import { foldTenant } from '../../policy/tenant.ts';
import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';

export interface TuneRequest {
  readonly change: string;
  readonly tenant: string | null;
  readonly confirmTime: boolean;
}

export interface TunedResult extends Omit<TuneAnswer, 'checkpoint'> {
  readonly dry_run: boolean;
  readonly checkpoint_size: number | null;
}

export async function tune(request: TuneRequest, deps: OperationDeps): Promise<TunedResult> {
  const { key: name, text } = parseChange(request.change, 'KEY=VALUE');
  const row = resolveKey(name);
  if ('phaseInput' in row) {
    throw new RonError('PolicyRefused', `${name} is not tunable; a change of it needs a quorum`, { field: name });
  }
  const scope: Scope = request.tenant === null ? 'global' : `tenant:${foldTenant(request.tenant, '--tenant')}`;
  if (!/^(?:0|[1-9][0-9]{0,14})$/.test(text)) {
    throw new RonError('InvalidValue', `${row.key}: an integer is expected, not ${JSON.stringify(text)}`, {
      field: row.key,
    });
  }
  const { confirmTime } = request;
  const wanted = { scope, key: row.key, to: Number(text), confirmTime };
  const { checkpoint, ...done } = await withService(deps, { confirmTime }, ({ governance, call }) =>
    governance.tune(wanted, call),
  );
  return { ...done, dry_run: deps.dryRun, checkpoint_size: checkpoint?.size ?? null };
}
