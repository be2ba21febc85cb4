// Minting and registering (service page 2, R-28): both end in one `mint` record, without which a token is refused. Minting
// makes the token here; registering takes one that a holder of the root made elsewhere, whose MAC is the authority. Refused
// before the record: caveats that allow nothing, a tenant that nobody knows, what authority and limits do not allow.

import { canonicalBytes } from '../../bytes/canonical-json.ts';
import { toTime } from '../../bytes/time.ts';
import { uuidV4 } from '../../bytes/uuid.ts';
import { checkCaveat, INSTANCE } from '../../capability/caveats.ts';
import { combine, type EffectiveCaveats, effectiveCaveats } from '../../capability/effective.ts';
import { type CapabilityIdentifier, printIdentifier, SUB } from '../../capability/identifier.ts';
import { parseToken, type Token } from '../../capability/token.ts';
import { fail, RonError } from '../../errors.ts';
import type { Millis } from '../../host.ts';
import { tenantsOf } from '../../keys/keyring.ts';
import { LIMITS } from '../../limits.ts';
import { demandTenant, knownTenants } from '../../policy/tenant.ts';
import type { MintAnswer, MintRequest } from '../admin-ports.ts';
import type { Call } from '../ports.ts';
import { isNarrowing } from './authenticator.ts';
import { actorOf, capabilityKey, refuseAborted } from './authorise.ts';
import { mintAuthority, OPERATOR } from './capability-authority.ts';
import { refuseBeyondLimits, type Wanted } from './capability-limits.ts';
import { capabilityOf, mintDetail, type RecordedCapability } from './capability-records.ts';
import type { CapabilityService } from './capability-service.ts';
import { refuseVerifyOnly } from './home.ts';
import { repeatOf } from './repeat.ts';

/** What was asked for, as one. Throws InvalidValue naming `caveats`. */
export function requestedCaveats(texts: readonly string[]): EffectiveCaveats {
  if (texts.length > LIMITS.capabilityCaveats) {
    fail('InvalidValue', `caveats: at most ${LIMITS.capabilityCaveats} are allowed`, { field: 'caveats' });
  }
  const parsed = texts.map((text) => checkCaveat(text, 'caveats'));
  try {
    return combine(parsed);
  } catch (error) {
    if (!(error instanceof RonError) || error.code !== 'Denied') throw error;
    return fail('InvalidValue', `caveats: ${error.message}`, {
      field: 'caveats',
      hint: 'tenant, scope and exp are required.',
    });
  }
}

function refuseUnknownTenants(service: CapabilityService, wanted: EffectiveCaveats): void {
  const live = service.register.active(service.nowMs()).flatMap((one) => one.effective.tenants);
  const { store, policy } = service.home;
  const known = knownTenants(policy().policy, [...tenantsOf(store.view), ...live]);
  for (const tenant of wanted.tenants) if (tenant !== INSTANCE) demandTenant(tenant, known);
}

function refuse(service: CapabilityService, wanted: Wanted, nowMs: Millis): void {
  const { policy, judged, caps } = service.home;
  const of = { register: service.register, policy: policy(), judged: judged(), configured: caps ?? null, nowMs };
  refuseBeyondLimits(of, wanted);
}

async function append(
  service: CapabilityService,
  call: Call,
  of: {
    readonly identifier: CapabilityIdentifier;
    readonly caveats: readonly string[];
    readonly ceiling: string | null;
  },
  req?: string,
): Promise<RecordedCapability> {
  const [record] = await service.home.store.append([
    {
      op: 'mint',
      op_id: call.opId,
      ...(req === undefined ? {} : { req }),
      actor: actorOf(call),
      result: 'ok',
      detail: mintDetail(of.identifier, of.caveats, of.ceiling),
    },
  ]);
  const recorded = record === undefined ? null : capabilityOf(record);
  if (recorded === null) return fail('Internal', 'the record of a mint is not one');
  service.register.add(recorded);
  service.minted(recorded.effective.tenants);
  return recorded;
}

const answer = (of: CapabilityIdentifier, wanted: EffectiveCaveats, token: string | null): MintAnswer => ({
  id: of.id,
  root: of.root,
  token,
  expires_at: toTime(wanted.expiresMs),
});

export async function mint(service: CapabilityService, request: MintRequest, call: Call): Promise<MintAnswer> {
  const requested = requestedCaveats(request.caveats);
  const { sub, once } = request;
  if (sub !== undefined && !SUB.test(sub)) {
    fail('InvalidValue', 'sub: a name of a-z 0-9 . _ - is expected, at most 64', { field: 'sub' });
  }
  const { store, policy } = service.home;
  const authority = mintAuthority(policy(), call, requested);
  refuseVerifyOnly(store);
  const asked = { route: 'caps.mint', caveats: [...request.caveats], once, ...(sub === undefined ? {} : { sub }) };
  const { req, earlier } = await repeatOf(service.home, call, { op: 'mint', tenant: null }, asked);
  if (earlier !== null) {
    const recorded =
      capabilityOf(earlier) ?? fail('Conflict', `the operation id ${call.opId} was used for something else`);
    // Another bearer who learnt of the op_id gets no token that was made for this one.
    if (earlier.actor !== actorName(call)) fail('Conflict', `the operation id ${call.opId} was used by somebody else`);
    const { identifier, caveats, effective } = recorded;
    return answer(identifier, effective, service.roots.token(identifier, caveats));
  }
  if (request.newTenant !== true) refuseUnknownTenants(service, requested);
  const caveats = [...authority.inherited, ...request.caveats];
  const effective = effectiveCaveats(caveats);
  const nowMs = service.nowMs();
  refuse(service, { effective, once: once || effective.once, ceiling: authority.ceiling }, nowMs);
  refuseAborted(call);
  const identifier = newIdentifier(service, call, nowMs, once, sub);
  printIdentifier(identifier);
  const token = service.roots.token(identifier, caveats);
  if (call.dryRun === true) return answer(identifier, effective, null);
  await append(service, call, { identifier, caveats, ceiling: authority.ceiling?.minter ?? null }, req);
  return answer(identifier, effective, token);
}

function newIdentifier(
  { roots, home }: CapabilityService,
  call: Call,
  nowMs: Millis,
  once: boolean,
  sub: string | undefined,
): CapabilityIdentifier {
  return {
    v: 1,
    id: uuidV4(home.random.bytes(16)),
    root: roots.newest,
    once,
    minted_at: toTime(nowMs),
    minted_by: actorName(call),
    ...(sub === undefined ? {} : { sub }),
  };
}

/** The log of a rolled-back store that a quorum can accept takes no record until then. */
const isAwaitingRestore = ({ genesisDigest, verifyOnly }: CapabilityService['home']['store']): boolean =>
  genesisDigest !== null && verifyOnly?.code === 'RolledBack';

/**
 * As `mint`, for the capability that the server gives its own operator. While the store waits for a restore-accept it has no
 * record and counts in this process only: without it nobody could bring the acceptance to a running server.
 */
export async function mintOperator(
  service: CapabilityService,
  caveats: readonly string[],
  call: Call,
): Promise<MintAnswer> {
  const { store } = service.home;
  const identifier = newIdentifier(service, call, service.nowMs(), false, OPERATOR);
  const token = service.roots.token(identifier, caveats);
  if (isAwaitingRestore(store)) {
    const effective = effectiveCaveats(caveats);
    service.unrecorded.push({ identifier, caveats, call });
    service.register.add({ identifier, caveats, effective, ceiling: null, recordedMs: service.nowMs(), seq: -1 });
    return answer(identifier, effective, token);
  }
  refuseVerifyOnly(store);
  const { effective } = await append(service, call, { identifier, caveats, ceiling: null });
  return answer(identifier, effective, token);
}

/** After the log of a restored store goes on: what was made meanwhile gets its record, unless it was revoked or has ended. */
export async function recordUnrecorded(service: CapabilityService): Promise<void> {
  for (const { identifier, caveats, call } of service.unrecorded.splice(0)) {
    const isOver = effectiveCaveats(caveats).expiresMs <= service.nowMs();
    if (isOver || service.register.isRevoked(capabilityKey(identifier))) continue;
    await append(service, call, { identifier, caveats, ceiling: null });
  }
}

/** As `actorOf`, without spending anything: the identifier is made before the record. */
function actorName({ caller }: Call): string {
  if (caller.kind === 'local') return `local:${caller.uid}:${caller.login}`;
  return caller.kind === 'system' ? 'system' : `cap:${capabilityKey(caller)}`;
}

/** A token with the right MAC, as it is. Throws NoCapability for any other. */
function ownToken(service: CapabilityService, text: string, nowMs: Millis): Token {
  const token = parseToken(text);
  if (token.thirdParty)
    fail('Denied', 'the capability needs a discharge of a third party, which the service never takes');
  if (!service.roots.isAuthentic(token.macaroon, token.identifier.root, nowMs)) {
    fail('NoCapability', 'the capability was not made by this service, or under a root that is gone');
  }
  return token;
}

export async function register(
  service: CapabilityService,
  request: { readonly token: string },
  call: Call,
): Promise<{ readonly id: string; readonly root: number }> {
  const { store } = service.home;
  const nowMs = service.nowMs();
  const token = ownToken(service, request.token, nowMs);
  const { identifier, caveats } = token;
  const { id, root, once } = identifier;
  const recorded = service.register.get(capabilityKey(identifier));
  if (recorded !== null) {
    if (isNarrowing(token, recorded)) return { id, root };
    return fail('Conflict', 'another capability is registered under this id', { hint: 'Mint a new one.' });
  }
  const effective = effectiveCaveats(caveats);
  if (effective.expiresMs <= nowMs) fail('NoCapability', 'the capability has expired');
  refuseVerifyOnly(store);
  refuse(service, { effective, once: once || effective.once, ceiling: null }, nowMs);
  refuseAborted(call);
  if (call.dryRun === true) return { id, root };
  const req = await store.requestDigest(canonicalBytes({ route: 'caps.register', id, root }));
  await append(service, call, { identifier, caveats, ceiling: null }, req);
  return { id, root };
}
