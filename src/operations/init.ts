// `init`: makes the custody store of a home, its audit log with record 0, and its first checkpoint (store page 1).

import type { Profile } from '../policy/profile.ts';
import { checkInit, initCustody } from '../storage/custody-creation.ts';
import type { OperationDeps } from './deps.ts';
import { localActor } from './local-actor.ts';

export interface InitRequest {
  readonly profile: Profile;
  /** Base name of the log's origin. */
  readonly logOrigin: string;
  /** Version of ronctl, for record 0. */
  readonly version: string;
}

export interface InitResult {
  readonly home: string;
  readonly profile: Profile;
  readonly dry_run: boolean;
  /** Null in a dry run. */
  readonly store: {
    readonly store_id: string;
    readonly generation: number;
    readonly log: { readonly origin: string; readonly size: number; readonly root: string };
  } | null;
}

/** Exists when the home has a store. An `init` that was cut off is completed or started again. */
export async function init(request: InitRequest, deps: OperationDeps): Promise<InitResult> {
  const { profile } = request;
  const common = { home: deps.home, profile, dry_run: deps.dryRun };
  const wanted = { profile, base: request.logOrigin, actor: localActor(deps.host), version: request.version };
  if (deps.dryRun) {
    await checkInit(deps, wanted);
    return { ...common, store: null };
  }
  const store = await initCustody(deps, wanted);
  try {
    const { origin, size, root } = store.newestCheckpoint();
    return {
      ...common,
      store: { store_id: store.storeId, generation: store.view.generation, log: { origin, size, root } },
    };
  } finally {
    await store.close();
  }
}
