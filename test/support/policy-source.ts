// A PolicySource in memory: a policy, keys with their tracks, a fixed clock.

import type { PublicKeyEntry, PublicView } from '../../src/keys/public-view.ts';
import type { PolicySource } from '../../src/operations/policy/source.ts';
import type { Overlay } from '../../src/policy/overlay.ts';
import type { Profile } from '../../src/policy/profile.ts';
import type { PolicyState, Scope } from '../../src/policy/state.ts';

export const NONCE = new Uint8Array(16).fill(5);
export const JUDGED = {
  now: { wall: '2026-01-01T00:00:00.000Z', boot_id: 'boot', boottime_ms: 1_000_000 },
  highWaterMs: 0,
};

export const uuidAt = (index: number): string => `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;

/** `tracks`: one list per version, e.g. [['ed25519'], ['ed25519', 'ml-dsa']]. */
export function keyEntry(
  tenant: string,
  index: number,
  tracks: readonly (readonly string[])[],
  more: Partial<Pick<PublicKeyEntry, 'state'>> & { readonly createdSeq?: number } = {},
): PublicKeyEntry {
  return {
    kid: `${tenant}/release/ed25519/${uuidAt(index)}`,
    state: more.state ?? 'active',
    versions: tracks.map((one, at) => ({
      n: at + 1,
      state: at === tracks.length - 1 ? 'active' : 'superseded',
      tracks: one,
      pub: {},
      created_seq: more.createdSeq ?? 1,
    })),
  };
}

export function policySource(of: {
  readonly policy: PolicyState;
  readonly profile?: Profile;
  readonly keys?: readonly PublicKeyEntry[];
  readonly overlays?: readonly Overlay[];
  readonly trust?: PolicySource['trust'];
  readonly raises?: ReadonlyMap<Scope, number>;
  readonly governed?: boolean;
}): PolicySource {
  const view: PublicView = {
    v: 1,
    store_id: 'store',
    ledger_id: null,
    generation: 1,
    keys: of.keys ?? [],
    ledger: null,
    policy: null,
  };
  const governed = of.governed ?? true;
  return {
    trust: of.trust ?? 'authenticated',
    view,
    judged: JUDGED,
    policy: {
      governed,
      ledgerId: governed ? `gl-${'a'.repeat(32)}` : null,
      profile: of.profile ?? 'dev',
      genesisNonce: governed ? NONCE : null,
      policy: of.policy,
      overlays: of.overlays ?? [],
      lastRaise: (scope) => {
        const auditSeq = of.raises?.get(scope);
        return auditSeq === undefined ? null : { auditSeq, origin: 'ronctl.invalid/e0' };
      },
    },
  };
}
