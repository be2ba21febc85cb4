// `cap inspect FILE`: what a token says, without any key. Whether it is genuine only `cap verify` knows.

import { fromTime, toTime } from '../../bytes/time.ts';
import { parseToken } from '../../capability/token.ts';
import type { OperationDeps } from '../deps.ts';
import { type DescribedCapability, describe } from './describe.ts';

export interface CapInspectResult extends DescribedCapability {
  readonly now: string;
  /** By the clock of this machine; null when the caveats allow nothing. */
  readonly expired: boolean | null;
}

/** Throws Malformed. */
export function inspect(token: string, deps: Pick<OperationDeps, 'host'>): CapInspectResult {
  const said = describe(parseToken(token));
  const nowMs = deps.host.clock.now();
  const expired = said.effective === null ? null : fromTime(said.effective.expires_at) <= nowMs;
  return { ...said, now: toTime(nowMs), expired };
}
