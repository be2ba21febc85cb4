// The range of an epoch that was lost in a restore and brought back from an export (log page 4.9, X-15):
//   audit/e<N>/imported/{segments/, tile/, checkpoint}
// as they were exported, read only. The log does not grow by it: every record of it is proved under the checkpoint that the
// next epoch names as the newest one before it, which the quorum has approved. Without `checkpoint`, written last, nothing
// is there. Refuses records that do not prove (Tampered).

import type { AuditRecord } from '../audit/draft.ts';
import type { EpochLink } from '../audit/epoch-link.ts';
import { leafHash } from '../audit/leaf.ts';
import { inclusionProof, verifyInclusion } from '../audit/proof.ts';
import type { NewerRecord } from '../audit/record.ts';
import { fromHex } from '../bytes/hex.ts';
import { fail } from '../errors.ts';
import type { Files, OnProgress } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type EpochPaths, epochPathsOf, segmentName } from './audit-paths.ts';
import { hashReader, storedRecords } from './audit-store.ts';
import { cachedTileReader, tileReader } from './audit-tiles.ts';
import { directoryOf, ensureDirectory, removeTree } from './durable-file.ts';
import { copyFile, filesBelow } from './file-copy.ts';

const N = LIMITS.auditSegmentRecords;

export interface LostRange {
  /** Records `from` up to and without `to`. */
  readonly from: number;
  readonly to: number;
  /** The tree that they are proved under. */
  readonly tree: { readonly size: number; readonly root: Uint8Array };
}

export function lostRange(link: EpochLink | null): LostRange | null {
  if (link === null || link.lost === null || link.prev_checkpoint === null) return null;
  const { size, root } = link.prev_checkpoint;
  return { ...link.lost, tree: { size, root: fromHex(root, 32)! } };
}

/** First record of the segment that the range begins in: whole segments are kept. */
export const firstKept = ({ from }: LostRange): number => Math.floor(from / N) * N;

export const importedPaths = (paths: EpochPaths): EpochPaths => epochPathsOf(`${paths.directory}/imported`);

export const isImported = (files: Files, paths: EpochPaths): boolean =>
  files.info(importedPaths(paths).checkpoint) !== null;

/** Records of the range as they stand below `paths`, each proved. Throws Tampered. */
export function* provenRange(
  files: Files,
  paths: EpochPaths,
  { from, to, tree }: LostRange,
): Generator<{ readonly record: AuditRecord | NewerRecord; readonly seq: number }> {
  const read = hashReader(cachedTileReader(tileReader(files, paths)), tree.size);
  for (const { record, line, seq } of storedRecords(files, paths, from, to)) {
    const proof = inclusionProof(seq, tree.size, read);
    if (!verifyInclusion(seq, tree.size, leafHash(line), proof, tree.root)) {
      fail('Tampered', `record ${seq} is not the one under the checkpoint of size ${tree.size}`, {
        field: 'leaf-mismatch',
      });
    }
    yield { record, seq };
  }
}

/** Copies what the range needs out of an export of its epoch, after it was proved there; proves the copy. */
export async function importRange(
  { files, source, onProgress }: { readonly files: Files; readonly source: Files; readonly onProgress: OnProgress },
  from: EpochPaths,
  paths: EpochPaths,
  range: LostRange,
): Promise<number> {
  const progress = (phase: string): number => {
    const [where, own] = phase === 'check' ? [source, from] : [files, to];
    let records = 0;
    for (const _ of provenRange(where, own, range)) {
      records++;
      if (records % 4096 === 0) onProgress({ phase, done: records, total: range.to - range.from, unit: 'records' });
    }
    return records;
  };
  const to = importedPaths(paths);
  progress('check');
  removeTree(files, to.directory);
  const names = [
    ...segmentsOf(range).map((n) => `segments/${segmentName(n)}`),
    ...filesBelow(source, from.tiles).map((name) => `tile/${name}`),
  ];
  for (const name of names) {
    ensureBelow(files, paths.directory, directoryOf(`${to.directory}/${name}`));
    await copyFile(source, `${from.directory}/${name}`, files, `${to.directory}/${name}`);
  }
  for (const directory of new Set(names.map((name) => directoryOf(`${to.directory}/${name}`)))) {
    files.syncDirectoryNow(directory);
  }
  const records = progress('prove');
  await copyFile(source, from.checkpoint, files, to.checkpoint);
  files.syncDirectoryNow(to.directory);
  files.syncDirectoryNow(paths.directory);
  return records;
}

function segmentsOf({ from, to }: LostRange): number[] {
  const first = Math.floor(from / N);
  return Array.from({ length: Math.floor((to - 1) / N) - first + 1 }, (_, at) => first + at);
}

function ensureBelow(files: Files, root: string, directory: string): void {
  if (files.info(directory) !== null) return;
  if (directory !== root) ensureBelow(files, root, directoryOf(directory));
  ensureDirectory(files, directory);
}
