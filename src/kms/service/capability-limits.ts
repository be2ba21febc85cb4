// How many capabilities there may be (service page 2, GOV-20, GAP-38): per tenant `caps.max_active` and `caps.mint_per_min`,
// lifetime `caps.max_ttl_s`; of the policy in force, or of the configuration where that is tighter. Under a ceiling its own
// numbers count as well. Refuses with PolicyRefused, LimitReached, InvalidValue.

import { INSTANCE } from '../../capability/caveats.ts';
import type { EffectiveCaveats } from '../../capability/effective.ts';
import { fail } from '../../errors.ts';
import type { Millis } from '../../host.ts';
import { LIMITS } from '../../limits.ts';
import { effective } from '../../policy/effective.ts';
import type { Judged } from '../../policy/overlay.ts';
import type { Ceiling } from '../../policy/state.ts';
import { UNRECORDED_SCOPES } from './authorise.ts';
import type { RecordedCapability } from './capability-records.ts';
import type { CapabilityRegister } from './capability-register.ts';
import type { PolicyInForce } from './key-policy.ts';

/** `caps.*` of a server's configuration. */
export interface CapabilityCaps {
  readonly max_ttl_s: number;
  readonly max_active: number;
  readonly mint_per_min: number;
}

export interface Limiting {
  readonly register: CapabilityRegister;
  readonly policy: PolicyInForce;
  readonly judged: Judged;
  readonly configured: CapabilityCaps | null;
  readonly nowMs: Millis;
}

export interface Wanted {
  readonly effective: EffectiveCaveats;
  readonly once: boolean;
  /** Of the ceiling that allows it; null for the holder of the root and within one's own capability. */
  readonly ceiling: { readonly minter: string; readonly rule: Ceiling } | null;
}

function capOf(of: Limiting, tenant: string, key: keyof CapabilityCaps): number {
  const scope = tenant === INSTANCE ? null : tenant;
  const value = effective(of.policy.policy, scope, of.policy.overlays, of.judged).values.get(`caps.${key}`)?.value;
  if (typeof value !== 'number') return fail('Internal', `the policy has no integer caps.${key}`);
  return of.configured === null ? value : Math.min(value, of.configured[key]);
}

const MINUTE_MS = 60_000;

function refuseLifetime(of: Limiting, { effective: caveats, once, ceiling }: Wanted): void {
  const lifeMs = caveats.expiresMs - of.nowMs;
  if (lifeMs <= 0) fail('InvalidValue', 'exp: the capability would have expired already', { field: 'exp' });
  const seconds = Math.min(
    ...caveats.tenants.map((tenant) => capOf(of, tenant, 'max_ttl_s')),
    ceiling?.rule.max_ttl_s ?? Number.POSITIVE_INFINITY,
  );
  if (lifeMs > Math.min(seconds * 1000, LIMITS.capabilityLifeMs)) {
    fail('PolicyRefused', `the capability would live ${Math.ceil(lifeMs / 1000)} s; at most ${seconds} s are allowed`, {
      field: 'exp',
      hint: 'Ask for less; see caps.max_ttl_s in `ronctl policy inspect`.',
    });
  }
  if (!once) return;
  if (lifeMs > LIMITS.capabilityOnceLifeMs) {
    fail('InvalidValue', `exp: a one-time capability lives at most ${LIMITS.capabilityOnceLifeMs / 1000} s`, {
      hint: 'Ask for less, such as --expires 5m.',
      field: 'exp',
    });
  }
  const unrecorded = caveats.scopes.find((scope) => UNRECORDED_SCOPES.includes(scope));
  if (unrecorded !== undefined) {
    fail('InvalidValue', `scope: a one-time capability is spent by its record, and ${unrecorded} leaves none`, {
      field: 'scope',
    });
  }
}

/** The operator's own capability and what the system makes count for nobody. */
const counts = (one: RecordedCapability): boolean => one.identifier.minted_by !== 'system';

function refuseNumbers(of: Limiting, { effective: caveats, ceiling }: Wanted): void {
  const active = of.register.active(of.nowMs).filter(counts);
  const recent = of.register.list().filter((one) => counts(one) && one.recordedMs > of.nowMs - MINUTE_MS);
  for (const tenant of caveats.tenants) {
    const inTenant = (one: RecordedCapability): boolean => one.effective.tenants.includes(tenant);
    const most = capOf(of, tenant, 'max_active');
    if (active.filter(inTenant).length >= most) {
      fail('LimitReached', `tenant ${tenant} has ${most} active capabilities, which is the limit (caps.max_active)`, {
        hint: 'Revoke some with `ronctl cap revoke`, or wait until they expire.',
      });
    }
    const perMinute = capOf(of, tenant, 'mint_per_min');
    if (recent.filter(inTenant).length >= perMinute) {
      fail(
        'LimitReached',
        `${perMinute} capabilities were minted for tenant ${tenant} in the last minute, which is the limit (caps.mint_per_min)`,
        {
          hint: 'Wait a minute.',
        },
      );
    }
  }
  if (ceiling === null) return;
  const under = active.filter((one) => one.ceiling === ceiling.minter).length;
  if (under >= ceiling.rule.max_active) {
    fail(
      'LimitReached',
      `${under} capabilities under the ceiling of ${ceiling.minter} are active, which is its limit`,
      {
        hint: 'Revoke some with `ronctl cap revoke`, or wait until they expire.',
      },
    );
  }
}

/** Throws what the head names. */
export function refuseBeyondLimits(of: Limiting, wanted: Wanted): void {
  refuseLifetime(of, wanted);
  refuseNumbers(of, wanted);
}
