// Which records of the log are disputed (governance page 8, GAP-55): computed from the ledger each time, never written beside
// them. A ledger that cannot be read leaves it open, and takes nothing away from the records.

import { RonError } from '../../errors.ts';
import { type DisputedRecord, disputeId, disputesOf, type FiledDispute } from '../../governance/dispute.ts';
import { readGovernance } from '../../kms/service/governance-reader.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { AuditDeps } from './target.ts';

export interface DisputeSummary {
  readonly id: string;
  readonly claimant: string;
  readonly at: string;
  readonly text_sha256: string;
  /** Line of the ledger. */
  readonly ledger_seq: number;
}

export interface Disputes {
  /** Null when the ledger cannot be read here. */
  of(record: DisputedRecord): readonly DisputeSummary[] | null;
}

const summary = ({ digest, claimant, at, text_sha256, seq }: FiledDispute): DisputeSummary => ({
  id: disputeId(digest),
  claimant,
  at,
  text_sha256,
  ledger_seq: seq,
});

export async function readDisputes(deps: AuditDeps): Promise<Disputes> {
  const filed = await filedHere(deps);
  return { of: (record) => (filed === null ? null : disputesOf(filed, record).map(summary)) };
}

async function filedHere(deps: AuditDeps): Promise<readonly FiledDispute[] | null> {
  try {
    return readGovernance(await storeContext(deps)).state?.disputes ?? [];
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}

/** As records are shown: whether anybody disputes it; null when that is not known. */
export function isDisputed(disputes: readonly DisputeSummary[] | null): boolean | null {
  return disputes === null ? null : disputes.length > 0;
}
