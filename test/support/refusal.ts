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
