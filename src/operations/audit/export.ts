// The answer of `audit export`, whatever it wrote (log page 4.9).

import type { CheckpointSummary } from './checkpoint-summary.ts';

export interface AuditExportResult {
  readonly kind: 'tlog' | 'native' | 'redacted' | 'ron-audit';
  /** Path of the directory or file. */
  readonly out: string;
  readonly origin: string;
  readonly epoch: number;
  readonly trust: 'pinned' | 'local';
  /** The newest verified checkpoint; nothing behind it is exported. */
  readonly checkpoint: CheckpointSummary;
  /** First record that was written, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  readonly records: number;
  readonly files_written: number;
  readonly bytes_written: number;
  /** Records of the log that are not in a native export. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
  /** Records of which something is left out; null when nothing was to be. */
  readonly redacted: number | null;
}
