// Copies of files of a home, for `evidence`: in pieces, so that any size fits, with the SHA-256 of what was written. The
// length is taken once, so a file that grows meanwhile is copied up to there (store page 6). The copy is a new file, 0600,
// synced; a file that is there already is refused (Exists).

import { sha256Stream } from '../crypto/hash.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';

const CHUNK_BYTES = 1024 * 1024;

export interface CopiedFile {
  readonly sizeBytes: number;
  /** Lower hex. */
  readonly sha256: string;
}

/** `source` reads the home (checked-files.ts); `target` is where the operator said. */
export async function copyFile(source: Files, from: string, target: Files, to: string): Promise<CopiedFile> {
  const input = source.open(from, 'read');
  try {
    const { sizeBytes } = input.info();
    const output = target.open(to, 'create-new');
    try {
      const digest = sha256Stream();
      for (let at = 0; at < sizeBytes; ) {
        const chunk = input.read(at, Math.min(CHUNK_BYTES, sizeBytes - at));
        if (chunk.length === 0) throw new RonError('Changing', `${from} became shorter while it was read`);
        digest.update(chunk);
        output.write(chunk, at);
        at += chunk.length;
      }
      await output.sync();
      return { sizeBytes, sha256: digest.hex() };
    } finally {
      output.close();
    }
  } finally {
    input.close();
  }
}

/** Lower hex SHA-256 of a file, read in pieces. */
export function hashFile(files: Files, path: string): string {
  const input = files.open(path, 'read');
  try {
    const { sizeBytes } = input.info();
    const digest = sha256Stream();
    for (let at = 0; at < sizeBytes; ) {
      const chunk = input.read(at, Math.min(CHUNK_BYTES, sizeBytes - at));
      if (chunk.length === 0) throw new RonError('Changing', `${path} became shorter while it was read`);
      digest.update(chunk);
      at += chunk.length;
    }
    return digest.hex();
  } finally {
    input.close();
  }
}

/** Paths of regular files below `directory`, relative to it, sorted; none when it is absent. */
export function filesBelow(files: Files, directory: string): string[] {
  return files.list(directory).flatMap((name) => {
    const path = `${directory}/${name}`;
    const info = files.info(path);
    if (info?.type === 'directory') return filesBelow(files, path).map((inner) => `${name}/${inner}`);
    return info === null ? [] : [name];
  });
}
