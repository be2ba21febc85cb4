// What a server reads keys from: public keys, policy and log out of memory, made anew when view, policy or checkpoint have
// changed (CON-20), never read from files for a request. Verify works from it while the backend is away. Its own view is
// authenticated, because the store that was unsealed is the writer of it.

import { fromHex } from '../../bytes/hex.ts';
import { withVersion } from '../../keys/key-id.ts';
import { keyFileName } from '../../keys/key-object.ts';
import type { PublicVersion, PublicView } from '../../keys/public-view.ts';
import { homeLog } from '../../storage/trusted-log.ts';
import type { Backend } from './backend.ts';
import type { GovernanceView } from './governance-view.ts';
import type { KeyObjectMemo } from './key-info.ts';
import { epochOf } from './legacy.ts';
import { provenLog } from './proven-log.ts';
import type { KeyReader, TrustedService } from './reader.ts';
import { trustedHome } from './trusted-services.ts';

type Snapshot = Omit<KeyReader, 'judged'>;

export class ServingReader {
  readonly #backend: Backend;
  /** By the entry of the view that they belong to; an entry that changed is another object. */
  readonly #files = new WeakMap<PublicVersion, Uint8Array | null>();
  readonly #objects: KeyObjectMemo = new WeakMap();
  #byName = new Map<string, Uint8Array | null>();
  #view: PublicView | null = null;
  #policy: GovernanceView | null = null;
  #signedSize = -1;
  #trusted: TrustedService | null = null;
  #snapshot: Snapshot | null = null;

  constructor(backend: Backend) {
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
    const { context, store, view: policy } = this.#backend;
    const signed = store.newestCheckpoint();
    const byName = this.#byName;
    return {
      ...trusted,
      trust: this.#backend.tampered ? 'not-authenticated' : policy.governed ? 'authenticated' : 'local',
      storeId: store.storeId,
      view: store.view,
      policy,
      log: provenLog(context, epochOf(store.origin) ?? 0, { size: signed.size, root: fromHex(signed.root, 32)! }),
      keyFile: (name) => (byName.has(name) ? (byName.get(name) ?? null) : store.keyFile(name)),
      objects: this.#objects,
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
