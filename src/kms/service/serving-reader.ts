// What a server reads keys from: public keys, policy and log out of memory, made anew when view, policy or checkpoint have
// changed (CON-20), never read from files for a request. Verify works from it while the backend is away. Its own view is
// authenticated, because the store that was unsealed is the writer of it.

import { fromHex } from '../../bytes/hex.ts';
import { epochNumber } from '../../governance/key-chain.ts';
import type { LogPlace } from '../../keys/acceptance.ts';
import { withVersion } from '../../keys/key-id.ts';
import { keyFileName } from '../../keys/key-object.ts';
import type { PublicVersion, PublicView } from '../../keys/public-view.ts';
import { homeLog } from '../../storage/trusted-log.ts';
import type { Backend } from './backend.ts';
import type { GovernanceView } from './governance-view.ts';
import type { KeyObjectMemo } from './key-info.ts';
import { provenLog } from './proven-log.ts';
import type { KeyReader, ProvenLog, TrustedService } from './reader.ts';
import { trustedHome } from './trusted-services.ts';

/** What it reads from; the backend of a server. */
export type ReaderSource = Pick<Backend, 'context' | 'store' | 'view' | 'judged' | 'tampered' | 'inMemory'>;

type Snapshot = Omit<KeyReader, 'judged'>;

export class ServingReader {
  readonly #backend: ReaderSource;
  /** By the entry of the view that they belong to; an entry that changed is another object. */
  readonly #files = new WeakMap<PublicVersion, Uint8Array | null>();
  readonly #objects: KeyObjectMemo = new WeakMap();
  #byName = new Map<string, Uint8Array | null>();
  #view: PublicView | null = null;
  #policy: GovernanceView | null = null;
  #signedSize = -1;
  #trusted: TrustedService | null = null;
  #snapshot: Snapshot | null = null;

  constructor(backend: ReaderSource) {
    this.#backend = backend;
  }

  reader(): KeyReader {
    const { store, view: policy } = this.#backend;
    const signed = store.newestCheckpoint();
    const isCurrent = store.view === this.#view && policy === this.#policy && signed.size === this.#signedSize;
    if (this.#snapshot === null || (!isCurrent && store.unavailableWhy === null)) {
      if (store.view !== this.#view) this.#readKeyFiles(store.view);
      if (this.#trusted === null || policy !== this.#policy) this.#trusted = this.#trustedNow();
      this.#view = store.view;
      this.#policy = policy;
      this.#signedSize = signed.size;
      this.#snapshot = this.#make(this.#trusted);
    }
    return { ...this.#snapshot, judged: this.#backend.judged() };
  }

  #make(trusted: TrustedService): Snapshot {
    const { store, view: policy } = this.#backend;
    const byName = this.#byName;
    return {
      ...trusted,
      trust: this.#backend.tampered ? 'not-authenticated' : policy.governed ? 'authenticated' : 'local',
      storeId: store.storeId,
      view: store.view,
      policy,
      // What only an older life could show is open here (log page 4.12).
      log: this.#backend.inMemory ? null : this.#ownLog(),
      keyFile: (name) => (byName.has(name) ? (byName.get(name) ?? null) : store.keyFile(name)),
      objects: this.#objects,
    };
  }

  /** The own log: what no checkpoint covers yet stands under the head, which only this process writes. */
  #ownLog(): ProvenLog {
    const { context, store } = this.#backend;
    const signed = store.newestCheckpoint();
    const epoch = epochNumber(store.origin) ?? 0;
    const proven = provenLog(context, epoch, { size: signed.size, root: fromHex(signed.root, 32)! });
    const isTail = ({ epoch: of, seq }: LogPlace): boolean => of === epoch && seq >= signed.size && seq < store.logSize;
    return {
      ...proven,
      record: (place) => (isTail(place) ? store.record(place.seq) : proven.record(place)),
      find: function* (op) {
        const tail = [...store.records(signed.size)].filter((record) => record.op === op).reverse();
        for (const record of tail) yield { place: { epoch, seq: record.seq }, record };
        yield* proven.find(op);
      },
    };
  }

  #trustedNow(): TrustedService {
    const { context } = this.#backend;
    return trustedHome(context, homeLog(context));
  }

  /** Reads what has come or changed since the last view. */
  #readKeyFiles(view: PublicView): void {
    const byName = new Map<string, Uint8Array | null>();
    for (const key of view.keys) {
      for (const version of key.versions) {
        const name = keyFileName(withVersion(key.kid, version.n), 'pub');
        let bytes = this.#files.get(version);
        if (bytes === undefined || bytes === null) {
          bytes = this.#backend.store.keyFile(name);
          this.#files.set(version, bytes);
        }
        byName.set(name, bytes);
      }
    }
    this.#byName = byName;
  }
}
