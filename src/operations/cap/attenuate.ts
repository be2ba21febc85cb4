// `cap attenuate FILE`: the same capability with further caveats: narrower, never wider, and nobody is asked. Use, rate and
// revocation stay those of the original.

import { parseDurationOrTime, toTime } from '../../bytes/time.ts';
import { checkCaveat } from '../../capability/caveats.ts';
import { attenuate as narrow, parseToken } from '../../capability/token.ts';
import { fail } from '../../errors.ts';
import type { OperationDeps } from '../deps.ts';
import { type DescribedCapability, describe } from './describe.ts';

export interface CapAttenuateRequest {
  readonly token: string;
  readonly caveats: readonly string[];
  /** `exp`: a duration from now, or a time. */
  readonly expires: string | null;
}

export interface CapAttenuateResult extends DescribedCapability {
  readonly added: readonly string[];
}

/** The narrower token and what it says. Throws Malformed, InvalidValue, TooLarge; Denied when nothing would be left. */
export function attenuate(
  request: CapAttenuateRequest,
  deps: Pick<OperationDeps, 'host'>,
): { readonly token: string; readonly result: CapAttenuateResult } {
  const { expires } = request;
  const nowMs = deps.host.clock.now();
  const ends = expires === null ? [] : [`exp = ${toTime(parseDurationOrTime(expires, nowMs, '--expires'))}`];
  const added = [...request.caveats, ...ends];
  if (added.length === 0) fail('Usage', 'nothing to add', { field: '--caveat', hint: 'Give --caveat or --expires.' });
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
