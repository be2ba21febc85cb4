// What `audit verify` answers, whatever it was given to judge, and the error that a verdict becomes.

import type { VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import type { AuditVerdict, Finding } from '../../audit/findings.ts';
import { RonError } from '../../errors.ts';
import { type CheckpointSummary, checkpointSummary } from './checkpoint-summary.ts';
import type { QuorumSummary } from './collect-cosignatures.ts';
import type { RedactedSummary, RonAuditSummary } from './verify-file.ts';

export interface EpochSummary {
  readonly epoch: number;
  readonly origin: string;
  readonly records: number;
  /** Records under the newest checkpoint. */
  readonly covered: number;
  readonly unsigned_tail: number;
  readonly torn_bytes: number;
  readonly checkpoints: number;
  readonly checkpoint: CheckpointSummary | null;
  /** What this home remembered before this run, and compared the log with. */
  readonly remembered: CheckpointSummary | null;
  /** The anchor that the log was compared with. */
  readonly anchor: CheckpointSummary | null;
  /** The checkpoint that reading began at; null = at record 0. */
  readonly since: CheckpointSummary | null;
}

/** Of an artefact with records of one epoch and one checkpoint at most. */
export function fileEpoch(
  of: Pick<EpochSummary, 'epoch' | 'origin' | 'records'>,
  checkpoint: VerifiedCheckpoint | null,
  remembered: VerifiedCheckpoint | null,
): EpochSummary {
  return {
    ...of,
    covered: of.records,
    unsigned_tail: 0,
    torn_bytes: 0,
    checkpoints: checkpoint === null ? 0 : 1,
    checkpoint: checkpoint === null ? null : checkpointSummary(checkpoint),
    remembered: remembered === null ? null : checkpointSummary(remembered),
    anchor: null,
    since: null,
  };
}

export interface AuditVerifyResult {
  /** The audit directory, or the server as --kms names it. */
  readonly target: string;
  readonly kind: 'home' | 'copy' | 'server' | 'tlog' | 'export' | 'redacted' | 'ron-audit' | 'sink' | 'checkpoint';
  /** `policy`: the keys are those of the log lines of --policy. */
  readonly trust: 'pinned' | 'local' | 'policy' | 'none';
  readonly verdict: AuditVerdict;
  /** False with --fast: records were not read for their meaning. */
  readonly semantic: boolean;
  /** True with --unseal: the tail was checked against the authenticated head. */
  readonly head_checked: boolean;
  readonly bytes: number;
  readonly epochs: readonly EpochSummary[];
  /** Index of the first record that is wrong or missing. */
  readonly first_index: number | null;
  readonly findings: readonly (Finding & { readonly epoch: number })[];
  /** All, of which at most 100 are listed. */
  readonly findings_total: number;
  /** Path of the evidence file of a fork. */
  readonly evidence: string | null;
  /** The newest checkpoint is now the one that this home remembers. */
  readonly remembered: boolean;
  /** Segments that an interrupted run had read already, when there are any: compared by digest, not parsed again. */
  readonly resumed_segments?: number;
  /** Only of a redacted export. */
  readonly redacted?: RedactedSummary;
  /** Only of a ron-audit chain. */
  readonly ron_audit?: RonAuditSummary;
  /** Of the newest epoch; only with a policy. */
  readonly witnessed?: WitnessSummary;
}

export interface WitnessSummary {
  /** As it was given. */
  readonly policy: string;
  readonly checkpoint: CheckpointSummary | null;
  readonly quorum: QuorumSummary | null;
}

/** The error of a verdict that is not `consistent`; it decides the exit code. */
export function verdictError(result: AuditVerifyResult): RonError | undefined {
  const first = result.findings[0];
  if (result.verdict === 'consistent' || first === undefined) return undefined;
  const where = first.index === undefined ? '' : `record ${first.index}: `;
  const message = `${where}${first.code}: ${first.message}`;
  if (result.verdict === 'tampered') return new RonError('Tampered', message, { field: first.code });
  const code = first.code === 'no-trusted-key' || first.code === 'log-key-missing' ? 'NoTrustedKey' : 'Inconclusive';
  return new RonError(code, message, { field: first.code });
}
