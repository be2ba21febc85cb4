// Makes vectors/rollout/*.json and vectors/policy/*.json. Buckets and view hashes are computed here again from the text of
// the specification, not by the product; the phase tables are the product's own answers, which test/rollout checks by hand.
// `node test/vectors/generate-policy.ts`, then `node test/vectors/generate-sums.ts`.

import { createHash, createHmac } from 'node:crypto';
import type { Json, JsonObject } from '../../src/bytes/canonical-json.ts';
import { toHex } from '../../src/bytes/hex.ts';
import { uuidV4, uuidV7 } from '../../src/bytes/uuid.ts';
import { RonError } from '../../src/errors.ts';
import { applyCeiling, applyChanges } from '../../src/policy/apply.ts';
import { initialPolicy, type PolicyState, policyStateJson, type Scope } from '../../src/policy/state.ts';
import { policyViewJson, viewOf } from '../../src/policy/view.ts';
import { type Phase, type PqState, phaseFromInputs, settled } from '../../src/rollout/phases.ts';
import { nextPqState } from '../../src/rollout/transitions.ts';
import { type OwnSuite, type OwnVector, writeSuite } from './own-format.ts';
import { seeded } from './tool.ts';

const answer = (run: () => unknown): { readonly out: JsonObject } | { readonly error: string } => {
  try {
    return { out: run() as JsonObject };
  } catch (error) {
    if (error instanceof RonError) return { error: error.code };
    throw error;
  }
};

function bucket(nonce: Uint8Array, tenant: string, uuid: string): number {
  const mac = createHmac('sha256', nonce)
    .update('ron-kms/cohort/v1\0')
    .update(`${tenant}\0`)
    .update(Buffer.from(uuid.replaceAll('-', ''), 'hex'))
    .digest('hex');
  return Number(BigInt(`0x${mac.slice(0, 16)}`) % 100n);
}

/** Ten genesis nonces and tenants with a hundred keys each, v4 and v7. */
function cohortSuite(): OwnVector[] {
  return Array.from({ length: 10 }, (_, group) => {
    const nonce = seeded(`cohort nonce ${group}`, 16);
    const tenant = ['acme', 'a', 'tenant.with-all_marks', 'x'.repeat(64)][group % 4]!;
    const uuids = Array.from({ length: 100 }, (_unused, index) => {
      const random = seeded(`cohort uuid ${group} ${index}`, 16);
      return index % 2 === 0 ? uuidV4(random) : uuidV7(1_763_600_000_000 + index, random);
    });
    return {
      name: `genesis ${group}, tenant ${tenant.slice(0, 24)}`,
      in: { genesis_nonce: toHex(nonce), tenant, uuids },
      out: { buckets: uuids.map((uuid) => bucket(nonce, tenant, uuid)) },
    };
  });
}

export const PHASE_LIST: readonly Phase[] = [0, 1, 2, 3];
const below = (phase: Phase, percent: number): PqState => ({ phase, base_phase: (phase - 1) as Phase, percent });

/** Every kind of state against every kind of request. */
function transitionSuite(): OwnVector[] {
  const states = [...PHASE_LIST.map(settled), below(1, 50), below(2, 50), below(3, 0)];
  const requests: { phase?: Phase; percent?: number }[] = [];
  for (const phase of [undefined, ...PHASE_LIST]) {
    for (const percent of [undefined, 0, 50, 100]) {
      const request = { ...(phase === undefined ? {} : { phase }), ...(percent === undefined ? {} : { percent }) };
      if (Object.keys(request).length > 0) requests.push(request);
    }
  }
  return states.flatMap((current) =>
    requests.map((request) => ({
      name: `phase ${current.phase} at ${current.percent}, asked ${JSON.stringify(request)}`,
      in: { current: { ...current }, request },
      ...answer(() => nextPqState(current, request, 'global')),
    })),
  );
}

const MODES = [undefined, 'off', 'or', 'and', 'pq_only'] as const;

function inputSuite(): OwnVector[] {
  const vectors: OwnVector[] = [];
  const add = (inputs: Record<string, string | undefined>, phase: Phase) => {
    const given = Object.fromEntries(Object.entries(inputs).filter(([, word]) => word !== undefined));
    if (Object.keys(given).length === 0) return;
    const shown = Object.entries(given).map(([name, word]) => `${name}=${word}`);
    vectors.push({
      name: `${shown.join(', ')} in phase ${phase}`,
      in: { current: { ...settled(phase) }, inputs: given },
      ...answer(() => ({ phase: phaseFromInputs(given, settled(phase)) })),
    });
  };
  for (const pq_mode of MODES) {
    for (const verify_mode of MODES) {
      for (const produce_hybrid of [undefined, 'true', 'false']) add({ pq_mode, verify_mode, produce_hybrid }, 1);
    }
  }
  for (const phase of [0, 2, 3] as const) {
    for (const produce_hybrid of ['true', 'false']) add({ produce_hybrid }, phase);
  }
  for (const word of ['hybrid', 'OR', 'pq-only', 'none', '', '2', 'and ']) add({ pq_mode: word }, 1);
  add({ produce_hybrid: 'yes' }, 1);
  return vectors;
}

/** Canonical JSON by the rule of RFC 8785 for what stands in a view: ASCII member names, integers, plain strings. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item as Json)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical((value as JsonObject)[name]!)}`).join(',')}}`;
}

function viewDigest(view: JsonObject): string {
  const type = 'application/vnd.ron.gov.policy-view.v1+json';
  const body = canonical(view);
  const pae = `DSSEv1 ${type.length} ${type} ${Buffer.byteLength(body)} ${body}`;
  return `sha256:${createHash('sha256').update(pae).digest('hex')}`;
}

export function exampleStates(): { readonly name: string; readonly state: PolicyState }[] {
  const dev = initialPolicy('dev');
  const acme = applyChanges(
    dev,
    'tenant:acme',
    [
      { key: 'pq.phase', to: 2 },
      { key: 'pq.rollout_percent', to: 25 },
      { key: 'caps.max_ttl_s', to: 600 },
    ],
    'dev',
  );
  const ceiling = { tenants: ['acme'], scopes: ['kms:sign', 'kms:verify'], max_ttl_s: 600, max_active: 10 };
  return [
    { name: 'start values of dev', state: dev },
    { name: 'start values of micronode', state: initialPolicy('micronode') },
    { name: 'start values of macronode', state: initialPolicy('macronode') },
    { name: 'tenant acme in a rollout', state: acme },
    { name: 'tenant acme in a rollout, with a ceiling', state: applyCeiling(acme, 'operator', ceiling) },
  ];
}

function viewSuite(): OwnVector[] {
  const ledgerId = 'gl-abcdefghijklmnopqrstuvwxyz234567';
  const signerSetHash = `sha256:${'0123456789abcdef'.repeat(4)}`;
  const scopes: readonly Scope[] = ['global', 'tenant:acme', 'tenant:other'];
  return exampleStates().flatMap(({ name, state }) =>
    scopes.map((scope) => {
      const view = policyViewJson(viewOf({ ledgerId, scope, state, signerSetHash }));
      return {
        name: `${name}, ${scope}`,
        in: { ledger_id: ledgerId, scope, state: policyStateJson(state), signer_set_hash: signerSetHash },
        out: { view, hash: viewDigest(view) },
      };
    }),
  );
}

export function policySuites(): Map<string, OwnSuite> {
  const suite = (name: string, source: string, vectors: readonly OwnVector[]): OwnSuite => ({
    suite: name,
    source,
    vectors,
  });
  return new Map([
    ['policy/view.json', suite('policy-view', 'H of the policy view, computed from the specification', viewSuite())],
    ['rollout/cohort.json', suite('cohort', 'HMAC-SHA256 of node:crypto, from the specification', cohortSuite())],
    ['rollout/inputs.json', suite('phase-inputs', 'names of the phases, all combinations', inputSuite())],
    ['rollout/transitions.json', suite('pq-transitions', 'steps between PQ states', transitionSuite())],
  ]);
}

if (import.meta.main) {
  for (const [path, suite] of policySuites()) writeSuite(path, suite);
}
