// The keys that the records of a log make (keys page 4, 11), folded in order and compared with public.json in both directions:
// every version and state has its record with the same `pub` digests, and the reverse. Memory goes by keys, not by records.

import type { AuditRecord } from '../../audit/draft.ts';
import { canonicalText } from '../../bytes/canonical-json.ts';
import { RonError } from '../../errors.ts';
import type { Action } from '../../governance/actions.ts';
import { requireKeyId, withVersion } from '../../keys/key-id.ts';
import { addKey, addVersion, compromise, headOf, retire } from '../../keys/keyring.ts';
import type { PublicKeyEntry, PublicVersion, PublicView } from '../../keys/public-view.ts';
import { versionOf } from '../../storage/public-rebuild.ts';
import type { ReconcileFindings } from './reconcile-findings.ts';

const NO_KEYS: PublicView = {
  v: 1,
  store_id: '0'.repeat(32),
  ledger_id: null,
  generation: 1,
  keys: [],
  ledger: null,
  policy: null,
};

const MEMBERS = ['state', 'tracks', 'suite', 'pub', 'created_seq', 'created_epoch', 'from_seq', 'continuity'] as const;

export class RecordedKeys {
  readonly #keys = new Map<string, PublicKeyEntry>();
  readonly #unknown = new Set<string>();
  readonly #findings: ReconcileFindings;

  constructor(findings: ReconcileFindings) {
    this.#findings = findings;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** A record about a key without version; one that no record made is said once. */
  used(kid: string, op: string, epoch: number, seq: number): void {
    if (this.#keys.has(kid) || this.#unknown.has(kid)) return;
    this.#unknown.add(kid);
    this.#findings.add('key-unexplained', `${op} of ${kid}, which no record made`, { epoch, index: seq });
  }

  /** `action`: what a quorum decided, which says whether one version or the whole key is meant; null when unknown. */
  take(record: AuditRecord, epoch: number, action: Action | null): void {
    if (record.kid === undefined) {
      // The next pair of service or log keys, which a proposal names: it stands in no public.json.
      if (record.op === 'create') return;
      this.#findings.add('key-unexplained', `${record.op} names no key`, { epoch, index: record.seq });
      return;
    }
    const id = requireKeyId(record.kid, 'kid');
    const entry = this.#keys.get(id.kid);
    const view = entry === undefined ? NO_KEYS : { ...NO_KEYS, keys: [entry] };
    try {
      const next = this.#next(record, epoch, view, id, action);
      this.#keys.set(id.kid, next.keys[0]!);
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      const message = `${record.op} of ${record.kid}: ${error.message}`;
      this.#findings.add('key-unexplained', message, { epoch, index: record.seq });
    }
  }

  #next(
    record: AuditRecord,
    epoch: number,
    view: PublicView,
    id: ReturnType<typeof requireKeyId>,
    action: Action | null,
  ): PublicView {
    if (record.op === 'create') return addKey(view, id.kid, versionOf(record, epoch));
    if (record.op === 'rotate') return addVersion(view, id.kid, id.version ?? 0, versionOf(record, epoch));
    const named = action?.name === 'key-retire' || action?.name === 'key-compromised' ? action.kid : null;
    const entry = view.keys[0];
    // Without the decision the newest version stands for the whole key: alone it cannot be retired.
    const head = entry !== undefined && headOf(entry).n === id.version;
    const meant = named === null ? (head ? { ...id, version: null } : id) : requireKeyId(named, 'actions[0].kid');
    if (record.op === 'retire') return retire(view, meant);
    return compromise(view, meant, Number(record.detail?.['from_seq']));
  }

  /** `view`: public.json as it stands. */
  compare(view: PublicView): void {
    const shown = new Set<string>();
    for (const key of view.keys) {
      shown.add(key.kid);
      const recorded = this.#keys.get(key.kid);
      if (recorded === undefined) {
        this.#say('key-unexplained', `public.json has the key ${key.kid}, which no record made`);
        continue;
      }
      this.#compareKey(key, recorded);
    }
    for (const kid of this.#keys.keys()) {
      if (!shown.has(kid)) this.#say('key-missing', `the log records the key ${kid}, which public.json does not have`);
    }
  }

  #compareKey(key: PublicKeyEntry, recorded: PublicKeyEntry): void {
    for (const version of key.versions) {
      const name = withVersion(key.kid, version.n);
      const known = recorded.versions.find((one) => one.n === version.n);
      if (known === undefined) this.#say('key-unexplained', `public.json has ${name}, which no record made`);
      else this.#compareVersion(name, version, known);
    }
    for (const { n } of recorded.versions) {
      if (key.versions.some((one) => one.n === n)) continue;
      this.#say('key-missing', `the log records ${withVersion(key.kid, n)}, which public.json does not have`);
    }
    if (key.state !== recorded.state) {
      this.#say(
        'key-state',
        `public.json says that ${key.kid} is ${key.state}; by its records it is ${recorded.state}`,
      );
    }
  }

  #compareVersion(name: string, shown: PublicVersion, known: PublicVersion): void {
    for (const member of MEMBERS) {
      const text = (one: PublicVersion): string => canonicalText(one[member] ?? null);
      if (text(shown) === text(known)) continue;
      const code = member === 'state' || member === 'from_seq' ? 'key-state' : 'key-different';
      this.#say(code, `${member} of ${name} is ${text(shown)} in public.json, ${text(known)} by its records`);
    }
  }

  #say(code: 'key-unexplained' | 'key-missing' | 'key-state' | 'key-different', message: string): void {
    this.#findings.add(code, message, { file: 'store/public.json' });
  }
}
