// Files that commands write where the operator says (cli rule 9): atomic, 0600, no overwrite without --force. A dry run
// makes the same refusals and writes nothing.

import { dirname } from 'node:path';
import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';
import { writeFile, writeNewFile } from '../storage/durable-file.ts';

/** Throws Exists, NotFound (directory) or UnsafeFile when `path` could not be written. */
export function checkOutput(host: Pick<Host, 'files'>, path: string, force: boolean): void {
  const there = host.files.info(path);
  if (there !== null && !force) {
    throw new RonError('Exists', `${path} exists and is not overwritten`, {
      hint: 'Choose another name, or give --force.',
    });
  }
  if (there !== null && there.type !== 'file') throw new RonError('UnsafeFile', `${path} is no regular file`);
  if (host.files.info(host.files.realPath(dirname(path)))?.type !== 'directory') {
    throw new RonError('NotFound', `${dirname(path)} is no directory`);
  }
}

export async function writeOutputFile(
  host: Pick<Host, 'files' | 'random'>,
  path: string,
  bytes: Uint8Array,
  force: boolean,
): Promise<void> {
  checkOutput(host, path, force);
  if (force) await writeFile(host, path, bytes);
  else await writeNewFile(host, path, bytes);
}
