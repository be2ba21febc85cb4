// One artefact of every kind, made by the builders of the formats, with as many optional members as fit: for the tests of
// `inspect` and of the manual pages of section 5.

import { randomBytes } from 'node:crypto';
import { logVkeys, signCheckpoint } from '../../src/audit/checkpoint.ts';
import { leafHash, NO_PREVIOUS, nodeHash } from '../../src/audit/leaf.ts';
import { buildRecord } from '../../src/audit/record.ts';
import { formatTlogProof } from '../../src/audit/tlog-proof.ts';
import { toBase64Url } from '../../src/bytes/base64.ts';
import { canonicalFile, canonicalText } from '../../src/bytes/canonical-json.ts';
import { toHex } from '../../src/bytes/hex.ts';
import { fromUtf8, utf8 } from '../../src/bytes/text.ts';
import { uuidV4 } from '../../src/bytes/uuid.ts';
import { mintToken } from '../../src/capability/token.ts';
import type { SigningKey } from '../../src/crypto/provider.ts';
import {
  type Envelope,
  type EnvelopeSignature,
  envelopeDigest,
  envelopeFile,
  envelopeJson,
  signedBytes,
} from '../../src/envelope/dsse.ts';
import { type DualSigningKeys, signDual } from '../../src/envelope/dual-signature.ts';
import { digestH, payloadType } from '../../src/envelope/h.ts';
import { buildGenesis, genesisSet } from '../../src/governance/genesis.ts';
import { buildLine, type Line, type LineBody } from '../../src/governance/ledger.ts';
import { encodeDraft } from '../../src/governance/object-file.ts';
import { buildPossession } from '../../src/governance/possession.ts';
import { buildProposal, setRef } from '../../src/governance/proposal.ts';
import { buildReceipt } from '../../src/governance/receipt.ts';
import { makeSignerBundle } from '../../src/governance/signer-bundle.ts';
import { signerSetHash } from '../../src/governance/signer-set.ts';
import { buildStatement } from '../../src/governance/statement.ts';
import { ATTESTATION_TYPE, attestationPayload, SOFTWARE_CLASS } from '../../src/keys/attestation.ts';
import { bundleFile } from '../../src/keys/bundle.ts';
import { continuityFile, signContinuity } from '../../src/keys/continuity.ts';
import { signKeyObject } from '../../src/keys/key-object.ts';
import { signedMessage } from '../../src/keys/message.ts';
import { sealEnvelope } from '../../src/keys/wrap-envelope.ts';
import { initialPolicy } from '../../src/policy/state.ts';
import { policyViewJson, viewOf } from '../../src/policy/view.ts';
import { sealRecord, sealRoot } from '../../src/sealed/seal.ts';
import { testCrypto } from './crypto.ts';
import { FAST_KDF } from './store.ts';

export const crypto = testCrypto();

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const nonce = (): string => toBase64Url(random(16));

async function key(alg: 'ed25519' | 'ml-dsa' | 'ml-dsa-44'): Promise<SigningKey> {
  const scheme = crypto.signature(alg);
  return scheme.importSecret(await scheme.generate());
}

export const dual = async (): Promise<DualSigningKeys> => ({
  ed25519: await key('ed25519'),
  mlDsa: await key('ml-dsa'),
});

export const publicOf = (keys: DualSigningKeys) => ({
  ed25519: toBase64Url(keys.ed25519.publicKey),
  ml_dsa_65: toBase64Url(keys.mlDsa.publicKey),
});

interface Unsigned {
  readonly payloadType: string;
  readonly payload: Uint8Array;
}

export async function signedBy(
  object: Unsigned,
  by: readonly (readonly [string, DualSigningKeys])[],
  more: readonly EnvelopeSignature[] = [],
): Promise<Envelope> {
  const signatures = [...more];
  for (const [id, keys] of by)
    signatures.push(...(await signDual(crypto, object.payloadType, object.payload, id, keys)));
  return { ...object, signatures: signatures.sort((a, b) => (a.keyid < b.keyid ? -1 : 1)) };
}

export const T0 = '2026-11-20T10:00:00.000Z';

function capability(): string {
  const identifier = {
    v: 1,
    id: uuidV4(random(16)),
    root: 1,
    once: false,
    minted_at: T0,
    minted_by: 'local:0:root',
  } as const;
  return mintToken(random(32), { ...identifier, sub: 'ci' }, ['tenant = acme', 'scope = kms:sign', `exp = ${T0}`]);
}
const at = (hours: number): string => new Date(Date.parse(T0) + hours * 3_600_000).toISOString();
export const KID = 'acme/release/ed25519/0190f3c0-0000-7000-8000-000000000001';
const KEM_KID = 'acme/backup/hybrid-kem/0190f3c0-0000-7000-8000-000000000002';
const STORE_ID = '00112233445566778899aabbccddeeff';
const ORIGIN = `ronctl.invalid/${STORE_ID}/e0`;
const MOMENT = { wall: at(1), boot_id: 'boot', boottime_ms: 1000 };
const ZERO_DIGEST = `sha256:${'0'.repeat(64)}`;

export type ArtefactFiles = Awaited<ReturnType<typeof makeArtefacts>>;

/** Files by name, and the parts that tests vary. */
export async function makeArtefacts() {
  const people = { alice: await dual(), bob: await dual(), carol: await dual(), dora: await dual(), eve: await dual() };
  const service = await dual();
  const log = { ed25519: await key('ed25519'), mlDsa44: await key('ml-dsa-44') };

  const draft = buildGenesis({
    name: 'main',
    nonce: nonce(),
    profile: 'dev',
    store_id: STORE_ID,
    members: [
      { id: 'alice', role: 'policy-owner', keys: publicOf(people.alice) },
      { id: 'bob', role: 'security-officer', keys: publicOf(people.bob) },
      { id: 'carol', role: 'custodian', keys: publicOf(people.carol) },
    ],
    threshold: 2,
    auditor: { id: 'dora', keys: publicOf(people.dora) },
    service_keys: publicOf(service),
    log_keys: { ed25519: toBase64Url(log.ed25519.publicKey), ml_dsa_44: toBase64Url(log.mlDsa44.publicKey) },
    policy: initialPolicy('dev'),
    created_at: T0,
    supersedes: {
      ledger_id: `gl-${'a'.repeat(32)}`,
      checkpoint: { origin: ORIGIN, size: 9, root: '1'.repeat(64) },
    },
  });
  const logSignatures = async (object: Unsigned): Promise<EnvelopeSignature[]> => [
    { keyid: 'log/ed25519', signature: await log.ed25519.sign(signedBytes(object)) },
    { keyid: 'log/ml-dsa-44', signature: await log.mlDsa44.sign(signedBytes(object)) },
  ];
  const everybody = [
    ['alice', people.alice],
    ['bob', people.bob],
    ['carol', people.carol],
    ['dora', people.dora],
    ['service', service],
  ] as const;
  const genesis = await signedBy(draft, everybody, await logSignatures(draft));
  const genesisDraft = await signedBy(draft, everybody.slice(0, 2));
  const set = genesisSet(draft.genesis);
  const ledgerId = draft.genesis.ledger_id;

  const old = await dual();
  const previous = await makeSignerBundle(crypto, { id: 'eve', createdAt: T0, keys: old });
  const bundle = await makeSignerBundle(crypto, {
    id: 'eve',
    createdAt: at(1),
    keys: people.eve,
    previous: { digest: previous.digest, keys: old },
  });

  const built = buildProposal({
    ledger_id: ledgerId,
    author: 'alice',
    scope: 'tenant:acme',
    rationale: 'hybrid AND cutover',
    changeset: [{ key: 'pq.phase', from: 1, to: 2 }],
    actions: [],
    risk: { level: 'high', text: 'as agreed' },
    rollback: { changeset: [{ key: 'pq.phase', from: 2, to: 1 }], valid_for_s: 86_400 },
    signer_set: setRef(set),
    base_state: { seq: 0, hash: ZERO_DIGEST },
    expected_state_hash: ZERO_DIGEST,
    change_window: { not_before: at(0), not_after: at(20) },
    created_at: T0,
    expires_at: at(24),
    attachments: [
      {
        name: 'tests.txt',
        kind: 'phase-transition-tests',
        media_type: 'text/plain',
        size: 3,
        sha256: '2'.repeat(64),
        url: 'https://example.org/tests.txt',
      },
    ],
    nonce: nonce(),
  });
  const proposal = await signedBy(built, [['alice', people.alice]]);
  const proposalDigest = envelopeDigest(proposal);
  const change = buildProposal({
    ledger_id: ledgerId,
    author: 'alice',
    scope: 'global',
    rationale: 'carol has left',
    changeset: [],
    actions: [
      {
        name: 'signer-set-change',
        new_set: {
          members: [
            { id: 'alice', role: 'policy-owner', keys: publicOf(people.alice) },
            { id: 'bob', role: 'security-officer', keys: publicOf(people.bob) },
            { id: 'eve', role: 'custodian', keys: publicOf(people.eve) },
          ],
          threshold: 2,
          auditor: { id: 'dora', keys: publicOf(people.dora) },
        },
        removed: [{ id: 'carol', reason: 'left' }],
      },
    ],
    risk: { level: 'high', text: '' },
    rollback: 'none',
    signer_set: setRef(set),
    base_state: { seq: 0, hash: ZERO_DIGEST },
    expected_state_hash: ZERO_DIGEST,
    created_at: T0,
    expires_at: at(24),
    attachments: [],
    nonce: nonce(),
  });
  const signerSetChange = envelopeFile(await signedBy(change, [['alice', people.alice]]));
  const statementOf = async (signer: 'alice' | 'bob', role: 'policy-owner' | 'security-officer'): Promise<Envelope> =>
    signedBy(
      buildStatement({
        purpose: 'approve',
        refs: [],
        proposal_id: built.proposal.id,
        proposal_digest: proposalDigest,
        ledger_id: ledgerId,
        signer_set_hash: signerSetHash(set),
        role,
        signer,
        signed_at: at(1),
        nonce: nonce(),
        seen: {
          ledger_seq: 1,
          ledger_hash: ZERO_DIGEST,
          checkpoint: { origin: ORIGIN, size: 3, root: '3'.repeat(64) },
        },
        comment: 'looks right',
      }),
      [[signer, people[signer]]],
    );
  const statements = [await statementOf('alice', 'policy-owner'), await statementOf('bob', 'security-officer')];
  const possession = await signedBy(
    buildPossession({
      ledger_id: ledgerId,
      proposal_digest: proposalDigest,
      member: { id: 'eve', role: 'custodian', keys: publicOf(people.eve) },
    }),
    [['eve', people.eve]],
  );
  const receipt = await signedBy(
    buildReceipt({
      ledger_id: ledgerId,
      proposal_digest: proposalDigest,
      statements: statements.map(envelopeDigest).sort(),
      state_before: ZERO_DIGEST,
      state_after: ZERO_DIGEST,
      effects: [{ n: 0, effect: 'policy', op_id: '0190f3c0-0000-8000-8000-000000000003', index: 7 }],
      executed_by: 'local:0:root',
      judged_at: MOMENT,
      audit: { origin: ORIGIN, index: 7 },
    }),
    [['service', service]],
  );

  const lines: { line: Line; bytes: Uint8Array }[] = [];
  const append = (content: LineBody): void => {
    lines.push(buildLine(lines.at(-1)?.line ?? null, { ts: at(1), content }));
  };
  append({ type: 'genesis', body: genesis });
  append({ type: 'proposal', body: proposal });
  for (const one of statements) append({ type: 'statement', body: one });
  append({
    type: 'intent',
    body: {
      proposal_digest: proposalDigest,
      statements: statements.map(envelopeDigest).sort(),
      judged_at: MOMENT,
      plan: [{ n: 0, effect: 'policy', op_id: '0190f3c0-0000-8000-8000-000000000003' }],
    },
  });
  append({ type: 'execution', body: receipt });

  const records: Uint8Array[] = [];
  for (let seq = 0; seq < 3; seq++) {
    const first = seq === 0;
    records.push(
      buildRecord(
        first
          ? {
              op: 'init',
              actor: 'system',
              result: 'ok',
              generation: 1,
              manifest_sha256: '4'.repeat(64),
              public_sha256: '5'.repeat(64),
              detail: { profile: 'dev', version: '0.1.0', governed: false },
            }
          : {
              op: 'sign',
              actor: 'local:0:root',
              tenant: 'acme',
              kid: `${KID}#v1`,
              alg: 'ed25519+ml-dsa',
              purpose: 'release',
              input_hash: `b3:${'6'.repeat(64)}`,
              req: '7'.repeat(64),
              result: 'ok',
            },
        {
          seq,
          r: nonce(),
          prev: first ? NO_PREVIOUS : toHex(leafHash(records[seq - 1]!)),
          ts: at(1),
          mono: 1000 + seq,
          boot: '0123abcd',
          op_id: '0190f3c0-0000-7000-8000-00000000000a',
          ...(first ? {} : { kid_seq: seq }),
        },
      ).line,
    );
  }
  const [leaf0, leaf1, leaf2] = records.map((one) => leafHash(one)) as [Uint8Array, Uint8Array, Uint8Array];
  const body = { origin: ORIGIN, size: 3, root: nodeHash(nodeHash(leaf0, leaf1), leaf2) };
  const checkpoint = await signCheckpoint(body, 1_795_000_000, [log]);
  const tlogProof = formatTlogProof({ extra: records[2]!, index: 2, path: [nodeHash(leaf0, leaf1)], checkpoint });

  const version = { kid: `${KID}#v1`, tracks: ['ed25519', 'ml-dsa'] as const, created_at: T0 };
  const first = await dual();
  const second = await dual();
  const pub = (keys: DualSigningKeys) => ({ ed25519: keys.ed25519.publicKey, ml_dsa_65: keys.mlDsa.publicKey });
  const keyObject = await signKeyObject(
    crypto,
    { ...version, state: 'compromised', from_seq: 9, rotate_days: 30, pub: pub(first) },
    service,
  );
  const attestation = {
    payloadType: ATTESTATION_TYPE,
    payload: attestationPayload({
      build: 'release',
      class: SOFTWARE_CLASS,
      kid: `${KID}#v1`,
      pub: pub(first),
      store_id: STORE_ID,
      ts: T0,
    }),
  };
  const xWing = crypto.kem('x-wing');
  const kemPublic = await xWing.publicKey(await xWing.generate());
  const kemObject = await signKeyObject(
    crypto,
    {
      kid: `${KEM_KID}#v1`,
      tracks: ['x25519', 'ml-kem'],
      suite: 1,
      created_at: T0,
      state: 'active',
      pub: { x_wing: kemPublic },
    },
    service,
  );
  const tracks = (keys: DualSigningKeys) =>
    new Map([
      ['ed25519', keys.ed25519],
      ['ml-dsa', keys.mlDsa],
    ] as const);
  const continuity = await signContinuity(
    crypto,
    {
      ledger_id: ledgerId,
      old: { kid: `${KID}#v1`, pub: pub(first) },
      new: { kid: `${KID}#v2`, pub: pub(second) },
      op_id: '0190f3c0-0000-7000-8000-00000000000b',
      ts: at(2),
    },
    service,
    { old: tracks(first), new: tracks(second) },
  );

  const payloadB3 = random(32);
  const message = signedMessage(['ed25519', 'ml-dsa'], `${KID}#v1`, payloadB3);
  const signatureBundle = bundleFile({
    kid: `${KID}#v1`,
    payload_b3: toHex(payloadB3),
    sigs: [
      { alg: 'ed25519', signature_b64: Buffer.from(await first.ed25519.sign(message)).toString('base64') },
      { alg: 'ml-dsa', signature_b64: Buffer.from(await first.mlDsa.sign(message)).toString('base64') },
    ],
  });

  const sealInput = { storeId: STORE_ID, generation: 1, createdAt: T0, meta: { v: 1 }, secret: random(32) } as const;
  const unsigned = (name: string, content: object): Uint8Array =>
    canonicalFile({ type: payloadType(name), ...content });
  const chain = [
    {
      proposal: envelopeJson(proposal),
      statements: statements.map(envelopeJson),
      possessions: [envelopeJson(possession)],
      receipt: envelopeJson(receipt),
    },
  ];
  const carried = {
    genesis: envelopeJson(genesis),
    key_chain: chain,
    proposal: envelopeJson(proposal),
    statements: statements.map(envelopeJson),
  };
  const record = fromUtf8(records[2]!)!;
  const file = (parts: readonly Uint8Array[]): Uint8Array => utf8(parts.map((one) => `${fromUtf8(one)!}\n`).join(''));

  const files = {
    genesis: envelopeFile(genesis),
    'genesis draft': envelopeFile(genesisDraft),
    proposal: envelopeFile(proposal),
    statement: envelopeFile(statements[1]!),
    possession: envelopeFile(possession),
    receipt: envelopeFile(receipt),
    'signer bundle': envelopeFile(bundle.envelope),
    draft: encodeDraft(proposal.payload),
    request: unsigned('gov.request.v1', {
      ...carried,
      view: policyViewJson(
        viewOf({
          ledgerId,
          scope: 'tenant:acme',
          state: initialPolicy('dev'),
          signerSetHash: signerSetHash(set),
        }),
      ),
      head: { seq: 5, hash: ZERO_DIGEST, record, tlog_proof: fromUtf8(tlogProof)! },
    }),
    proof: unsigned('gov.proof.v1', {
      v: 1,
      ...carried,
      receipt: envelopeJson(receipt),
      record,
      tlog_proof: fromUtf8(tlogProof)!,
    }),
    evidence: unsigned('gov.evidence.v1', { kind: 'equivocation', objects: statements.map(envelopeJson) }),
    'roll-call': envelopeFile(
      await signedBy(
        {
          payloadType: payloadType('gov.roll-call.v1'),
          payload: utf8(
            canonicalText({
              ledger_id: ledgerId,
              signer: 'alice',
              at: at(1),
              seen: {
                ledger_seq: 1,
                ledger_hash: ZERO_DIGEST,
                checkpoint: { origin: ORIGIN, size: 3, root: '3'.repeat(64) },
              },
            }),
          ),
        },
        [['alice', people.alice]],
      ),
    ),
    dispute: envelopeFile(
      await signedBy(
        {
          payloadType: payloadType('gov.dispute.v1'),
          payload: utf8(
            canonicalText({
              ledger_id: ledgerId,
              refs: [{ index: 2, leaf: toHex(leafHash(records[2]!)) }],
              claimant: 'service',
              text_sha256: ZERO_DIGEST,
              at: at(1),
            }),
          ),
        },
        [['service', service]],
      ),
    ),
    checkpoint,
    'tlog-proof': tlogProof,
    'sealed record': sealRecord(crypto, random, random(32), { ...sealInput, id: `${KID}#v1`, type: 'key-version' }),
    'key object': keyObject,
    attestation: envelopeFile({ ...attestation, signatures: await logSignatures(attestation) }),
    continuity: continuityFile(continuity),
    'signature bundle': signatureBundle,
    capability: utf8(`${capability()}\n`),
    'wrap envelope': await sealEnvelope(crypto, 1, `${KEM_KID}#v1`, kemPublic, random(32)),
    'audit segment': file(records),
    'ledger segment': file(lines.map((one) => one.bytes)),
  };
  return {
    files,
    rootRecord: await sealRoot(crypto, random, utf8('pass'), FAST_KDF, { ...sealInput, id: 'root', type: 'root' }),
    kemObject,
    signerSetChange,
    people,
    service,
    log,
    ledgerId,
    logFile: canonicalFile({
      v: 1,
      store_id: STORE_ID,
      base: 'ronctl.invalid',
      service_keys: publicOf(service),
      epochs: [{ n: 0, origin: ORIGIN, keys: [{ from: 0, vkeys: logVkeys(ORIGIN, log) }] }],
    }),
    digestOf: (type: string, payload: object) => digestH(payloadType(type), utf8(canonicalText(payload))),
  };
}
