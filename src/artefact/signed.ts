// Recogniser of signed objects (DSSE envelopes): one row per payload type. The form is parsed by the module that owns the
// format; a row adds who must have signed, and what the bytes alone cannot tell. Throws Malformed when a payload is not
// what its type says.

import type { JsonObject } from '../bytes/canonical-json.ts';
import { parseCanonical } from '../bytes/canonical-json.ts';
import { integer, object, sha256Digest, time } from '../bytes/decode.ts';
import type { Crypto } from '../crypto/provider.ts';
import { SIGNATURES, type SignatureAlg } from '../crypto/suite.ts';
import { type Envelope, envelopeDigest, envelopeFile } from '../envelope/dsse.ts';
import { ED25519_KEYID, ML_DSA_KEYID } from '../envelope/dual-signature.ts';
import { fingerprintWords } from '../envelope/fingerprint.ts';
import { payloadType } from '../envelope/h.ts';
import { parseDispute } from '../governance/dispute.ts';
import { genesisSigners, parseGenesis } from '../governance/genesis.ts';
import {
  DISPUTE_TYPE,
  EXECUTION_TYPE,
  GENESIS_TYPE,
  ledgerId,
  POSSESSION_TYPE,
  PROPOSAL_TYPE,
  STATEMENT_TYPE,
  signerId,
} from '../governance/names.ts';
import { parsePossession } from '../governance/possession.ts';
import { parseProposal } from '../governance/proposal.ts';
import { parseReceipt } from '../governance/receipt.ts';
import { parseBundlePayload, SIGNER_BUNDLE_TYPE } from '../governance/signer-bundle.ts';
import { checkpointRef, parseStatement } from '../governance/statement.ts';
import { ATTESTATION_SIGNERS, ATTESTATION_TYPE, parseAttestation } from '../keys/attestation.ts';
import { CONTINUITY_TYPE, parseContinuity } from '../keys/continuity.ts';
import { KEY_OBJECT_TYPE, parseKeyObject } from '../keys/key-object.ts';
import { type Artefact, type ArtefactKind, check, type KnownKey, membersOf } from './artefact.ts';
import { judgeEnvelope, keysIn } from './known-keys.ts';

export const ROLL_CALL_TYPE = payloadType('gov.roll-call.v1');

const seen = object({ ledger_seq: integer(0), ledger_hash: sha256Digest, checkpoint: checkpointRef });
const rollCall = object({ ledger_id: ledgerId, signer: signerId, at: time, seen });
interface SignedKind {
  readonly kind: ArtefactKind;
  /** Checks the form; returns the key ids that must have signed. */
  readonly signers: (envelope: Envelope) => readonly string[];
  readonly words: boolean;
  readonly unchecked: readonly string[];
}

const pair = (id: string): string[] => [ED25519_KEYID(id), ML_DSA_KEYID(id)];
const payloadOf = (envelope: Envelope): JsonObject => parseCanonical(envelope.payload, 'payload') as JsonObject;

const WHOSE_KEYS = 'whose keys these are: compare the 12 words by voice';
const IN_FORCE = 'whether the signer was a member when it was made: the ledger decides';

function continuitySigners(envelope: Envelope): string[] {
  const { continuity } = parseContinuity(envelopeFile(envelope), 'continuity');
  const of = (end: { readonly kid: string; readonly pub: Readonly<Record<string, unknown>> }): string[] =>
    (Object.keys(SIGNATURES) as SignatureAlg[])
      .filter((alg) => end.pub[SIGNATURES[alg].member] !== undefined)
      .map((alg) => `${end.kid}/${alg}`);
  const old = continuity.proposal_digest === undefined ? of(continuity.old) : [];
  return [...pair('service'), ...old, ...of(continuity.new)];
}

const KINDS: ReadonlyMap<string, SignedKind> = new Map<string, SignedKind>([
  [
    GENESIS_TYPE,
    {
      kind: 'genesis',
      signers: (envelope) => [
        ...genesisSigners(parseGenesis(envelope)).flatMap((one) => pair(one.id)),
        'log/ed25519',
        'log/ml-dsa-44',
      ],
      words: true,
      unchecked: ['whether this is the genesis that you pinned: compare the 12 words', WHOSE_KEYS],
    },
  ],
  [
    SIGNER_BUNDLE_TYPE,
    {
      kind: 'signer bundle',
      signers: (envelope) => {
        const { id, prev } = parseBundlePayload(envelope, 'signer bundle');
        return [...pair(id), ...(prev === undefined ? [] : pair(`${id}@prev`))];
      },
      words: true,
      unchecked: [WHOSE_KEYS],
    },
  ],
  [
    PROPOSAL_TYPE,
    {
      kind: 'proposal',
      signers: (envelope) => pair(parseProposal(envelope).author),
      words: true,
      unchecked: [IN_FORCE, 'whether the state it was written against is still in force', 'who has approved it'],
    },
  ],
  [
    STATEMENT_TYPE,
    {
      kind: 'statement',
      signers: (envelope) => pair(parseStatement(envelope).signer),
      words: false,
      unchecked: [IN_FORCE, 'whether it was ingested in time, and not retracted'],
    },
  ],
  [
    POSSESSION_TYPE,
    {
      kind: 'possession',
      signers: (envelope) => pair(parsePossession(envelope).member.id),
      words: false,
      unchecked: ['whether the change that it belongs to was approved'],
    },
  ],
  [
    EXECUTION_TYPE,
    {
      kind: 'receipt',
      signers: (envelope) => {
        parseReceipt(envelope);
        return pair('service');
      },
      words: false,
      unchecked: ['whether the audit record that it names is in the log'],
    },
  ],
  [
    ROLL_CALL_TYPE,
    {
      kind: 'roll-call',
      signers: (envelope) => pair(rollCall(payloadOf(envelope), '').signer),
      words: false,
      unchecked: [IN_FORCE],
    },
  ],
  [
    DISPUTE_TYPE,
    {
      kind: 'dispute',
      signers: (envelope) => pair(parseDispute(envelope).claimant),
      words: false,
      unchecked: [IN_FORCE, 'whether the log has the records that it names: `ronctl audit show INDEX`'],
    },
  ],
  [
    KEY_OBJECT_TYPE,
    {
      kind: 'key object',
      signers: (envelope) => {
        parseKeyObject(envelopeFile(envelope), 'key object');
        return pair('service');
      },
      words: false,
      unchecked: ['the state of the version now: public.json of the store says it, under a checkpoint'],
    },
  ],
  [
    ATTESTATION_TYPE,
    {
      kind: 'attestation',
      signers: (envelope) => {
        parseAttestation(envelopeFile(envelope), 'attestation');
        return ATTESTATION_SIGNERS;
      },
      words: false,
      unchecked: [
        'where the private key lies: class software says only which log vouches for the public one',
        'whether the log has its record: the `attest` record names the SHA-256 of this file',
      ],
    },
  ],
  [
    CONTINUITY_TYPE,
    {
      kind: 'continuity',
      signers: continuitySigners,
      words: false,
      unchecked: ['whether the log holds the rotation with these keys: `ronctl kms continuity KID`'],
    },
  ],
]);

/**
 * Signed by keys that stand in them. A proposal is not: the set that it proposes says nothing about who may sign it.
 */
const SELF_SIGNED: ReadonlySet<ArtefactKind> = new Set(['genesis', 'signer bundle', 'possession', 'continuity']);

/** True for a payload type that has a row. */
export function isSignedKind(type: string): boolean {
  return KINDS.has(type);
}

const VERSION = /\.v(\d+)\+json$/;

export function versionOf(type: string): number {
  return Number(VERSION.exec(type)?.[1] ?? 0);
}

/** `keys`: from outside; those of a self-signed object are added. Null when the payload type is not ours. */
export function describeSigned(crypto: Crypto, envelope: Envelope, keys: readonly KnownKey[]): Artefact | null {
  const row = KINDS.get(envelope.payloadType);
  if (row === undefined) return null;
  const expected = row.signers(envelope);
  const own = SELF_SIGNED.has(row.kind) ? keysIn(envelope) : [];
  const signatures = judgeEnvelope(crypto, [...keys, ...own], '', envelope);
  const present = envelope.signatures.map((one) => one.keyid);
  const missing = expected.filter((keyid) => !present.includes(keyid));
  const foreign = present.filter((keyid) => !expected.includes(keyid));
  const draft = row.kind === 'genesis' && missing.length > 0;
  const digest = envelopeDigest(envelope);
  return {
    kind: draft ? 'genesis draft' : row.kind,
    version: versionOf(envelope.payloadType),
    type: envelope.payloadType,
    digest,
    words: row.words ? fingerprintWords(digest) : null,
    members: membersOf(payloadOf(envelope)),
    signatures,
    checks: [
      ...(draft
        ? []
        : [
            check('every signature that it must have is there', missing.length === 0, `missing: ${missing.join(', ')}`),
          ]),
      check('no other signature is there', foreign.length === 0, foreign.join(', ')),
    ],
    unchecked: [...(draft ? [`signatures still missing: ${missing.join(', ')}`] : []), ...row.unchecked],
  };
}
