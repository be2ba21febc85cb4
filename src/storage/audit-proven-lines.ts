// Records of a range as exact lines, each proved under a checkpoint, in order and with flat memory: a level-0 tile is proved
// once, by the inclusion of its first leaf, whose path folds all its other hashes; then every line must have the hash at its
// place. Trees of the newest tiles are kept, so that a proof costs no hashing of what was hashed before.

import type { CheckpointBody } from '../audit/checkpoint.ts';
import { leafHash, nodeHash } from '../audit/leaf.ts';
import { type HashReader, inclusionProof, verifyInclusion } from '../audit/proof.ts';
import { TILE_HEIGHT, TILE_WIDTH, type TileReader, tileHash, tileWidth } from '../audit/tile.ts';
import { equalBytes } from '../bytes/equal.ts';
import { fail } from '../errors.ts';
import type { Files } from '../host.ts';
import { wholeLines } from './audit-lines.ts';
import type { EpochPaths } from './audit-paths.ts';

const TREES_KEPT = 64;

/** Hashes of perfect subtrees of a log of `size`; Tampered (`tile-missing`). Keeps the trees of the newest tiles it read. */
export function treeReader(read: TileReader, size: number): HashReader {
  const trees = new Map<string, Uint8Array[][]>();
  const treeOf = (level: number, index: number): Uint8Array[][] => {
    const key = `${level}/${index}`;
    const known = trees.get(key);
    if (known !== undefined) return known;
    const width = tileWidth(size, level, index);
    const bytes = width === 0 ? null : read({ level, index, width });
    if (bytes === null) fail('Tampered', `hash tile ${key} is missing`, { field: 'tile-missing' });
    const rows: Uint8Array[][] = [Array.from({ length: width }, (_, at) => tileHash(bytes, at).slice())];
    for (let below = rows[0]!; below.length > 1; below = rows.at(-1)!) {
      const pairs = Math.floor(below.length / 2);
      rows.push(Array.from({ length: pairs }, (_, at) => nodeHash(below[2 * at]!, below[2 * at + 1]!)));
    }
    trees.set(key, rows);
    if (trees.size > TREES_KEPT) trees.delete(trees.keys().next().value!);
    return rows;
  };
  return (subtree) => {
    const level = Math.floor(subtree.level / TILE_HEIGHT);
    const height = subtree.level % TILE_HEIGHT;
    const first = subtree.index * 2 ** height;
    const at = (first % TILE_WIDTH) / 2 ** height;
    const hash = treeOf(level, Math.floor(first / TILE_WIDTH))[height]?.[at];
    return (
      hash ?? fail('Tampered', `no hash of level ${subtree.level}, index ${subtree.index}`, { field: 'tile-missing' })
    );
  };
}

export interface ProvenLine {
  readonly seq: number;
  /** Valid until the next one is taken. */
  readonly line: Uint8Array;
  readonly leaf: Uint8Array;
}

export interface LineSource {
  readonly files: Files;
  readonly paths: EpochPaths;
  readonly checkpoint: CheckpointBody;
  readonly hashes: HashReader;
}

/** Records from..to-1, all below the checkpoint. Throws Tampered. */
export function* provenLines(source: LineSource, from: number, to: number): Generator<ProvenLine> {
  const { checkpoint, hashes } = source;
  let proven = -1;
  for (const { seq, line } of to > from ? wholeLines(source.files, source.paths, from, to) : []) {
    const tile = Math.floor(seq / TILE_WIDTH);
    if (tile !== proven) {
      const first = tile * TILE_WIDTH;
      const path = inclusionProof(first, checkpoint.size, hashes);
      if (!verifyInclusion(first, checkpoint.size, hashes({ level: 0, index: first }), path, checkpoint.root)) {
        fail('Tampered', `hash tile 0/${tile} or one above it is not under the checkpoint`, {
          field: 'tile-mismatch',
          hint: 'Run `ronctl audit verify`.',
        });
      }
      proven = tile;
    }
    const leaf = leafHash(line);
    if (!equalBytes(leaf, hashes({ level: 0, index: seq }))) {
      fail('Tampered', `record ${seq} is not the one under the checkpoint of size ${checkpoint.size}`, {
        field: 'leaf-mismatch',
        hint: 'Run `ronctl audit verify`.',
      });
    }
    yield { seq, line, leaf };
  }
}
