// What the policy commands read: the policy in force of one home, its keys, and the clock. Brought by the command; the same
// for a home that nobody unsealed and for an open one.

import { parseKeyId } from '../../keys/key-id.ts';
import type { PublicVersion, PublicView } from '../../keys/public-view.ts';
import type { Trust } from '../../kms/ports.ts';
import type { GovernanceReading } from '../../kms/service/governance-reader.ts';
import { readHomeState } from '../../kms/service/home-reader.ts';
import { isCreatedAfter } from '../../kms/service/key-policy.ts';
import type { KeyFacts } from '../../policy/impact.ts';
import type { Judged, Overlay } from '../../policy/overlay.ts';
import { type Profile, parseProfile } from '../../policy/profile.ts';
import type { PolicyState, Scope } from '../../policy/state.ts';
import { knownTenants } from '../../policy/tenant.ts';
import type { OperationDeps } from '../deps.ts';

export interface PolicySource {
  readonly trust: Trust;
  readonly view: PublicView;
  readonly judged: Judged;
  readonly policy: {
    readonly governed: boolean;
    readonly ledgerId: string | null;
    readonly profile: string;
    readonly genesisNonce: Uint8Array | null;
    readonly policy: PolicyState;
    readonly overlays: readonly Overlay[];
    lastRaise(scope: Scope): { readonly auditSeq: number; readonly origin: string } | null;
  };
}

export interface PolicyDeps {
  readonly source: () => Promise<PolicySource>;
}

/** The same from a reading of governance. */
export function sourceOf(reading: GovernanceReading): PolicySource {
  return { trust: reading.trust, view: reading.home.view, judged: reading.judged, policy: reading.governance };
}

/** Reads the home without a passphrase. */
export function homeSource(deps: Pick<OperationDeps, 'host' | 'home' | 'crypto'>): PolicyDeps {
  return { source: () => readHomeState(deps) };
}

export function profileOf(source: PolicySource): Profile {
  return parseProfile(source.policy.profile, 'profile');
}

/** Keys of a tenant, or of all with null, as the rollout sees them. */
export function keyFacts(source: PolicySource, tenant: string | null): KeyFacts[] {
  const after = (scope: Scope, version: PublicVersion | undefined): boolean => {
    const raise = source.policy.lastRaise(scope);
    return raise !== null && version !== undefined && isCreatedAfter(version, raise);
  };
  return source.view.keys.flatMap((key) => {
    const id = parseKeyId(key.kid);
    if (id === null || (tenant !== null && id.tenant !== tenant)) return [];
    const [first] = key.versions;
    return [
      {
        kid: id.kid,
        tenant: id.tenant,
        uuid: id.uuid,
        active: key.state === 'active',
        versions: key.versions.map(({ n, tracks }) => ({ n, tracks })),
        createdAfterRaise: { global: after('global', first), tenant: after(`tenant:${id.tenant}`, first) },
      },
    ];
  });
}

/** Every tenant that has a key, an override or a ceiling. */
export function tenantsOf(source: PolicySource): string[] {
  const tenants = source.view.keys.flatMap((key) => parseKeyId(key.kid)?.tenant ?? []);
  return knownTenants(source.policy.policy, tenants);
}
