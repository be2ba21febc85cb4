// Creating a key (keys page 4): tenant and algorithm are judged by policy, tracks follow from the phase in force for a key
// made now. Key objects, sealed record, public.json and audit record are one R-02 mutation.

import { fromTime } from '../../bytes/time.ts';
import { uuidV7 } from '../../bytes/uuid.ts';
import { wipe } from '../../bytes/wipe.ts';
import { fail } from '../../errors.ts';
import { isKeyName, newKid, withVersion } from '../../keys/key-id.ts';
import { addKey, tenantsOf } from '../../keys/keyring.ts';
import { type Material, materialOf } from '../../keys/tracks.ts';
import { demandTenant, knownTenants } from '../../policy/tenant.ts';
import { producesHybrid } from '../../rollout/phases.ts';
import type { Call, CreateRequest, CreateResult } from '../ports.ts';
import { actorOf, admitted, authorise, refuseAborted } from './authorise.ts';
import { capabilityTenants } from './capability-records.ts';
import { type OpenHome, refuseVerifyOnly } from './home.ts';
import { auditPart, generateVersion, keyObjectFile, publicPart, sealedPut } from './key-making.ts';
import { phaseOfNewKey, refuseUngovernedMacronode, requireAllowedAlg, requireAttestable } from './key-policy.ts';
import { type Repeat, recordedKey, repeatOf } from './repeat.ts';

/** An existing tenant, or one that the caller wants made. Throws UnknownTenant with the nearest names. */
function requireTenant(home: OpenHome, tenant: string, isNew: boolean): void {
  const known = knownTenants(home.policy().policy, tenantsOf(home.store.view));
  if (isNew || known.includes(tenant)) return;
  if (!capabilityTenants(home.store, fromTime(home.judged().now.wall)).has(tenant)) demandTenant(tenant, known);
}

function requireMaterial(request: CreateRequest, hybrid: boolean): Material {
  const { alg, suite } = request;
  return (
    materialOf(alg, hybrid, suite === 2) ??
    fail('Unsupported', `a key of algorithm ${alg} has no choice of suite`, {
      field: 'suite',
      hint: 'Suite 2 (AES-256-GCM) is for X-Wing keys: --alg hybrid-kem, or --alg x25519 from phase 1 on.',
    })
  );
}

/** Throws InvalidValue naming the member. */
export function checkCreateForm({ tenant, purpose, rotateDays }: CreateRequest): void {
  for (const [field, name] of Object.entries({ tenant, purpose })) {
    if (isKeyName(name)) continue;
    fail('InvalidValue', `${field}: ${JSON.stringify(name)} is no ${field}; a-z 0-9 . _ - are allowed, at most 64`, {
      field,
    });
  }
  if (rotateDays !== undefined && !(Number.isInteger(rotateDays) && rotateDays >= 1 && rotateDays <= 90)) {
    fail('InvalidValue', `rotate_days: an integer from 1 to 90 is expected, not ${rotateDays}`, {
      field: 'rotate_days',
    });
  }
}

export async function createKey(home: OpenHome, request: CreateRequest, call: Call): Promise<CreateResult> {
  const { tenant, purpose, alg, suite, rotateDays } = request;
  checkCreateForm(request);
  authorise(call, 'kms:rotate', { tenant, purpose, alg });
  refuseVerifyOnly(home.store);
  refuseUngovernedMacronode(home.policy(), 'to create keys');
  const judged = home.judged();
  requireAllowedAlg(home.policy(), tenant, alg, judged);
  requireAttestable(home.policy(), tenant, judged);
  const lookUp = (): Promise<Repeat> =>
    repeatOf(
      home,
      call,
      { op: 'create', tenant },
      {
        route: 'keys.create',
        tenant,
        purpose,
        alg,
        ...(suite === undefined ? {} : { suite }),
        ...(rotateDays === undefined ? {} : { rotate_days: rotateDays }),
      },
    );
  const { earlier } = await lookUp();
  if (earlier !== null) return recordedKey(home, earlier, true);
  requireTenant(home, tenant, request.newTenant === true);
  return admitted(call, 'mutate', tenant, () =>
    home.exclusive(async () => {
      // A repetition may have been at work while this one waited.
      const { earlier: since, req } = await lookUp();
      return since === null ? createNow(home, request, call, req) : recordedKey(home, since, true);
    }),
  );
}

async function createNow(home: OpenHome, request: CreateRequest, call: Call, req: string): Promise<CreateResult> {
  const { tenant, purpose, alg, rotateDays } = request;
  const judged = home.judged();
  const uuid = uuidV7(fromTime(judged.now.wall), home.random.bytes(16));
  const kid = newKid(tenant, purpose, alg, uuid);
  const material = requireMaterial(request, producesHybrid(phaseOfNewKey(home.policy(), tenant, uuid, judged)));
  refuseAborted(call);
  if (call.dryRun === true)
    return { kid: withVersion(kid, 1), key: null, op_id: call.opId, replayed: false, audit: null };

  const version = await generateVersion(home.crypto, withVersion(kid, 1), material, judged.now.wall, rotateDays);
  const service = await home.store.serviceKeys();
  const record = await home.store.mutate({
    puts: [sealedPut(version)],
    keyFiles: [await keyObjectFile(home.crypto, service, version, { state: 'active' })],
    publicView: (current, place) => addKey(current, kid, publicPart(version, place)),
    audit: {
      op: 'create',
      op_id: call.opId,
      req,
      actor: actorOf(call),
      tenant,
      kid: version.kid,
      purpose,
      result: 'ok',
      detail: auditPart(version),
    },
  });
  wipe(...version.secrets);
  return recordedKey(home, record, false);
}
