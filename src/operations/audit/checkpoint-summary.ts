// A verified checkpoint as results of `audit` commands name it.

import type { VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import { toHex } from '../../bytes/hex.ts';
import { toTime } from '../../bytes/time.ts';

export interface CheckpointSummary {
  readonly size: number;
  /** Lower hex. */
  readonly root: string;
  /** RFC 3339. */
  readonly time: string;
}

export const checkpointSummary = (checkpoint: VerifiedCheckpoint): CheckpointSummary => ({
  size: checkpoint.size,
  root: toHex(checkpoint.root),
  time: toTime(checkpoint.timestamp * 1000),
});
