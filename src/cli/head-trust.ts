// Reads of a head that no verified checkpoint covers (cli rule 12, X-29): a line on stderr, exit 11 with --strict.

import { RonError } from '../errors.ts';
import type { Runtime } from './runtime.ts';

export function warnUnauthenticated(runtime: Runtime, trust: string): void {
  if (trust === 'not-authenticated') runtime.host.log.warn('policy head: not authenticated');
}

/** The error of --strict, or nothing. */
export function demandAuthenticated(strict: boolean, trust: string): RonError | undefined {
  if (!strict || trust !== 'not-authenticated') return undefined;
  return new RonError('NotAuthenticated', 'the head of the ledger is not covered by a verified checkpoint');
}
