// Files that commands write where the operator says (cli rule 9): atomic, 0600, no overwrite without --force. A dry run
// makes the same refusals and writes nothing.

import { dirname } from 'node:path';
import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';
import { writeFile, writeNewFile } from '../storage/durable-file.ts';

const KIND = { file: 'a file', directory: 'a directory', symlink: 'a symbolic link', other: 'a device' } as const;

/** Throws Exists, NotFound (directory) or UnsafeFile when `path` could not be written. */
export function checkOutput(host: Pick<Host, 'files'>, path: string, force: boolean): void {
  const there = host.files.info(path);
  if (there !== null && there.type !== 'file') {
    throw new RonError('UnsafeFile', `${path} is ${KIND[there.type]}, no regular file`, {
      hint: 'Name a file that does not exist yet.',
    });
  }
  if (there !== null && !force) {
    throw new RonError('Exists', `${path} exists and is not overwritten`, {
      hint: 'Choose another name, or give --force.',
    });
  }
  const directory = dirname(path);
  if (host.files.info(directory) === null) {
    throw new RonError('NotFound', `there is no directory ${directory}`, { hint: `Make it: mkdir -p ${directory}` });
  }
  if (host.files.info(host.files.realPath(directory))?.type !== 'directory') {
    throw new RonError('UnsafeFile', `${directory} is no directory`, { hint: 'Name a file in a directory.' });
  }
}

/** Throws NotFound when the directory that a new directory would be made in is not there. */
export function checkOutputDirectory(host: Pick<Host, 'files'>, path: string, flag: string): void {
  const parent = dirname(path);
  if (host.files.info(path) === null && host.files.info(parent) === null) {
    throw new RonError('NotFound', `there is no directory ${parent}`, {
      field: flag,
      hint: `Make it: mkdir -p ${parent}`,
    });
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
