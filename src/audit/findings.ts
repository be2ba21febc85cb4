// What audit verification can find (log page 4.8): one table of codes with their verdict. The worst verdict wins, and it is
// the same in every output mode. Absence below a verified checkpoint is tampering, never "inconclusive".

/** `note` is shown and counted, and changes nothing. */
export type Severity = 'tampered' | 'inconclusive' | 'note';
export type AuditVerdict = 'consistent' | 'inconclusive' | 'tampered';

export const FINDINGS = {
  'leaf-mismatch': 'tampered',
  'missing-records': 'tampered',
  truncated: 'tampered',
  'log-missing': 'tampered',
  'rolled-back': 'tampered',
  fork: 'tampered',
  'root-mismatch': 'tampered',
  'tile-mismatch': 'tampered',
  'tile-missing': 'tampered',
  'checkpoint-malformed': 'tampered',
  'checkpoint-signature': 'tampered',
  'checkpoint-signature-missing': 'tampered',
  'checkpoint-size': 'tampered',
  'checkpoint-timestamp': 'tampered',
  'checkpoint-origin': 'tampered',
  'checkpoint-missing': 'tampered',
  'checkpoint-record': 'tampered',
  'key-transition': 'tampered',
  'log-keys-changed': 'tampered',
  counter: 'tampered',
  generation: 'tampered',
  'ledger-order': 'tampered',
  clock: 'tampered',
  'record-invalid': 'tampered',
  'prev-mismatch': 'tampered',
  'tail-invalid': 'tampered',
  'head-mismatch': 'tampered',
  'epoch-mismatch': 'tampered',
  /** Of a ron-audit chain. */
  'hash-mismatch': 'tampered',
  'link-mismatch': 'tampered',
  'seq-mismatch': 'tampered',
  'mixed-chain': 'tampered',
  'empty-chain': 'inconclusive',
  'chain-start': 'inconclusive',
  'bounds-exceeded': 'note',
  /** Of an export: what its manifest declares to be left out. */
  'declared-gap': 'inconclusive',
  'manifest-mismatch': 'tampered',
  cosignature: 'tampered',
  'archive-mismatch': 'tampered',
  archived: 'inconclusive',
  'older-copy': 'inconclusive',
  'no-checkpoint': 'inconclusive',
  'checkpoint-in-future': 'inconclusive',
  'stale-checkpoint': 'inconclusive',
  'newer-format': 'inconclusive',
  'no-trusted-key': 'inconclusive',
  'log-key-missing': 'inconclusive',
  'epoch-unproven': 'inconclusive',
  'lost-records': 'note',
  'witness-quorum': 'inconclusive',
  'unacknowledged-tail': 'note',
  'torn-tail': 'note',
  'torn-checkpoint': 'note',
  'wall-clock-fell': 'note',
  'index-wrong': 'note',
  'hints-wrong': 'note',
} as const satisfies Record<string, Severity>;

export type FindingCode = keyof typeof FINDINGS;

export interface Finding {
  readonly code: FindingCode;
  readonly message: string;
  /** Index (seq) of the record. */
  readonly index?: number;
  /** Path below the directory that was verified. */
  readonly file?: string;
  /** Byte offset in the file. */
  readonly offset?: number;
}

/** At most this many findings are listed; all are counted. */
export const FINDINGS_LISTED = 100;

export function worstVerdict(findings: Iterable<{ readonly code: FindingCode }>): AuditVerdict {
  let worst: AuditVerdict = 'consistent';
  for (const { code } of findings) {
    const severity: Severity = FINDINGS[code];
    if (severity === 'tampered') return 'tampered';
    if (severity === 'inconclusive') worst = 'inconclusive';
  }
  return worst;
}

/** Collects findings. */
export class Findings {
  readonly list: Finding[] = [];

  add(code: FindingCode, message: string, where: Pick<Finding, 'index' | 'file' | 'offset'> = {}): void {
    this.list.push({ code, message, ...where });
  }
}
