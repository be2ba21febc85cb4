// Files that commands read where the operator says (cli rule 9): regular files only, size checked before reading. Every
// refusal names the file as typed and the flag or argument it was typed for.

import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';

/** A refusal that names no place yet, with the flag or argument that the file was typed for. */
export function atPlace(thrown: unknown, place: string | undefined, hint?: string): unknown {
  if (!(thrown instanceof RonError) || (thrown.field !== undefined && thrown.hint !== undefined)) return thrown;
  const field = thrown.field ?? place;
  const next = thrown.hint ?? hint;
  return new RonError(thrown.code, thrown.message, {
    ...(field === undefined ? {} : { field }),
    ...(next === undefined ? {} : { hint: next }),
    ...(thrown.data === undefined ? {} : { data: thrown.data }),
    cause: thrown,
  });
}

const PIPE_HINT = 'Name a regular file; for a pipe give -.';

/** Path of a file with its links resolved. NotFound says whether nothing is there, or a link (/dev/fd/N) leads nowhere. */
export function resolvedFile(
  host: Pick<Host, 'files'>,
  path: string,
  given: string,
  pipeHint: string,
  what: 'file' | 'directory' | 'file or directory' = 'file',
): string {
  if (host.files.info(path) === null) {
    throw new RonError('NotFound', `there is no ${what} ${given}`, { hint: 'Check the path.' });
  }
  try {
    return host.files.realPath(path);
  } catch (thrown) {
    if (!(thrown instanceof RonError) || thrown.code !== 'NotFound') throw thrown;
    throw new RonError('NotFound', `${given} leads to no ${what}`, { hint: pipeHint, cause: thrown });
  }
}

/** `path` is `given` made absolute, `place` its flag or argument. NotFound, UnsafeFile, TooLarge. */
export function readInputFile(
  host: Pick<Host, 'files'>,
  path: string,
  maxBytes: number,
  given: string,
  place?: string,
): Uint8Array {
  try {
    const bytes = host.files.read(resolvedFile(host, path, given, PIPE_HINT), maxBytes);
    if (bytes !== null) return bytes;
  } catch (thrown) {
    throw atPlace(thrown, place, thrown instanceof RonError && thrown.code === 'UnsafeFile' ? PIPE_HINT : undefined);
  }
  throw atPlace(new RonError('NotFound', `there is no file ${given}`, { hint: 'Check the path.' }), place);
}
