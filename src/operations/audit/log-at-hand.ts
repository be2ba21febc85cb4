// The log of this home, or of the server in its place, as what a checkpoint from elsewhere is compared with: by its tiles.

import type { VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import { consistencyProof } from '../../audit/proof.ts';
import { frontierFromTiles } from '../../audit/tile.ts';
import { foldRoot } from '../../audit/tree.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { readLogFile } from '../../storage/audit-log-file.ts';
import { epochPaths } from '../../storage/audit-paths.ts';
import { hashReader } from '../../storage/audit-store.ts';
import { cachedTileReader, tileReader } from '../../storage/audit-tiles.ts';
import type { ParsedOrigin } from './export-target.ts';
import type { JudgingHome } from './trusted-origin.ts';

export interface Tree {
  /** Root at a size, from the tiles of the log at hand; null when it has none. */
  root(size: number): Uint8Array | null;
  proof(old: number, size: number): readonly Uint8Array[];
}

/** The tiles of this home's log, or of the server's, when it is the log of this origin. */
export function treeOf(home: Pick<JudgingHome, 'files' | 'paths'>, of: ParsedOrigin): Tree | null {
  const file = readLogFile(home.files, home.paths.audit);
  const epoch = file?.epochs.find((one) => one.origin === of.origin);
  if (epoch === undefined) return null;
  const tiles = cachedTileReader(tileReader(home.files, epochPaths(home.paths.audit, epoch.n)));
  return {
    root: (size) => {
      const frontier = frontierFromTiles(tiles, size);
      return frontier === null ? null : foldRoot(frontier);
    },
    proof: (old, size) => consistencyProof(old, size, hashReader(tiles, size)),
  };
}

/** Whether the log contains the checkpoint; null when it cannot say. */
export const holds = (tree: Tree | null, checkpoint: VerifiedCheckpoint): boolean | null => {
  const root = tree?.root(checkpoint.size) ?? null;
  return root === null ? null : equalBytes(root, checkpoint.root);
};
