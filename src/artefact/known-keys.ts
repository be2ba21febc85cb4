// Which public keys an object names, by key id, and what a signature is worth under them. A key that stands in the object
// itself proves only that its holder signed; whether it is the right person's key, the 12 words decide.

import { fromBase64Url } from '../bytes/base64.ts';
import type { JsonObject } from '../bytes/canonical-json.ts';
import { parseCanonical } from '../bytes/canonical-json.ts';
import type { Crypto } from '../crypto/provider.ts';
import { SIGNATURES, type SignatureAlg } from '../crypto/suite.ts';
import { type Envelope, signedBytes } from '../envelope/dsse.ts';
import { parseGenesis } from '../governance/genesis.ts';
import { GENESIS_TYPE, POSSESSION_TYPE, PROPOSAL_TYPE } from '../governance/names.ts';
import { parsePossession } from '../governance/possession.ts';
import { parseProposal } from '../governance/proposal.ts';
import { parseBundlePayload, SIGNER_BUNDLE_TYPE } from '../governance/signer-bundle.ts';
import { CONTINUITY_TYPE } from '../keys/continuity.ts';
import { KEY_OBJECT_TYPE } from '../keys/key-object.ts';
import type { ArtefactSignature, KnownKey } from './artefact.ts';

const ALGS = Object.keys(SIGNATURES) as SignatureAlg[];

/** Keys of one holder; `pairs` maps key members (`ed25519`, `ml_dsa_65`, ...) to base64url. Others than signing keys are left out. */
export function keysOfHolder(
  holder: string,
  pairs: Readonly<Partial<Record<string, unknown>>>,
  from: string,
): KnownKey[] {
  return ALGS.flatMap((alg) => {
    const text = pairs[SIGNATURES[alg].member];
    const publicKey = typeof text === 'string' ? fromBase64Url(text, SIGNATURES[alg].publicBytes) : null;
    return publicKey === null ? [] : [{ keyid: `${holder}/${alg}`, alg, publicKey, from }];
  });
}

const record = (pairs: object): Readonly<Record<string, unknown>> => pairs as Readonly<Record<string, unknown>>;

/** The keys that a signed object itself names. Throws Malformed when it is not what its type says. */
export function keysIn(envelope: Envelope): KnownKey[] {
  switch (envelope.payloadType) {
    case GENESIS_TYPE: {
      const genesis = parseGenesis(envelope);
      const from = `genesis ${genesis.ledger_id}`;
      return [
        ...genesis.members.flatMap((one) => keysOfHolder(one.id, record(one.keys), from)),
        ...(genesis.auditor === undefined ? [] : keysOfHolder(genesis.auditor.id, record(genesis.auditor.keys), from)),
        ...keysOfHolder('service', record(genesis.service_keys), from),
        ...keysOfHolder('log', record(genesis.log_keys), from),
      ];
    }
    case SIGNER_BUNDLE_TYPE: {
      const bundle = parseBundlePayload(envelope, 'signer bundle');
      const from = `bundle of ${bundle.id}`;
      return [
        ...keysOfHolder(bundle.id, record(bundle.keys), from),
        ...(bundle.prev === undefined ? [] : keysOfHolder(`${bundle.id}@prev`, record(bundle.prev.keys), from)),
      ];
    }
    case POSSESSION_TYPE: {
      const { member } = parsePossession(envelope);
      return keysOfHolder(member.id, record(member.keys), 'the object itself');
    }
    case PROPOSAL_TYPE: {
      const proposal = parseProposal(envelope);
      return proposal.actions.flatMap((action) => {
        const from = `proposal ${proposal.id}`;
        if (action.name === 'service-key-rotate') return keysOfHolder('service', record(action.new_keys), from);
        if (action.name === 'log-key-rotate') return keysOfHolder('log', record(action.new_keys), from);
        if (action.name !== 'signer-set-change') return [];
        const { members, auditor } = action.new_set;
        return [...members, ...(auditor === undefined ? [] : [auditor])].flatMap((one) =>
          keysOfHolder(one.id, record(one.keys), from),
        );
      });
    }
    case KEY_OBJECT_TYPE: {
      const { kid, pub } = parseCanonical(envelope.payload, 'key object') as {
        readonly kid: string;
        readonly pub: object;
      };
      return keysOfHolder(kid, record(pub), 'key object');
    }
    case CONTINUITY_TYPE: {
      const object = parseCanonical(envelope.payload, 'continuity') as JsonObject;
      const ends = [object['old'], object['new']] as unknown as { readonly kid: string; readonly pub: object }[];
      return ends.flatMap((one) => keysOfHolder(one.kid, record(one.pub), 'the object itself'));
    }
    default:
      return [];
  }
}

/** One verdict: under each known key of that id, the first that verifies. */
export function judgeSignature(
  crypto: Crypto,
  keys: readonly KnownKey[],
  object: string,
  keyid: string,
  message: Uint8Array,
  signature: Uint8Array,
): ArtefactSignature {
  const candidates = keys.filter((one) => one.keyid === keyid);
  if (candidates.length === 0) return { object, keyid, verdict: 'key unknown', key_from: null };
  const found = candidates.find((one) => crypto.signature(one.alg).verify(one.publicKey, message, signature));
  return found === undefined
    ? { object, keyid, verdict: 'invalid', key_from: candidates[0]!.from }
    : { object, keyid, verdict: 'valid', key_from: found.from };
}

export function judgeEnvelope(
  crypto: Crypto,
  keys: readonly KnownKey[],
  object: string,
  envelope: Envelope,
): ArtefactSignature[] {
  const message = signedBytes(envelope);
  return envelope.signatures.map((one) => judgeSignature(crypto, keys, object, one.keyid, message, one.signature));
}
