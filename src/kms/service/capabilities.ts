// The Capabilities port and the Authenticator in-process, over an unsealed custody store (service page 2). Changes run one
// after the other, so that a limit counts what stands. `revoke` and `rotate` work at once in this process: what is asked of a
// token is asked of memory, which follows the commit.

import { toTime } from '../../bytes/time.ts';
import { fail, RonError } from '../../errors.ts';
import type { Millis } from '../../host.ts';
import { CAP_ROOT_BYTES } from '../../storage/custody-record.ts';
import { Turns } from '../../storage/turns.ts';
import type { Authenticator, Capabilities, ListedCapability, MintAnswer } from '../admin-ports.ts';
import type { Call } from '../ports.ts';
import { SILENT } from '../telemetry.ts';
import { TokenAuthenticator } from './authenticator.ts';
import { actorOf, authoriseAdmin, authoriseInstance, capabilityKey, refuseAborted } from './authorise.ts';
import { administers } from './capability-authority.ts';
import { mint, mintOperator, recordUnrecorded, register } from './capability-mint.ts';
import type { RecordedCapability } from './capability-records.ts';
import { CapabilityRegister } from './capability-register.ts';
import { CapabilityRoots, readRevocations, revocationsPut } from './capability-roots.ts';
import type { CapabilityHome, CapabilityService } from './capability-service.ts';
import { refuseVerifyOnly } from './home.ts';
import { repeatOf } from './repeat.ts';

export interface OpenCapabilities {
  readonly capabilities: Capabilities;
  readonly authenticator: Authenticator;
  /** Of the newest root: degraded from 30 days on (C-30). */
  rootAgeDays(): number;
  /** Neither spent, revoked nor expired, by tenant. */
  active(): readonly { readonly tenant: string; readonly active: number }[];
  readonly roots: CapabilityRoots;
  /** The operator's own capability, beyond the limits that count for others. Only for operator-capability.ts. */
  mintOperator(caveats: readonly string[], call: Call): Promise<MintAnswer>;
  /** Another epoch of the log was opened: what stands in the one before is not registered any more. */
  renew(): Promise<void>;
  /** Wipes the roots. */
  close(): void;
}

const DAY_MS = 86_400_000;

/** Reads roots, revocations and the mint records of a token's longest life. Throws Tampered. */
export async function openCapabilities(home: CapabilityHome): Promise<OpenCapabilities> {
  const { store, clock } = home;
  let latestMs = home.judged().highWaterMs;
  const nowMs = (): Millis => {
    latestMs = Math.max(latestMs, clock.now());
    return latestMs;
  };
  const roots = await CapabilityRoots.read(store);
  const known = CapabilityRegister.read(store, await readRevocations(store), nowMs());
  const telemetry = home.telemetry ?? SILENT;
  const service: CapabilityService = {
    home,
    roots,
    register: known,
    nowMs,
    unrecorded: [],
    minted: (tenants) => {
      known.forget(nowMs());
      for (const tenant of tenants) telemetry.count('kms_capabilities_minted_total', { tenant });
    },
  };
  const turns = new Turns();
  return {
    capabilities: capabilitiesPort(service, turns),
    mintOperator: (caveats, call) => turns.exclusive(() => mintOperator(service, caveats, call)),
    authenticator: new TokenAuthenticator({ roots, register: known, nowMs }),
    rootAgeDays: () => Math.floor(roots.ageMs(nowMs()) / DAY_MS),
    active: () => activeByTenant(known, nowMs()),
    roots,
    renew: () =>
      turns.exclusive(async () => {
        known.restart(store, await readRevocations(store), nowMs());
        await recordUnrecorded(service);
      }),
    close: () => roots.close(),
  };
}

function activeByTenant(known: CapabilityRegister, nowMs: Millis): { tenant: string; active: number }[] {
  const counted = new Map<string, number>();
  for (const one of known.active(nowMs)) {
    for (const tenant of one.effective.tenants) counted.set(tenant, (counted.get(tenant) ?? 0) + 1);
  }
  return [...counted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([tenant, active]) => ({ tenant, active }));
}

function capabilitiesPort(service: CapabilityService, turns: Turns): Capabilities {
  return {
    mint: (request, call) => turns.exclusive(() => mint(service, request, call)),
    register: (request, call) => turns.exclusive(() => register(service, request, call)),
    revoke: async ({ id }, call) => {
      const isRefused = await refuseAtOnce(service, id, call);
      if (isRefused) call.holds?.(REFUSED);
      try {
        return await turns.exclusive(() => revoke(service, id, call));
      } catch (error) {
        throw isRefused && call.holds !== undefined ? withoutRecord(error) : error;
      }
    },
    rotate: ({ now }, call) => turns.exclusive(() => rotate(service, now, call)),
    list: async (_, call) => list(service, call),
  };
}

const REFUSED = 'this server refuses the token already; what is missing is the record that keeps it so over a restart';

/** The token stays refused; asking again makes the record. */
function withoutRecord(error: unknown): unknown {
  if (!(error instanceof RonError)) return error;
  const { code, message, hint, field, data } = error;
  return new RonError(code, `${message}; ${REFUSED}`, {
    ...(hint === undefined ? {} : { hint }),
    ...(field === undefined ? {} : { field }),
    ...(data === undefined ? {} : { data }),
    cause: error,
  });
}

/**
 * Before its turn comes and its record is durable: on a slow or a full disk both may take longer than the promise of 5 s. An error
 * that follows says that the record is missing, not that the token is good again. Whether it is refused now.
 */
async function refuseAtOnce(service: CapabilityService, id: string, call: Call): Promise<boolean> {
  const { register: known } = service;
  const found = known.byId(id);
  if (found === null || call.dryRun === true || !administers(call, found.effective.tenants)) return false;
  if (await isOtherRequest(service, id, call)) return false;
  known.refuse(found.identifier);
  return true;
}

const earlierOf = ({ home }: CapabilityService, id: string, call: Call): ReturnType<typeof repeatOf> =>
  repeatOf(home, call, { op: 'revoke', tenant: null }, { route: 'caps.revoke', id });

/** Its operation id was used for something else: it has no effect, and is told so in its turn. */
async function isOtherRequest(service: CapabilityService, id: string, call: Call): Promise<boolean> {
  try {
    await earlierOf(service, id, call);
    return false;
  } catch (error) {
    return error instanceof RonError && error.code === 'Conflict';
  }
}

type Revoked = Awaited<ReturnType<Capabilities['revoke']>>;

async function revoke(service: CapabilityService, id: string, call: Call): Promise<Revoked> {
  const { home, register: known } = service;
  const found = known.byId(id);
  // A bearer for tenants gets the same answer for foreign and for unknown ids.
  if (!administers(call, found === null ? ['?'] : found.effective.tenants)) {
    fail('Denied', 'the capability is not for this');
  }
  refuseVerifyOnly(home.store);
  const { req, earlier } = await earlierOf(service, id, call);
  if (earlier !== null) return { id, revoked_at: earlier.ts };
  if (found === null) {
    return fail('NotFound', `no capability ${id} was minted in the last 24 hours`, {
      field: 'id',
      hint: 'List them with `ronctl cap list`. A token that was never registered is worth nothing; `ronctl cap rotate --now` ends every token.',
    });
  }
  const nowMs = service.nowMs();
  const { root } = found.identifier;
  refuseAborted(call);
  if (call.dryRun === true) return { id, revoked_at: toTime(nowMs) };
  const one = { root, id, exp: toTime(found.effective.expiresMs) };
  const entries = [...known.revocations(nowMs).filter((entry) => capabilityKey(entry) !== capabilityKey(one)), one];
  const record = await home.store.mutate({
    puts: [revocationsPut(entries)],
    audit: { op: 'revoke', op_id: call.opId, req, actor: actorOf(call), result: 'ok', detail: { cap: { root, id } } },
  });
  known.revoke(one);
  return { id, revoked_at: record.ts };
}

type Rotated = Awaited<ReturnType<Capabilities['rotate']>>;

async function rotate(service: CapabilityService, now: boolean, call: Call): Promise<Rotated> {
  const { home, roots } = service;
  authoriseInstance(call, 'kms:admin');
  refuseVerifyOnly(home.store);
  const { req, earlier } = await repeatOf(
    home,
    call,
    { op: 'cap.rotate', tenant: null },
    { route: 'caps.rotate', now },
  );
  if (earlier !== null) {
    const root = earlier.detail?.['root'];
    return typeof root === 'number'
      ? { root, previous: root - 1 }
      : fail('Tampered', 'a record of a rotation names no root');
  }
  const previous = roots.newest;
  refuseAborted(call);
  if (call.dryRun === true) return { root: previous + 1, previous };
  const nowMs = service.nowMs();
  const key = home.random.bytes(CAP_ROOT_BYTES).slice();
  const { put, drops } = roots.successor(key, nowMs, now);
  await home.store.mutate({
    puts: [put],
    drops,
    audit: {
      op: 'cap.rotate',
      op_id: call.opId,
      req,
      actor: actorOf(call),
      result: 'ok',
      detail: { root: previous + 1 },
    },
  });
  roots.replaced(key, nowMs, drops);
  return { root: previous + 1, previous };
}

function list(service: CapabilityService, call: Call): readonly ListedCapability[] {
  authoriseAdmin(call, false);
  const nowMs = service.nowMs();
  return service.register
    .list()
    .filter((one) => administers(call, one.effective.tenants, false))
    .map((one) => listed(service, one, nowMs));
}

function listed(
  { register: known, roots }: CapabilityService,
  one: RecordedCapability,
  nowMs: Millis,
): ListedCapability {
  const { root, id, sub, minted_by, minted_at, once } = one.identifier;
  const { tenants, scopes, expiresMs } = one.effective;
  const state = known.stateOf(one, nowMs);
  return {
    root,
    id,
    sub: sub ?? null,
    minted_by,
    minted_at,
    expires_at: toTime(expiresMs),
    tenants,
    scopes,
    once,
    // Under a root that is gone a token is as good as revoked.
    state: state === 'active' && !roots.isValid(root, nowMs) ? 'revoked' : state,
  };
}
