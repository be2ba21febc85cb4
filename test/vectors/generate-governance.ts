// Makes vectors/governance/*.json. Digests, ids, hashes, operation ids and signatures are computed here from the text of
// ronctl-governance(5) with node:crypto and the vector tool, not by the product; the tests compare.
// `node test/vectors/generate-governance.ts`, then `node test/vectors/generate-sums.ts`.

import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { canonicalText, type Json, type JsonObject } from '../../src/bytes/canonical-json.ts';
import { initialPolicy, policyStateJson } from '../../src/policy/state.ts';
import { type OwnSuite, type OwnVector, writeSuite } from './own-format.ts';
import { ML_DSA, seeded, signMlDsa } from './tool.ts';

const sha = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const b64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const TYPE = (name: string): string => `application/vnd.ron.${name}+json`;

function pae(type: string, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${body.length} `), body]);
}

/** H of a value under a short type name. */
export function H(name: string, value: Json): string {
  return `sha256:${sha(pae(TYPE(name), Buffer.from(canonicalText(value)))).toString('hex')}`;
}

/** RFC 4648 base32 in lower case of the first 20 bytes of a digest, bit by bit. */
function shortName(digest: string): string {
  const bits = [...Buffer.from(digest.slice(7), 'hex').subarray(0, 20)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  return bits.replace(/.{5}/g, (five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five, 2)]!);
}

interface Person {
  readonly id: string;
  readonly ed: Uint8Array;
  readonly pq: Uint8Array;
  readonly keys: { readonly ed25519: string; readonly ml_dsa_65: string };
}

function person(id: string, label = id): Person {
  const ed = seeded(`governance ${label} ed25519`, 32);
  const pq = seeded(`governance ${label} ml-dsa`, 32);
  const keys = {
    ed25519: b64url(ed25519.getPublicKey(ed)),
    ml_dsa_65: b64url(ML_DSA['ML-DSA-65'].keygen(pq).publicKey),
  };
  return { id, ed, pq, keys };
}

const alice = person('alice');
const bob = person('bob');
const carol = person('carol');
const service = person('service');
const logSeed = { ed: seeded('governance log ed25519', 32), pq: seeded('governance log ml-dsa-44', 32) };
const logKeys = {
  ed25519: b64url(ed25519.getPublicKey(logSeed.ed)),
  ml_dsa_44: b64url(ML_DSA['ML-DSA-44'].keygen(logSeed.pq).publicKey),
};

interface Signature {
  readonly keyid: string;
  readonly sig: string;
}

function signatures(message: Uint8Array, by: readonly Person[]): Signature[] {
  return by.flatMap(({ id, ed, pq }) => [
    { keyid: `${id}/ed25519`, sig: Buffer.from(ed25519.sign(message, ed)).toString('base64') },
    { keyid: `${id}/ml-dsa`, sig: Buffer.from(signMlDsa('ML-DSA-65', pq, message)).toString('base64') },
  ]);
}

function logSignatures(message: Uint8Array): Signature[] {
  return [
    { keyid: 'log/ed25519', sig: Buffer.from(ed25519.sign(message, logSeed.ed)).toString('base64') },
    { keyid: 'log/ml-dsa-44', sig: Buffer.from(signMlDsa('ML-DSA-44', logSeed.pq, message)).toString('base64') },
  ];
}

function envelope(
  name: string,
  value: Json,
  by: readonly Person[],
  more: (message: Uint8Array) => Signature[] = () => [],
): JsonObject {
  const payload = Buffer.from(canonicalText(value));
  const message = pae(TYPE(name), payload);
  const all = [...signatures(message, by), ...more(message)].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  return { payload: payload.toString('base64'), payloadType: TYPE(name), signatures: all as unknown as Json };
}

const file = (value: Json): string => `${canonicalText(value)}\n`;
const without = (value: JsonObject, keyid: string): JsonObject => ({
  ...value,
  signatures: (value['signatures'] as unknown as Signature[]).filter((one) => one.keyid !== keyid) as unknown as Json,
});

const members = [
  { id: 'alice', keys: alice.keys, role: 'policy-owner' },
  { id: 'bob', keys: bob.keys, role: 'security-officer' },
  { id: 'carol', keys: carol.keys, role: 'custodian' },
];
const NOON = '2026-03-01T12:00:00.000Z';

const genesisBody: JsonObject = {
  v: 1,
  name: 'main',
  nonce: b64url(seeded('governance nonce', 16)),
  profile: 'dev',
  store_id: Buffer.from(seeded('governance store', 16)).toString('hex'),
  members,
  threshold: 2,
  service_keys: service.keys,
  log_keys: logKeys,
  policy: policyStateJson(initialPolicy('dev')),
  created_at: NOON,
};
const LEDGER = `gl-${shortName(H('gov.genesis.v1', genesisBody))}`;
const genesis: JsonObject = { ...genesisBody, ledger_id: LEDGER };
const genesisEnvelope = (value: JsonObject): JsonObject =>
  envelope('gov.genesis.v1', value, [alice, bob, carol, service], logSignatures);
const withId = (body: JsonObject): JsonObject => ({ ...body, ledger_id: `gl-${shortName(H('gov.genesis.v1', body))}` });

function genesisSuite(): OwnVector[] {
  const good = genesisEnvelope(genesis);
  const bad: [string, JsonObject, string][] = [
    ['another ledger_id', genesisEnvelope({ ...genesis, ledger_id: `gl-${'a'.repeat(32)}` }), 'Malformed'],
    ['threshold 1', genesisEnvelope(withId({ ...genesisBody, threshold: 1 })), 'Malformed'],
    [
      'one key twice',
      genesisEnvelope(
        withId({ ...genesisBody, members: [members[0]!, members[1]!, { ...members[2]!, keys: alice.keys }] }),
      ),
      'Malformed',
    ],
    ['one signature of bob missing', without(good, 'bob/ml-dsa'), 'Malformed'],
    ['bob has not signed', without(without(good, 'bob/ml-dsa'), 'bob/ed25519'), 'Inconclusive'],
    ['the log has not signed', without(without(good, 'log/ml-dsa-44'), 'log/ed25519'), 'Inconclusive'],
    [
      'bob signed by mallory',
      envelope('gov.genesis.v1', genesis, [alice, person('bob', 'mallory'), carol, service], logSignatures),
      'VerificationFailed',
    ],
  ];
  return [
    { name: '2 of 3', in: { file: file(good) }, out: { ledger_id: LEDGER, digest: H('gov.genesis.v1', genesis) } },
    ...bad.map(([name, value, error]) => ({ name, in: { file: file(value) }, error })),
  ];
}

const setValue = { epoch: 0, ledger_id: LEDGER, members, threshold: 2 };
const SET_HASH = H('gov.signer-set.v1', setValue);

function setSuite(): OwnVector[] {
  const sets = [
    { name: '2 of 3', value: setValue, required_roles: 2 },
    { name: 'the same at epoch 1', value: { ...setValue, epoch: 1 }, required_roles: 2 },
    { name: '3 of 3', value: { ...setValue, threshold: 3 }, required_roles: 3 },
    { name: '1 of 2', value: { ...setValue, members: members.slice(0, 2), threshold: 1 }, required_roles: 1 },
  ];
  return sets.map(({ name, value, required_roles }) => ({
    name,
    in: { ...value },
    out: { hash: H('gov.signer-set.v1', value), required_roles },
  }));
}

const view = (global: JsonObject): JsonObject => {
  const tunable = [
    'caps.max_active',
    'caps.mint_per_min',
    'limits.max_inflight_sign',
    'limits.max_inflight_verify',
    'limits.tenant_share_min_permille',
    'verify_cache.max_entries',
    'verify_cache.ttl_ms',
  ];
  const baselines = Object.fromEntries(tunable.map((key) => [key, global[key]!]));
  return {
    v: 1,
    ledger_id: LEDGER,
    scope: 'global',
    global,
    tenant: null,
    ceilings: {},
    baselines,
    signer_set_hash: SET_HASH,
  };
};
const globalValues = (genesisBody['policy'] as JsonObject)['global'] as JsonObject;

const proposalBody: JsonObject = {
  ledger_id: LEDGER,
  kind: 'policy',
  author: 'alice',
  scope: 'global',
  rationale: 'shorter lives of keys',
  changeset: [{ key: 'keys.rotate_max_days', from: 90, to: 80 }],
  actions: [],
  risk: { level: 'medium', text: '' },
  rollback: 'none',
  quorum: { threshold: 2, roles: 2 },
  signer_set: { hash: SET_HASH, epoch: 0, threshold: 2, members: members.map(({ id, role }) => ({ id, role })) },
  base_state: { seq: 0, hash: H('gov.policy-view.v1', view(globalValues)) },
  expected_state_hash: H('gov.policy-view.v1', view({ ...globalValues, 'keys.rotate_max_days': 80 })),
  created_at: '2026-03-01T13:00:00.000Z',
  decide_by: '2026-03-02T13:00:00.000Z',
  expires_at: '2026-03-03T13:00:00.000Z',
  attachments: [],
  nonce: b64url(seeded('governance proposal nonce', 16)),
  digest_alg: 'sha256',
};
const proposalWithId = (body: JsonObject): JsonObject => ({
  ...body,
  id: `gp-${shortName(H('gov.proposal.v1', body))}`,
});
const proposal = proposalWithId(proposalBody);
const PROPOSAL_DIGEST = H('gov.proposal.v1', proposal);
const propose = (body: JsonObject, by: readonly Person[] = [alice]): JsonObject =>
  envelope('gov.proposal.v1', proposalWithId(body), by);

function proposalSuite(): OwnVector[] {
  const bad: [string, JsonObject, string][] = [
    ['another id', envelope('gov.proposal.v1', { ...proposal, id: `gp-${'a'.repeat(32)}` }, [alice]), 'Malformed'],
    ['a mislabelled kind', propose({ ...proposalBody, kind: 'pq' }), 'Malformed'],
    ['an understated risk', propose({ ...proposalBody, risk: { level: 'low', text: '' } }), 'Malformed'],
    ['a lower quorum', propose({ ...proposalBody, quorum: { threshold: 1, roles: 2 } }), 'Malformed'],
    ['another decide_by', propose({ ...proposalBody, decide_by: '2026-03-03T13:00:00.000Z' }), 'Malformed'],
    ['over 7 days', propose({ ...proposalBody, expires_at: '2026-03-08T13:00:00.001Z' }), 'Malformed'],
    ['a custodian as author', propose({ ...proposalBody, author: 'carol' }, [carol]), 'Malformed'],
    ['a further member', propose({ ...proposalBody, more: 1 }), 'Malformed'],
    ['another ledger', propose({ ...proposalBody, ledger_id: `gl-${'b'.repeat(32)}` }), 'Conflict'],
    [
      'another signer set',
      propose({
        ...proposalBody,
        signer_set: { ...(proposalBody['signer_set'] as JsonObject), hash: `sha256:${'0'.repeat(64)}` },
      }),
      'Stale',
    ],
    ['signed by bob as alice', propose(proposalBody, [person('alice', 'bob')]), 'VerificationFailed'],
    ['signed by bob as well', propose(proposalBody, [alice, bob]), 'Malformed'],
  ];
  return [
    {
      name: 'a policy change',
      in: { file: file(propose(proposalBody)) },
      out: { id: proposal['id'], digest: PROPOSAL_DIGEST },
    },
    ...bad.map(([name, value, error]) => ({ name, in: { file: file(value) }, error })),
  ];
}

function statementOf(purpose: string, by: Person, role: string, patch: JsonObject = {}): JsonObject {
  return {
    purpose,
    refs: [],
    proposal_id: proposal['id']!,
    proposal_digest: PROPOSAL_DIGEST,
    ledger_id: LEDGER,
    signer_set_hash: SET_HASH,
    role,
    signer: by.id,
    signed_at: '2026-03-01T14:00:00.000Z',
    nonce: b64url(seeded(`governance statement ${purpose} ${by.id}`, 16)),
    seen: {
      ledger_seq: 1,
      ledger_hash: `sha256:${'1'.repeat(64)}`,
      checkpoint: { origin: 'ronctl.invalid/x/e0', size: 4, root: '2'.repeat(64) },
    },
    ...patch,
  };
}
const state = (value: JsonObject, by: readonly Person[]): JsonObject => envelope('gov.statement.v1', value, by);
const approveAlice = statementOf('approve', alice, 'policy-owner');
const approveBob = statementOf('approve', bob, 'security-officer', { comment: 'read and compared' });

function statementSuite(): OwnVector[] {
  const good: [string, JsonObject, Person][] = [
    ['approve', approveAlice, alice],
    ['approve with a comment', approveBob, bob],
    ['reject', statementOf('reject', carol, 'custodian'), carol],
    ['retract', statementOf('retract', bob, 'security-officer', { refs: [H('gov.statement.v1', approveBob)] }), bob],
    ['withdraw', statementOf('withdraw', alice, 'policy-owner'), alice],
  ];
  const bad: [string, JsonObject, readonly Person[], string][] = [
    ['another role', statementOf('approve', bob, 'custodian'), [bob], 'PolicyRefused'],
    ['no member', statementOf('approve', person('dave'), 'custodian'), [person('dave')], 'PolicyRefused'],
    [
      'another ledger',
      statementOf('approve', bob, 'security-officer', { ledger_id: `gl-${'b'.repeat(32)}` }),
      [bob],
      'Conflict',
    ],
    [
      'another signer set',
      statementOf('approve', bob, 'security-officer', { signer_set_hash: `sha256:${'0'.repeat(64)}` }),
      [bob],
      'Stale',
    ],
    [
      'a retract of two votes',
      statementOf('retract', bob, 'security-officer', { refs: [PROPOSAL_DIGEST, PROPOSAL_DIGEST] }),
      [bob],
      'Malformed',
    ],
    [
      'an approve with refs',
      statementOf('approve', bob, 'security-officer', { refs: [PROPOSAL_DIGEST] }),
      [bob],
      'Malformed',
    ],
    ['an unknown purpose', statementOf('endorse', bob, 'security-officer'), [bob], 'Malformed'],
    ['signed by another', approveBob, [person('bob', 'mallory')], 'VerificationFailed'],
  ];
  return [
    ...good.map(([name, value, by]) => ({
      name,
      in: { file: file(state(value, [by])) },
      out: { digest: H('gov.statement.v1', value) },
    })),
    ...bad.map(([name, value, by, error]) => ({ name, in: { file: file(state(value, by)) }, error })),
  ];
}

function opId(digest: string, n: number): string {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(n);
  const raw = sha(
    Buffer.concat([Buffer.from('ron-gov/effect/v1\0'), Buffer.from(digest.slice(7), 'hex'), count]),
  ).subarray(0, 16);
  raw[6] = (raw[6]! & 0x0f) | 0x80;
  raw[8] = (raw[8]! & 0x3f) | 0x80;
  return raw.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const planSuite = (): OwnVector[] =>
  [0, 1, 2, 7].map((n) => ({
    name: `effect ${n}`,
    in: { proposal_digest: PROPOSAL_DIGEST, n },
    out: { op_id: opId(PROPOSAL_DIGEST, n) },
  }));

const moment = { wall: '2026-03-01T15:00:00.000Z', boot_id: 'boot-1', boottime_ms: 123_456 };
const approvals = [H('gov.statement.v1', approveAlice), H('gov.statement.v1', approveBob)].sort();
const receipt: JsonObject = {
  ledger_id: LEDGER,
  proposal_digest: PROPOSAL_DIGEST,
  statements: approvals,
  state_before: (proposalBody['base_state'] as JsonObject)['hash']!,
  state_after: proposalBody['expected_state_hash']!,
  effects: [{ n: 0, effect: 'policy', op_id: opId(PROPOSAL_DIGEST, 0), index: 9 }],
  executed_by: 'local:0:root',
  judged_at: moment,
  audit: { origin: 'ronctl.invalid/x/e0', index: 9 },
};

function receiptSuite(): OwnVector[] {
  const good = envelope('gov.execution.v1', receipt, [service]);
  return [
    {
      name: 'a policy change',
      in: { service: service.keys, file: file(good) },
      out: { digest: H('gov.execution.v1', receipt) },
    },
    {
      name: 'signed by other service keys',
      in: { service: service.keys, file: file(envelope('gov.execution.v1', receipt, [person('service', 'other')])) },
      error: 'VerificationFailed',
    },
    {
      name: 'signed by a member',
      in: { service: service.keys, file: file(envelope('gov.execution.v1', receipt, [alice])) },
      error: 'Malformed',
    },
  ];
}

function lineSuite(): OwnVector[] {
  const bodies: [string, JsonObject][] = [
    ['genesis', genesisEnvelope(genesis)],
    ['proposal', propose(proposalBody)],
    ['statement', state(approveAlice, [alice])],
    ['statement', state(approveBob, [bob])],
    [
      'intent',
      {
        proposal_digest: PROPOSAL_DIGEST,
        statements: approvals,
        judged_at: moment,
        plan: [{ n: 0, effect: 'policy', op_id: opId(PROPOSAL_DIGEST, 0) }],
      },
    ],
    ['execution', envelope('gov.execution.v1', receipt, [service])],
  ];
  let prev = `sha256:${'0'.repeat(64)}`;
  const lines = bodies.map(([type, body], seq) => {
    const line = { seq, prev, ts: `2026-03-01T1${seq + 2}:00:01.000Z`, type, body };
    const hash = H('gov.ledger-line.v1', line);
    const before = prev;
    prev = hash;
    return {
      name: `line ${seq}: ${type}`,
      in: { line: canonicalText({ ...line, hash }), prev: before },
      out: { seq, type, hash },
    };
  });
  const first = JSON.parse(lines[1]!.in.line) as JsonObject;
  return [
    ...lines,
    {
      name: 'another hash',
      in: { line: canonicalText({ ...first, hash: `sha256:${'0'.repeat(64)}` }), prev: lines[1]!.in.prev },
      error: 'Malformed',
    },
    {
      name: 'an unknown type',
      in: { line: canonicalText({ ...first, type: 'remark' }), prev: lines[1]!.in.prev },
      error: 'Malformed',
    },
  ];
}

interface VoteCase {
  readonly name: string;
  readonly threshold?: number;
  readonly roles?: readonly string[];
  /** `<purpose> <signer>`, in any order; `retract <signer> <index of the vote>`. */
  readonly statements: readonly string[];
  readonly approved: boolean;
  readonly approvals: readonly string[];
  readonly unreachable?: boolean;
  readonly withdrawn?: boolean;
}

const CASES: readonly VoteCase[] = [
  { name: 'nobody', statements: [], approved: false, approvals: [] },
  { name: 'one', statements: ['approve alice'], approved: false, approvals: ['alice'] },
  { name: 'two', statements: ['approve alice', 'approve bob'], approved: true, approvals: ['alice', 'bob'] },
  { name: 'one twice', statements: ['approve alice', 'approve alice'], approved: false, approvals: ['alice'] },
  {
    name: 'two of one role',
    roles: ['policy-owner', 'policy-owner', 'custodian'],
    statements: ['approve alice', 'approve bob'],
    approved: false,
    approvals: ['alice', 'bob'],
  },
  {
    name: 'three of two roles',
    roles: ['policy-owner', 'policy-owner', 'custodian'],
    statements: ['approve alice', 'approve bob', 'approve carol'],
    approved: true,
    approvals: ['alice', 'bob', 'carol'],
  },
  {
    name: 'two and a reject',
    statements: ['approve alice', 'approve bob', 'reject carol'],
    approved: true,
    approvals: ['alice', 'bob'],
  },
  {
    name: 'two rejects',
    statements: ['reject bob', 'reject carol'],
    approved: false,
    approvals: [],
    unreachable: true,
  },
  {
    name: 'both ways',
    statements: ['approve alice', 'approve bob', 'reject bob'],
    approved: false,
    approvals: ['alice'],
  },
  {
    name: 'retracted',
    statements: ['approve alice', 'approve bob', 'retract bob 1'],
    approved: false,
    approvals: ['alice'],
  },
  {
    name: 'retracted by another',
    statements: ['approve alice', 'approve bob', 'retract carol 1'],
    approved: true,
    approvals: ['alice', 'bob'],
  },
  {
    name: 'a retracted reject',
    statements: ['reject bob', 'approve alice', 'retract bob 0', 'approve bob'],
    approved: true,
    approvals: ['alice', 'bob'],
  },
  {
    name: 'withdrawn by its author',
    statements: ['approve alice', 'approve bob', 'withdraw alice'],
    approved: true,
    approvals: ['alice', 'bob'],
    withdrawn: true,
  },
  {
    name: 'a withdraw of another',
    statements: ['approve alice', 'approve bob', 'withdraw bob'],
    approved: true,
    approvals: ['alice', 'bob'],
  },
  { name: 'an outsider', statements: ['approve alice', 'approve mallory'], approved: false, approvals: ['alice'] },
  {
    name: '3 of 3 with two',
    threshold: 3,
    statements: ['approve alice', 'approve bob'],
    approved: false,
    approvals: ['alice', 'bob'],
  },
  {
    name: '3 of 3 with a reject',
    threshold: 3,
    statements: ['approve alice', 'approve bob', 'reject carol'],
    approved: false,
    approvals: ['alice', 'bob'],
    unreachable: true,
  },
];

const quorumSuite = (): OwnVector[] =>
  CASES.map(
    ({ name, threshold = 2, roles = ['policy-owner', 'security-officer', 'custodian'], statements, ...out }) => ({
      name,
      in: {
        author: 'alice',
        threshold,
        members: ['alice', 'bob', 'carol'].map((id, index) => ({ id, role: roles[index] })),
        statements,
      },
      out: { unreachable: false, withdrawn: false, ...out },
    }),
  );

/** Keys that the tests need to judge proposals and statements. */
export const VECTOR_SET = setValue;

export function governanceSuites(): ReadonlyMap<string, OwnSuite> {
  const suite = (name: string, source: string, vectors: OwnVector[]): [string, OwnSuite] => [
    `governance/${name}.json`,
    { suite: `governance ${name}`, source, vectors },
  ];
  return new Map([
    suite('genesis', 'H, base32 and signatures of the vector tool', genesisSuite()),
    suite('signer-set', 'H', setSuite()),
    suite('proposal', 'the signer set is that of the first genesis', proposalSuite()),
    suite('statement', 'the signer set is that of the first genesis', statementSuite()),
    suite('effect', 'SHA-256, UUID version 8', planSuite()),
    suite('receipt', 'H and signatures of the vector tool', receiptSuite()),
    suite('ledger-line', 'H; the lines follow one another', lineSuite()),
    suite('quorum', 'the rules of ronctl-governance(7), by hand', quorumSuite()),
  ]);
}

if (import.meta.main) for (const [path, suite] of governanceSuites()) writeSuite(path, suite);
