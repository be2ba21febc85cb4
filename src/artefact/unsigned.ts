// Recogniser of the objects that are not signed themselves (governance page 1, 6, 8): draft, request, proof, evidence.
// They are canonical JSON with a member `type`, and carry envelopes whose signatures are judged one by one under the keys
// of the genesis and the key chain inside.

import { type Json, type JsonObject, parseCanonical } from '../bytes/canonical-json.ts';
import { any, anyObject, array, type Decoder, literal, malformed, object, string } from '../bytes/decode.ts';

import { sha256Hex } from '../crypto/hash.ts';
import type { Crypto } from '../crypto/provider.ts';
import { decodeEnvelope, type Envelope, envelopeDigest } from '../envelope/dsse.ts';
import { fingerprintWords } from '../envelope/fingerprint.ts';
import { payloadType } from '../envelope/h.ts';
import { type ChainLink, keyChain } from '../governance/key-chain.ts';
import { DRAFT_TYPE, REQUEST_TYPE } from '../governance/names.ts';
import { recogniseFile } from '../governance/object-file.ts';
import { parseProposal } from '../governance/proposal.ts';
import { parseRequest } from '../governance/request.ts';
import { parseStatement } from '../governance/statement.ts';
import {
  type Artefact,
  type ArtefactCheck,
  type ArtefactMember,
  type ArtefactSignature,
  check,
  type KnownKey,
  membersOf,
} from './artefact.ts';
import { keysIn } from './known-keys.ts';
import { describeSigned, versionOf } from './signed.ts';

export const PROOF_TYPE = payloadType('gov.proof.v1');
export const EVIDENCE_TYPE = payloadType('gov.evidence.v1');

const envelope: Decoder<Envelope> = (value, path) => decodeEnvelope(value, path);
const proof = object({
  type: literal(PROOF_TYPE),
  v: literal(1),
  genesis: envelope,
  key_chain: keyChain,
  proposal: envelope,
  statements: array(envelope, 1024),
  receipt: envelope,
  record: string(),
  tlog_proof: string(),
});
const evidence = object({
  type: literal(EVIDENCE_TYPE),
  kind: literal('equivocation', 'fork', 'second-successor'),
  objects: array(any, 64, 1),
});

interface Part {
  readonly path: string;
  readonly envelope: Envelope;
}

function partsOf(of: {
  genesis: Envelope;
  key_chain: readonly ChainLink[];
  proposal: Envelope;
  statements: readonly Envelope[];
}): Part[] {
  const list = (path: string, envelopes: readonly Envelope[]): Part[] =>
    envelopes.map((one, index) => ({ path: `${path}[${index}]`, envelope: one }));
  return [
    { path: 'genesis', envelope: of.genesis },
    ...of.key_chain.flatMap((link, index) => {
      const at = `key_chain[${index}]`;
      return [
        { path: `${at}.proposal`, envelope: link.proposal },
        ...list(`${at}.statements`, link.statements),
        ...list(`${at}.possessions`, link.possessions),
        { path: `${at}.receipt`, envelope: link.receipt },
      ];
    }),
    { path: 'proposal', envelope: of.proposal },
    ...list('statements', of.statements),
  ];
}

interface Judged {
  readonly signatures: ArtefactSignature[];
  readonly checks: ArtefactCheck[];
}

/** Judges every part under `keys` and the keys of all parts; a part of a type that does not belong there is malformed. */
function judgeParts(crypto: Crypto, parts: readonly Part[], outside: readonly KnownKey[]): Judged {
  const keys = [...parts.flatMap((one) => keysIn(one.envelope)), ...outside];
  const out: Judged = { signatures: [], checks: [] };
  for (const part of parts) {
    const described = describeSigned(crypto, part.envelope, keys);
    if (described === null)
      malformed(part.path, `an object of the type ${part.envelope.payloadType} does not belong here`);
    out.signatures.push(...described.signatures.map((one) => ({ ...one, object: part.path })));
    out.checks.push(
      ...described.checks.filter((one) => !one.ok).map((one) => ({ ...one, what: `${part.path}: ${one.what}` })),
    );
  }
  return out;
}

function bindings(proposalEnvelope: Envelope, statements: readonly Envelope[]): ArtefactCheck[] {
  const digest = envelopeDigest(proposalEnvelope);
  const foreign = statements.filter((one) => parseStatement(one).proposal_digest !== digest).length;
  return [check('every statement names this proposal', foreign === 0, `${foreign} of ${statements.length} do not`)];
}

function proposalMembers(of: {
  genesis: Envelope;
  key_chain: readonly ChainLink[];
  proposal: Envelope;
  statements: readonly Envelope[];
}): ArtefactMember[] {
  const proposal = parseProposal(of.proposal);
  const members: ArtefactMember[] = [
    { name: 'ledger_id', value: proposal.ledger_id },
    { name: 'genesis', value: envelopeDigest(of.genesis) },
    { name: 'key_chain', value: `${of.key_chain.length} executed` },
    ...membersOf(proposal as unknown as JsonObject, 'proposal'),
  ];
  of.statements.forEach((one, index) => {
    const { purpose, signer, role, signed_at } = parseStatement(one);
    members.push({ name: `statements[${index}]`, value: `${purpose} by ${signer} as ${role}, ${signed_at}` });
  });
  return members;
}

function describeRequest(
  crypto: Crypto,
  bytes: Uint8Array,
  keys: readonly KnownKey[],
): Omit<Artefact, 'version' | 'type'> {
  const raw = parseRequest(bytes, 'request');
  const judged = judgeParts(crypto, partsOf(raw), keys);
  const digest = envelopeDigest(raw.proposal);
  return {
    kind: 'request',
    digest,
    words: fingerprintWords(digest),
    members: [
      ...proposalMembers(raw),
      { name: 'head.seq', value: String(raw.head.seq) },
      { name: 'head.hash', value: raw.head.hash },
      { name: 'head.record', value: `SHA-256 ${sha256Hex(new TextEncoder().encode(raw.head.record))}` },
    ],
    signatures: judged.signatures,
    checks: [...judged.checks, ...bindings(raw.proposal, raw.statements)],
    unchecked: [
      'whether the genesis inside is the one that you pinned',
      'the quorum of each change in the key chain, the policy state and the ledger head: `ronctl governance verify FILE` does',
    ],
  };
}

function describeProof(
  crypto: Crypto,
  value: JsonObject,
  keys: readonly KnownKey[],
): Omit<Artefact, 'version' | 'type'> {
  const raw = proof(value, '');
  const parts = [...partsOf(raw), { path: 'receipt', envelope: raw.receipt }];
  const judged = judgeParts(crypto, parts, keys);
  const digest = envelopeDigest(raw.proposal);
  return {
    kind: 'proof',
    digest,
    words: fingerprintWords(digest),
    members: [
      ...proposalMembers(raw),
      { name: 'record', value: `SHA-256 ${sha256Hex(new TextEncoder().encode(raw.record))}` },
    ],
    signatures: judged.signatures,
    checks: [...judged.checks, ...bindings(raw.proposal, raw.statements)],
    unchecked: ['whether the genesis inside is the one that you pinned', 'the inclusion of the record, and the quorum'],
  };
}

function describeDraft(bytes: Uint8Array): Omit<Artefact, 'version' | 'type'> {
  const file = recogniseFile(bytes, 'draft');
  const payload = file.kind === 'draft' ? parseCanonical(file.payload, 'payload') : null;
  return {
    kind: 'draft',
    digest: null,
    words: null,
    members: membersOf(anyObject(payload, 'payload')),
    signatures: [],
    checks: [],
    unchecked: ['everything: a draft is not signed; `ronctl governance propose --from FILE` makes the proposal'],
  };
}

function describeEvidence(
  crypto: Crypto,
  value: JsonObject,
  keys: readonly KnownKey[],
): Omit<Artefact, 'version' | 'type'> {
  const raw = evidence(value, '');
  const isEnvelope = (one: Json): one is JsonObject =>
    one !== null && typeof one === 'object' && !Array.isArray(one) && Object.hasOwn(one, 'payloadType');
  const parts = raw.objects.flatMap((one, index) =>
    isEnvelope(one) ? [{ path: `objects[${index}]`, envelope: decodeEnvelope(one, `objects[${index}]`) }] : [],
  );
  const judged = judgeParts(crypto, parts, keys);
  return {
    kind: 'evidence',
    digest: null,
    words: null,
    members: [
      { name: 'kind', value: raw.kind },
      { name: 'objects', value: String(raw.objects.length) },
      ...raw.objects.flatMap((one, index) => (isEnvelope(one) ? [] : membersOf({ [`objects[${index}]`]: one }))),
    ],
    signatures: judged.signatures,
    checks: judged.checks,
    unchecked: ['whether the two objects really contradict each other, and who made them'],
  };
}

/** `value`: the parsed file. Null when `type` is none of ours. */
export function describeUnsigned(
  crypto: Crypto,
  bytes: Uint8Array,
  value: JsonObject,
  keys: readonly KnownKey[],
): Artefact | null {
  const type = value['type'];
  if (typeof type !== 'string') return null;
  const found = ((): Omit<Artefact, 'version' | 'type'> | null => {
    switch (type) {
      case REQUEST_TYPE:
        return describeRequest(crypto, bytes, keys);
      case PROOF_TYPE:
        return describeProof(crypto, value, keys);
      case DRAFT_TYPE:
        return describeDraft(bytes);
      case EVIDENCE_TYPE:
        return describeEvidence(crypto, value, keys);
      default:
        return null;
    }
  })();
  return found === null ? null : { ...found, version: versionOf(type), type };
}

/** Envelopes inside a request or proof that name keys: for judging other files. */
export function envelopesOf(bytes: Uint8Array, value: JsonObject): readonly Envelope[] {
  if (value['type'] === REQUEST_TYPE) return partsOf(parseRequest(bytes, 'request')).map((one) => one.envelope);
  if (value['type'] === PROOF_TYPE) return partsOf(proof(value, '')).map((one) => one.envelope);
  return [];
}
