// The capability service over a memory store, with clock and policy in the hands of the test.

import { fromTime, toTime } from '../../src/bytes/time.ts';
import type { MintRequest } from '../../src/kms/admin-ports.ts';
import type { Call, Caller } from '../../src/kms/ports.ts';
import { type OpenCapabilities, openCapabilities } from '../../src/kms/service/capabilities.ts';
import type { CapabilityCaps } from '../../src/kms/service/capability-limits.ts';
import { type Ceiling, initialPolicy, type PolicyState, record } from '../../src/policy/state.ts';
import { call, LOCAL } from '../contract/kms-subject.ts';
import { testCrypto } from './crypto.ts';
import { type MemoryCustody, memoryCustody } from './memory-custody.ts';

export const CAP_START = '2026-11-20T08:00:00.000Z';

export interface MemoryCapabilities extends OpenCapabilities {
  readonly store: MemoryCustody;
  /** Moves the clock. */
  advance(seconds: number): void;
  setCeiling(minter: string, ceiling: Ceiling): void;
  setPolicy(change: (state: PolicyState) => PolicyState): void;
  /** The service anew on the same store, as another process opens it. */
  reopen(): Promise<OpenCapabilities>;
  /** `exp = ` so many seconds from now. */
  exp(seconds?: number): string;
  /** Mints as the holder of the root; returns the token. */
  token(caveats: readonly string[], change?: Partial<MintRequest>, caller?: Caller): Promise<string>;
}

export async function memoryCapabilities(
  options: { readonly governed?: boolean; readonly caps?: CapabilityCaps } = {},
): Promise<MemoryCapabilities> {
  const governed = options.governed ?? false;
  const store = await memoryCustody(testCrypto(), { governed, nowMs: fromTime(CAP_START) });
  let policy = initialPolicy('dev');
  const clock = { now: () => store.nowMs };
  const open = (): Promise<OpenCapabilities> =>
    openCapabilities({
      store,
      clock,
      random: { bytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)) },
      policy: () => ({
        governed,
        ledgerId: null,
        profile: 'dev',
        genesisNonce: null,
        policy,
        overlays: [],
        lastRaise: () => null,
        pqChanges: [],
      }),
      judged: () => ({ now: { wall: toTime(store.nowMs), boot_id: 'b', boottime_ms: 0 }, highWaterMs: 0 }),
      ...(options.caps === undefined ? {} : { caps: options.caps }),
    });
  const opened = await open();
  const exp = (seconds = 600): string => `exp = ${toTime(store.nowMs + seconds * 1000)}`;
  return {
    ...opened,
    store,
    reopen: open,
    exp,
    advance: (seconds) => {
      store.nowMs += seconds * 1000;
    },
    setPolicy: (change) => {
      policy = change(policy);
    },
    setCeiling: (minter, ceiling) => {
      policy = { ...policy, ceilings: record([[minter, ceiling]]) };
    },
    token: async (caveats, change = {}, caller = LOCAL) => {
      const all = caveats.some((one) => one.startsWith('exp = ')) ? caveats : [...caveats, exp()];
      const made = await opened.capabilities.mint(
        { caveats: all, once: false, newTenant: true, ...change },
        call(caller),
      );
      return made.token!;
    },
  };
}

/** A call of the bearer of a token. */
export function callOf(caps: OpenCapabilities, token: string, change: Partial<Call> = {}): Call {
  return call(caps.authenticator.authenticate(token), change);
}
