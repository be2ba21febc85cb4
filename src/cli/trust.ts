// Reads of a home whose head nobody has authenticated (cli rule 12, X-29): a line on stderr, and exit 11 with --strict.

import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';

const WHY = 'not covered by a checkpoint that verifies under a pinned genesis';

/** The error of a strict read, else undefined; `trust` as in the data of the result, `what` is what it is of. */
export function judgeTrust(
  host: Pick<Host, 'log'>,
  trust: string,
  strict: boolean,
  what = 'policy head',
): RonError | undefined {
  if (trust !== 'not-authenticated') return undefined;
  if (strict) return new RonError('NotAuthenticated', `what is shown is ${WHY}`);
  host.log.notice(`${what}: not authenticated`);
  return undefined;
}
