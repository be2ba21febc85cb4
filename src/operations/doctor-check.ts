// One finding of `doctor`.

import { type ErrorCode, RonError } from '../errors.ts';

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'note' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do; absent for ok. */
  readonly next?: string;
  /** Error code of a failing check. */
  readonly code?: ErrorCode;
}

/** Turns what a check throws into its failure. */
export async function attempt(name: string, check: () => Promise<Check | Check[]> | Check | Check[]): Promise<Check[]> {
  try {
    return [await check()].flat();
  } catch (thrown) {
    if (!(thrown instanceof RonError)) throw thrown;
    const { code, message, hint } = thrown;
    return [{ name, status: 'fail', detail: message, code, ...(hint === undefined ? {} : { next: hint }) }];
  }
}
