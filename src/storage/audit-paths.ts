// Names below audit/ (log page 4.2). Frozen.

import { type Tile, tileIndexPath } from '../audit/tile.ts';
import { LIMITS } from '../limits.ts';

export interface EpochPaths {
  readonly directory: string;
  readonly segments: string;
  readonly head: string;
  readonly checkpoint: string;
  readonly checkpoints: string;
  readonly cosigned: string;
  readonly cosignatures: string;
  readonly counters: string;
  readonly hints: string;
  readonly index: string;
  readonly tiles: string;
  segment(number: number): string;
  signIndex(number: number): string;
}

export const segmentName = (number: number): string => `${String(number).padStart(6, '0')}.jsonl`;
export const segmentOf = (seq: number): number => Math.floor(seq / LIMITS.auditSegmentRecords);

/** `000012.jsonl` to 12; null for other names. */
export function segmentNumber(name: string): number | null {
  return /^[0-9]{6,}\.jsonl$/.test(name) && segmentName(Number.parseInt(name, 10)) === name
    ? Number.parseInt(name, 10)
    : null;
}

export const logFilePath = (auditDir: string): string => `${auditDir}/log.json`;

export function epochPaths(auditDir: string, epoch: number): EpochPaths {
  return epochPathsOf(`${auditDir}/e${epoch}`);
}

/** `directory` is `…/e<N>`. */
export function epochPathsOf(directory: string): EpochPaths {
  return {
    directory,
    segments: `${directory}/segments`,
    head: `${directory}/head`,
    checkpoint: `${directory}/checkpoint`,
    checkpoints: `${directory}/checkpoints.jsonl`,
    cosigned: `${directory}/cosigned`,
    cosignatures: `${directory}/cosignatures.jsonl`,
    counters: `${directory}/counters.json`,
    hints: `${directory}/hints.json`,
    index: `${directory}/index`,
    tiles: `${directory}/tile`,
    segment: (number) => `${directory}/segments/${segmentName(number)}`,
    signIndex: (number) => `${directory}/index/${number}.sign`,
  };
}

/** Directory that holds the partial widths of a tile. */
export const partialTilesDirectory = (paths: EpochPaths, tile: Pick<Tile, 'level' | 'index'>): string =>
  `${paths.tiles}/${tile.level}/${tileIndexPath(tile.index)}.p`;
