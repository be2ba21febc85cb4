// The policy in force for one key (keys page 4 and 6, governance page 5): which phase it stands at, so which tracks a new
// version gets and which mode verification demands. A key is placed by its cohort bucket; a key made after the last raise
// of a scope is always inside.

import { fail } from '../../errors.ts';
import { epochNumber } from '../../governance/key-chain.ts';
import type { Moment } from '../../host.ts';
import type { KeyId } from '../../keys/key-id.ts';
import { headOf } from '../../keys/keyring.ts';
import type { PublicKeyEntry, PublicVersion } from '../../keys/public-view.ts';
import { type EffectivePolicy, type EffectivePq, effective, type KeyPlace, phaseOf } from '../../policy/effective.ts';
import type { Judged, Overlay } from '../../policy/overlay.ts';
import type { PolicyState, Scope } from '../../policy/state.ts';
import type { Phase, PqState } from '../../rollout/phases.ts';

/** Where an execution stands in the log. */
export interface ExecutionPlace {
  readonly judgedAt: Moment;
  /** Seq of its audit record, in the log of this origin. */
  readonly auditSeq: number;
  readonly origin: string;
}

/** An execution that changed the PQ value of a scope; null: the scope has no value of its own. */
export interface PqChange extends ExecutionPlace {
  readonly scope: Scope;
  readonly from: PqState | null;
  readonly to: PqState | null;
}

/** What the service needs to know of governance to judge keys. */
export interface PolicyInForce {
  readonly governed: boolean;
  readonly ledgerId: string | null;
  readonly profile: string;
  /** 16 bytes of the genesis; null only while ungoverned. */
  readonly genesisNonce: Uint8Array | null;
  readonly policy: PolicyState;
  readonly overlays: readonly Overlay[];
  /** The newest execution that raised pq in exactly this scope, or null. */
  lastRaise(scope: Scope): ExecutionPlace | null;
  /** Every execution that changed pq, oldest first. */
  readonly pqChanges: readonly PqChange[];
}

/** What holds for a tenant until the policy changes: nothing in it ends by time. One table per policy that was committed. */
interface Lasting {
  readonly pq: EffectivePq;
  readonly values: EffectivePolicy['values'];
}

const LASTING = new WeakMap<PolicyInForce, Map<string, Lasting>>();
const TENANTS = 4096;

/** No tenant is called so. */
const GLOBAL = '';

/** The policy in force for a tenant, null = global; worked out again for every question only while something in it ends by time. */
function inForce(policy: PolicyInForce, tenant: string | null, judged: Judged): Lasting {
  const ofPolicy = LASTING.get(policy) ?? new Map<string, Lasting>();
  const known = ofPolicy.get(tenant ?? GLOBAL);
  if (known !== undefined) return known;
  const { pq, values } = effective(policy.policy, tenant, policy.overlays, judged);
  if (policy.overlays.every((one) => one.kind === 'tune') && ofPolicy.size < TENANTS) {
    ofPolicy.set(tenant ?? GLOBAL, { pq, values });
    LASTING.set(policy, ofPolicy);
  }
  return { pq, values };
}

/** A key made before any raise is placed by its bucket; one made after it is inside. */
function createdAfter(policy: PolicyInForce, scope: Scope, version: PublicVersion): boolean {
  const raise = policy.lastRaise(scope);
  return raise !== null && isCreatedAfter(version, raise);
}

/** Whether a version was made behind an execution, also when an accepted restore lies between them. */
export function isCreatedAfter(
  version: Pick<PublicVersion, 'created_seq' | 'created_epoch'>,
  { auditSeq, origin }: Pick<ExecutionPlace, 'auditSeq' | 'origin'>,
): boolean {
  const epoch = version.created_epoch ?? 0;
  const raised = epochNumber(origin) ?? 0;
  return epoch > raised || (epoch === raised && version.created_seq > auditSeq);
}

function placeOf(policy: PolicyInForce, id: KeyId, version: PublicVersion): KeyPlace {
  return {
    tenant: id.tenant,
    uuid: id.uuid,
    createdAfterRaise: {
      global: createdAfter(policy, 'global', version),
      tenant: createdAfter(policy, `tenant:${id.tenant}`, version),
    },
  };
}

/** The phase in force for an existing key. */
export function phaseOfKey(policy: PolicyInForce, id: KeyId, key: PublicKeyEntry, judged: Judged): Phase {
  const { pq } = inForce(policy, id.tenant, judged);
  return phaseOf(pq, placeOf(policy, id, key.versions[0] ?? headOf(key)), policy.genesisNonce);
}

/** The phase in force for a key that is made now. */
export function phaseOfNewKey(policy: PolicyInForce, tenant: string, uuid: string, judged: Judged): Phase {
  const { pq } = inForce(policy, tenant, judged);
  return phaseOf(pq, { tenant, uuid, createdAfterRaise: { global: true, tenant: true } }, policy.genesisNonce);
}

/** A value in force for no tenant in particular; undefined = the registry has no such key. */
export function globalValueInForce(policy: PolicyInForce, key: string, judged: Judged): unknown {
  return inForce(policy, null, judged).values.get(key)?.value;
}

/** An integer of the policy in force, e.g. `keys.rotate_max_days`. */
export function integerInForce(policy: PolicyInForce, tenant: string, key: string, judged: Judged): number {
  const value = inForce(policy, tenant, judged).values.get(key)?.value;
  return typeof value === 'number' ? value : fail('Internal', `the policy has no integer ${key}`);
}

/** Throws PolicyRefused when the policy does not allow keys of this algorithm. */
export function requireAllowedAlg(policy: PolicyInForce, tenant: string, alg: string, judged: Judged): void {
  const allowed = inForce(policy, tenant, judged).values.get('service.allowed_algs')?.value;
  if (Array.isArray(allowed) && allowed.includes(alg)) return;
  const list = Array.isArray(allowed) ? allowed.join(', ') : 'none';
  fail('PolicyRefused', `the policy does not allow keys of algorithm ${alg}; it allows ${list}`, {
    field: 'alg',
    hint: 'See `ronctl policy inspect`; propose a change of service.allowed_algs.',
  });
}

/** What a key in a sealed file can attest. */
const FILE_CLASS = 'software';

/** Throws AttestationMissing when the policy demands an attestation that keys of this backend cannot have. */
export function requireAttestable(policy: PolicyInForce, tenant: string, judged: Judged): void {
  const { values } = inForce(policy, tenant, judged);
  if (values.get('security.attest_require')?.value !== 'required') return;
  const classes = values.get('security.attest_classes')?.value;
  if (Array.isArray(classes) && classes.includes(FILE_CLASS)) return;
  fail(
    'AttestationMissing',
    `the policy demands an attestation, and keys of a file store are of class ${FILE_CLASS} only`,
    {
      hint: 'See `ronctl policy inspect`: security.attest_require, security.attest_classes.',
    },
  );
}

/** An ungoverned macronode refuses sign, create, rotate and wrap (governance page 3, X-07). Throws Ungoverned. */
export function refuseUngovernedMacronode(policy: PolicyInForce, what: string): void {
  if (policy.governed || policy.profile !== 'macronode') return;
  fail('Ungoverned', `a macronode without a genesis refuses ${what}`, { hint: 'Run `ronctl governance init` first.' });
}
