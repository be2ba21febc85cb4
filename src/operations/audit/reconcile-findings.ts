// What `audit reconcile` can find (log page 4.11), with its own verdict. What is absent weighs less while a part of the log is
// known to be elsewhere (archived or lost to a restore): then its record may lie there, and nothing can be decided.

export type ReconcileVerdict = 'complete' | 'undecidable' | 'unexplained';

/** `absence`: unexplained, but undecidable while data is known to be elsewhere. `note`: shown, changes nothing. */
type Weight = 'unexplained' | 'absence' | 'undecidable' | 'note';

export const RECONCILE_FINDINGS = {
  'log-missing': 'unexplained',
  'missing-records': 'unexplained',
  'root-mismatch': 'unexplained',
  'checkpoint-invalid': 'unexplained',
  'record-invalid': 'unexplained',
  'generation-hole': 'unexplained',
  'effect-unexplained': 'unexplained',
  'effect-repeated': 'unexplained',
  'effect-missing': 'absence',
  'effect-different': 'unexplained',
  'receipt-different': 'unexplained',
  'failure-missing': 'absence',
  'policy-different': 'absence',
  'ledger-missing': 'unexplained',
  'ledger-invalid': 'unexplained',
  'ledger-different': 'unexplained',
  'ledger-uncommitted': 'unexplained',
  'ledger-repeated': 'unexplained',
  'tune-bounds': 'unexplained',
  'tune-unexplained': 'unexplained',
  'rollback-unexplained': 'unexplained',
  'view-missing': 'unexplained',
  'view-different': 'unexplained',
  'key-unexplained': 'absence',
  'key-missing': 'unexplained',
  'key-different': 'absence',
  'key-state': 'absence',
  'manifest-different': 'unexplained',
  'mint-unexplained': 'absence',
  'actor-unexplained': 'absence',
  archived: 'undecidable',
  'lost-range': 'undecidable',
  'newer-format': 'undecidable',
  'no-checkpoint': 'undecidable',
  'no-trusted-key': 'undecidable',
  'lost-imported': 'note',
  'act-unfinished': 'note',
  'line-unrecorded': 'note',
} as const satisfies Record<string, Weight>;

export type ReconcileCode = keyof typeof RECONCILE_FINDINGS;

export interface ReconcileFinding {
  readonly code: ReconcileCode;
  readonly message: string;
  readonly epoch?: number;
  /** Seq of the record in its epoch. */
  readonly index?: number;
  /** Path below the home. */
  readonly file?: string;
}

type Where = Pick<ReconcileFinding, 'epoch' | 'index' | 'file'>;

export const RECONCILE_LISTED = 100;

/** Counts all and keeps those that are listed, of each code the first ones. */
export class ReconcileFindings {
  readonly #list: ReconcileFinding[] = [];
  readonly #counts = new Map<ReconcileCode, number>();
  #elsewhere = false;

  add(code: ReconcileCode, message: string, where: Where = {}): void {
    const count = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, count);
    if (count <= RECONCILE_LISTED) this.#list.push({ code, message, ...where });
  }

  /** A part of the log is known to be elsewhere. */
  dataElsewhere(): void {
    this.#elsewhere = true;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, one) => sum + one, 0);
  }

  #weight(code: ReconcileCode): Exclude<Weight, 'absence'> {
    const weight: Weight = RECONCILE_FINDINGS[code];
    if (weight !== 'absence') return weight;
    return this.#elsewhere ? 'undecidable' : 'unexplained';
  }

  get verdict(): ReconcileVerdict {
    const weights = new Set([...this.#counts.keys()].map((code) => this.#weight(code)));
    if (weights.has('unexplained')) return 'unexplained';
    return weights.has('undecidable') ? 'undecidable' : 'complete';
  }

  /** Worst first, then by place; at most 100. */
  listed(): readonly ReconcileFinding[] {
    const order = { unexplained: 0, undecidable: 1, note: 2 } as const;
    const place = (one: number | undefined): number => one ?? Number.MAX_SAFE_INTEGER;
    return this.#list
      .toSorted(
        (a, b) =>
          order[this.#weight(a.code)] - order[this.#weight(b.code)] ||
          place(a.epoch) - place(b.epoch) ||
          place(a.index) - place(b.index),
      )
      .slice(0, RECONCILE_LISTED);
  }
}
