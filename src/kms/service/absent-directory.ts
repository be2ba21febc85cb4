// Whether the directories of a home that a server writes are where they were (C-43). An open file goes on taking records after
// its directory was moved or removed, where nobody finds them again.

import type { StoreContext } from '../../storage/store-deps.ts';

/** Why the backend is away; null when both are there. Never throws. */
export function absentDirectory({ files, paths }: Pick<StoreContext, 'files' | 'paths'>): string | null {
  for (const path of [paths.store, paths.audit]) {
    try {
      if (files.info(path)?.type === 'directory') continue;
    } catch {
      // Not to be looked at: the same.
    }
    return `the directory ${path.slice(path.lastIndexOf('/') + 1)} of the home is not there`;
  }
  return null;
}
