// What the home says about the server's configuration: its profile and, where there is a custody store, the policy in force.
// Read without a passphrase.

import { toTime } from '../../bytes/time.ts';
import { judgeAgainstLedger, type LedgerJudgement, type LedgerPolicy } from '../../config/server-ledger.ts';
import { type ResolvedServerConfig, resolveServerConfig } from '../../config/server-load.ts';
import type { FixedProfile } from '../../config/server-merge.ts';
import type { ServerFlags } from '../../config/server-sources.ts';
import { RonError } from '../../errors.ts';
import { readHomeState } from '../../kms/service/home-reader.ts';
import type { Judged } from '../../policy/overlay.ts';
import { parseProfile } from '../../policy/profile.ts';
import { initialPolicy } from '../../policy/state.ts';
import { homePaths, readHome } from '../../storage/home.ts';
import type { ReadOptions } from '../../storage/public-reader.ts';
import type { OperationDeps } from '../deps.ts';

type Deps = Pick<OperationDeps, 'host' | 'home' | 'crypto'>;

export interface HomePolicy extends LedgerPolicy {
  readonly judged: Judged;
  /** Null before adoption. */
  readonly ledgerId: string | null;
}

/**
 * Null where no home, or a home without profile and custody store, says anything. `mayBeOld`: of a store that was rolled back
 * too, for a server that will only verify with it.
 */
export async function homePolicy(deps: Deps, options: ReadOptions = {}): Promise<HomePolicy | null> {
  const { host } = deps;
  const home = readHome(host.files, homePaths(deps.home));
  if (home === null) return null;
  try {
    const { policy, judged } = await readHomeState(deps, options);
    const { governed, profile, overlays, ledgerId } = policy;
    const name = governed ? `ledger ${ledgerId}` : 'home.json';
    return { governed, name, profile, policy: policy.policy, overlays, judged, ledgerId };
  } catch (error) {
    if (!(error instanceof RonError) || error.code !== 'NotInitialised') throw error;
  }
  if (home.profile === undefined) return null;
  const now = { wall: toTime(host.clock.now()), boot_id: host.clock.bootId(), boottime_ms: host.clock.uptimeMs() };
  return {
    governed: false,
    name: 'home.json',
    profile: home.profile,
    policy: initialPolicy(home.profile),
    overlays: [],
    judged: { now, highWaterMs: 0 },
    ledgerId: null,
  };
}

/** The profile as the only source of it. */
export const fixedBy = ({ profile, name }: HomePolicy): FixedProfile => ({
  profile: parseProfile(profile, 'profile'),
  by: name,
});

export interface JudgedConfig extends ResolvedServerConfig {
  readonly policy: HomePolicy | null;
  /** Null where nothing says anything. */
  readonly judgement: LedgerJudgement | null;
}

/** The configuration that `kms serve` with these flags would have in this home, and what the home says about it. */
export async function judgedServerConfig(
  flags: ServerFlags,
  deps: Deps,
  { inMemoryToo = false, mayBeOld = false }: { readonly inMemoryToo?: boolean; readonly mayBeOld?: boolean } = {},
): Promise<JudgedConfig> {
  const { env, files } = deps.host;
  const resolve = (fixed: FixedProfile | null): Promise<ResolvedServerConfig> =>
    resolveServerConfig({ env, files, home: deps.home, flags, fixed });
  const alone = await resolve(null);
  // A server in memory has nothing to do with a store that happens to lie here, unless that is the question.
  const apart = alone.config.service.backend === 'inmem' && !inMemoryToo;
  const policy = apart ? null : await homePolicy(deps, { mayBeOld });
  if (policy === null) return { ...alone, policy, judgement: null };
  const resolved = await resolve(fixedBy(policy));
  return { ...resolved, policy, judgement: judgeAgainstLedger(resolved, policy, policy.judged) };
}
