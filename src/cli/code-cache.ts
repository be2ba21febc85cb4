// V8's code cache of what a start compiles, kept between runs in `.code-cache` of the package (performance page, section 1).
// Attack: a planted cache is code execution. It is used only when package, dist and cache belong to root or to this user and
// nobody else can write them: whoever could plant a cache there could change the code itself.

import { lstatSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/** True for a real directory of root or of `uid` that nobody else may write. */
function isOurs(path: string, uid: number): boolean {
  const info = lstatSync(path, { throwIfNoEntry: false });
  if (info === undefined || !info.isDirectory()) return false;
  return (info.uid === 0 || info.uid === uid) && (info.mode & 0o022) === 0;
}

/** Switches the cache on where that is safe; without it a start only takes longer. */
export function useCodeCache(root: string): boolean {
  const uid = process.geteuid!();
  const cache = join(root, '.code-cache');
  if (!isOurs(root, uid) || !isOurs(join(root, 'dist'), uid)) return false;
  try {
    mkdirSync(cache, { mode: 0o755 });
  } catch {
    // It exists, or the package is read-only; the check below decides.
  }
  if (!isOurs(cache, uid)) return false;
  enableCompileCache(cache);
  return true;
}
