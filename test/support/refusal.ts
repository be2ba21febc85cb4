// Catches the RonError that a call must throw, so that a test can check its code, field and text.

import { RonError } from '../../src/errors.ts';

export function refusal(run: () => unknown): RonError {
  try {
    run();
  } catch (error) {
    if (error instanceof RonError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** The same for a call that answers later. */
export async function refusalOf(run: Promise<unknown>): Promise<RonError> {
  const thrown: unknown = await run.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof RonError) return thrown;
  throw thrown ?? new Error('nothing was refused');
}
