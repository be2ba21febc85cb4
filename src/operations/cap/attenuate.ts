// `cap attenuate FILE`: the same capability with further caveats: narrower, never wider, and nobody is asked. Use, rate and
// revocation stay those of the original.

import { toTime } from '../../bytes/time.ts';
import { checkCaveat } from '../../capability/caveats.ts';
import { attenuate as narrow, parseToken } from '../../capability/token.ts';
import { fail } from '../../errors.ts';
import type { OperationDeps } from '../deps.ts';
import { type DescribedCapability, describe } from './describe.ts';

export interface CapAttenuateRequest {
  readonly token: string;
  readonly caveats: readonly string[];
  /** `exp` so long from now. */
  readonly ttlMs: number | null;
}

export interface CapAttenuateResult extends DescribedCapability {
  readonly added: readonly string[];
}

/** The narrower token and what it says. Throws Malformed, InvalidValue, TooLarge; Denied when nothing would be left. */
export function attenuate(
  request: CapAttenuateRequest,
  deps: Pick<OperationDeps, 'host'>,
): { readonly token: string; readonly result: CapAttenuateResult } {
  const { ttlMs } = request;
  const added = [...request.caveats, ...(ttlMs === null ? [] : [`exp = ${toTime(deps.host.clock.now() + ttlMs)}`])];
  if (added.length === 0) fail('Usage', 'nothing to add', { field: '--caveat', hint: 'Give --caveat or --ttl.' });
  for (const text of added) checkCaveat(text, '--caveat');
  const before = describe(parseToken(request.token));
  const token = narrow(request.token, added, '--caveat');
  const after = describe(parseToken(token));
  if (after.effective === null && before.effective !== null) {
    fail('InvalidValue', `--caveat: ${after.refusal}`, {
      field: '--caveat',
      hint: 'Further caveats only narrow: name something that the token already allows.',
    });
  }
  return { token, result: { ...after, added } };
}
