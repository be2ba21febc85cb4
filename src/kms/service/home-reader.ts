// A home read without a passphrase and without a lock (store page 4), as the key service sees it: the authenticated
// public.json, the policy in force, key files, and records of the log proved under the newest verified checkpoint.

import type { Crypto } from '../../crypto/provider.ts';
import type { Host } from '../../host.ts';
import { LIMITS } from '../../limits.ts';
import { custodyPaths } from '../../storage/custody-state.ts';
import type { ReadOptions } from '../../storage/public-reader.ts';
import { storeContext } from '../../storage/store-deps.ts';
import { readGovernance } from './governance-reader.ts';
import type { GovernanceView } from './governance-view.ts';
import { provenLog } from './proven-log.ts';
import type { KeyReader } from './reader.ts';
import { trustedHome } from './trusted-services.ts';

export interface HomeReaderDeps {
  readonly host: Host;
  readonly home: string;
  readonly crypto: () => Promise<Crypto>;
}

export interface HomeReader extends KeyReader {
  readonly policy: GovernanceView;
}

/** One consistent reading. Throws NotInitialised, Tampered, Changing, PinMismatch. */
export async function readHomeState(deps: HomeReaderDeps, options: ReadOptions = {}): Promise<HomeReader> {
  const ctx = await storeContext(deps);
  const { trust, home, governance, judged } = readGovernance(ctx, options);
  const { view, checkpoint } = home;
  return {
    ...trustedHome(ctx, home.home),
    trust,
    storeId: view.store_id,
    view,
    policy: governance,
    judged,
    log: checkpoint === null ? null : provenLog(ctx, home.home.epoch, checkpoint),
    keyFile: (name) => ctx.files.read(`${custodyPaths(ctx).keys}/${name}`, LIMITS.signedFileBytes),
  };
}
