// The JSON envelope on stdout (cli rule 1). An error prints this fixed list of members, never an enumerated object:
// whatever else an error object carries (a cause, a path with a secret) stays out.

import { ERROR_CODES, RonError } from '../errors.ts';

export interface Envelope {
  readonly ok: boolean;
  readonly schema: string;
  readonly mode: 'offline' | 'online';
  readonly data?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string; readonly field?: string };
}

/** `ronctl/<topic>.<verb>/1` of an oclif command id. */
export function schemaName(commandId: string): string {
  return `ronctl/${commandId.replaceAll(':', '.')}/1`;
}

/** `ok` is true exactly when the exit code is 0, that is, when there is no error. */
export function envelope(schema: string, data: unknown, error: RonError | undefined, mode: Envelope['mode']): Envelope {
  return {
    ok: error === undefined,
    schema,
    mode,
    ...(data === undefined ? {} : { data }),
    ...(error === undefined
      ? {}
      : {
          error: {
            code: error.code,
            message: error.message,
            hint: error.hint ?? ERROR_CODES[error.code].next,
            ...(error.field === undefined ? {} : { field: error.field }),
          },
        }),
  };
}

/** Anything thrown, as a RonError. What we did not throw on purpose is a bug; its stack goes to stderr, not here. */
export function toRonError(thrown: unknown): RonError {
  if (thrown instanceof RonError) return thrown;
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new RonError('Internal', message, { cause: thrown });
}
