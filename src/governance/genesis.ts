// The genesis (governance page 3, GAP-11): gov.genesis.v1
//   {v: 1, ledger_id, name, nonce, profile, store_id, members: [{id, role, keys}], threshold, auditor?: {id, keys},
//    service_keys, log_keys, policy, created_at, supersedes?: {ledger_id, checkpoint: {origin, size, root}}}
// signed by exactly: every member, the auditor, the service (each Ed25519 and ML-DSA-65) and the log (Ed25519 and
// ML-DSA-44). Its digest is what everybody pins. The profile comes from here only. Refuses a wrong ledger_id, a set that
// breaks the rules of a signer set, a missing or further signature.
// Attack: the same people's staging approvals execute in production; `ledger_id` and `store_id` stand in every vote.

import { fromBase64Url } from '../bytes/base64.ts';
import { canonicalBytes } from '../bytes/canonical-json.ts';
import { type Decoder, decodeCanonical, literal, malformed, object, string, time } from '../bytes/decode.ts';
import { isCleanText, isPlainText } from '../bytes/text.ts';
import type { Crypto } from '../crypto/provider.ts';
import { type Envelope, envelopeDigest, signedBytes } from '../envelope/dsse.ts';
import { verifyDual } from '../envelope/dual-signature.ts';
import { demandType } from '../envelope/h.ts';
import { RonError } from '../errors.ts';
import { decodeProfile, type Profile } from '../policy/profile.ts';
import { decodePolicyState, type PolicyState, policyStateJson } from '../policy/state.ts';
import {
  computeLedgerId,
  GENESIS_TYPE,
  type LogKeys,
  ledgerId,
  logKeys,
  nonce,
  type PublicKeys,
  publicKeys,
} from './names.ts';
import { dualKeys, type Identity } from './signatures.ts';
import {
  type Auditor,
  auditor,
  checkSignerSet,
  type Member,
  members,
  type SignerSet,
  threshold,
} from './signer-set.ts';
import { type CheckpointRef, checkpointRef } from './statement.ts';

export interface Genesis {
  readonly v: 1;
  readonly ledger_id: string;
  readonly name: string;
  readonly nonce: string;
  readonly profile: Profile;
  readonly store_id: string;
  readonly members: readonly Member[];
  readonly threshold: number;
  readonly auditor?: Auditor;
  readonly service_keys: PublicKeys;
  readonly log_keys: LogKeys;
  readonly policy: PolicyState;
  readonly created_at: string;
  readonly supersedes?: { readonly ledger_id: string; readonly checkpoint: CheckpointRef };
}

const shape: Decoder<Genesis> = object(
  {
    v: literal(1),
    ledger_id: ledgerId,
    name: string({ pattern: /^[a-z0-9][a-z0-9._-]{0,63}$/, what: 'a ledger name ([a-z0-9][a-z0-9._-]{0,63})' }),
    nonce,
    profile: decodeProfile,
    store_id: string({ pattern: /^[0-9a-f]{32}$/, what: '32 lower-case hex characters' }),
    members,
    threshold,
    service_keys: publicKeys,
    log_keys: logKeys,
    policy: decodePolicyState,
    created_at: time,
  },
  { auditor, supersedes: object({ ledger_id: ledgerId, checkpoint: checkpointRef }) },
);

function json(genesis: Omit<Genesis, 'ledger_id'> & { readonly ledger_id?: string }): object {
  return { ...genesis, policy: policyStateJson(genesis.policy) };
}

function check(genesis: Genesis): Genesis {
  const { ledger_id: stated, ...rest } = genesis;
  const computed = computeLedgerId(json(rest) as { profile: string });
  if (stated !== computed) malformed('ledger_id', `the content has the id ${computed}`);
  checkSignerSet(
    { members: genesis.members, threshold: genesis.threshold, auditor: genesis.auditor ?? null },
    genesis.profile,
    { service: genesis.service_keys, log: genesis.log_keys },
  );
  if (Object.keys(genesis.policy.ceilings).length > 0 && genesis.supersedes === undefined) {
    malformed('policy.ceilings', 'a first genesis has no ceilings');
  }
  return genesis;
}

/** A new genesis with its id; `Malformed` naming the member that breaks a rule. */
export function buildGenesis(draft: Omit<Genesis, 'ledger_id' | 'v'>): {
  readonly genesis: Genesis;
  readonly payloadType: string;
  readonly payload: Uint8Array;
} {
  if (!isPlainText(draft.name) || !isCleanText(draft.name)) malformed('name', 'plain text is expected');
  const withoutId = { v: 1 as const, ...draft };
  const genesis: Genesis = { ...withoutId, ledger_id: computeLedgerId(json(withoutId) as { profile: string }) };
  const payload = canonicalBytes(json(genesis));
  decodeCanonical(shape, payload, 'genesis');
  return { genesis: check(genesis), payloadType: GENESIS_TYPE, payload };
}

/** Form, id and the rules of the set; says nothing about signatures. */
export function parseGenesis(envelope: Envelope): Genesis {
  demandType(envelope.payloadType, GENESIS_TYPE);
  return check(decodeCanonical(shape, envelope.payload, 'genesis'));
}

/** Who signs with Ed25519 and ML-DSA-65. */
export function genesisSigners(genesis: Genesis): readonly Identity[] {
  return [
    ...genesis.members,
    ...(genesis.auditor === undefined ? [] : [genesis.auditor]),
    { id: 'service', keys: genesis.service_keys },
  ];
}

export interface GenesisSignatures {
  /** Ids (members, auditor, `service`, `log`) whose pair is valid. */
  readonly signed: readonly string[];
  /** Ids without a signature. */
  readonly missing: readonly string[];
}

/** Which signatures a draft has; `VerificationFailed` for a wrong one, `Malformed` for one of somebody else. */
export function genesisSignatures(crypto: Crypto, envelope: Envelope, genesis: Genesis): GenesisSignatures {
  const signers = genesisSigners(genesis);
  const known = new Set([
    ...signers.flatMap((one) => [`${one.id}/ed25519`, `${one.id}/ml-dsa`]),
    'log/ed25519',
    'log/ml-dsa-44',
  ]);
  for (const one of envelope.signatures) {
    if (!known.has(one.keyid)) malformed('signatures', `${one.keyid} does not sign this genesis`);
  }
  const signed: string[] = [];
  const missing: string[] = [];
  const judge = (id: string, keyids: readonly string[], valid: () => boolean): void => {
    const present = keyids.filter((keyid) => envelope.signatures.some((one) => one.keyid === keyid));
    if (present.length === 0) {
      missing.push(id);
      return;
    }
    if (present.length !== keyids.length) malformed('signatures', `${id} signed with one of two keys only`);
    if (!valid()) {
      throw new RonError('VerificationFailed', `genesis: the signature of ${id} is wrong`, {
        field: `signatures.${id}`,
      });
    }
    signed.push(id);
  };
  for (const one of signers) {
    judge(one.id, [`${one.id}/ed25519`, `${one.id}/ml-dsa`], () =>
      verifyDual(crypto, envelope, one.id, dualKeys(one.keys)),
    );
  }
  judge('log', ['log/ed25519', 'log/ml-dsa-44'], () => verifyLogPair(crypto, envelope, genesis.log_keys));
  return { signed, missing };
}

function verifyLogPair(crypto: Crypto, envelope: Envelope, keys: LogKeys): boolean {
  const message = signedBytes(envelope);
  const valid = (keyid: string, alg: 'ed25519' | 'ml-dsa-44', key: string): boolean => {
    const found = envelope.signatures.find((one) => one.keyid === keyid);
    return found !== undefined && crypto.signature(alg).verify(fromBase64Url(key)!, message, found.signature);
  };
  return valid('log/ed25519', 'ed25519', keys.ed25519) && valid('log/ml-dsa-44', 'ml-dsa-44', keys.ml_dsa_44);
}

declare const verified: unique symbol;

/** A genesis with every signature it must have. Whether it is *the* genesis is decided by the pin. */
export interface VerifiedGenesis {
  readonly [verified]: true;
  readonly genesis: Genesis;
  readonly digest: string;
  readonly envelope: Envelope;
}

/** `Inconclusive` naming who has not signed; else as `genesisSignatures`. */
export function verifyGenesis(crypto: Crypto, envelope: Envelope): VerifiedGenesis {
  const genesis = parseGenesis(envelope);
  const { missing } = genesisSignatures(crypto, envelope, genesis);
  if (missing.length > 0) {
    throw new RonError('Inconclusive', `the genesis is not signed by ${missing.join(', ')}`, {
      field: 'signatures',
      hint: 'Each of them signs: `ronctl governance init --sign FILE --signer ID --out FILE`.',
    });
  }
  return { genesis, digest: envelopeDigest(envelope), envelope } as VerifiedGenesis;
}

/** One envelope with the signatures of several; `Conflict` when the payloads differ. */
export function mergeGenesis(drafts: readonly Envelope[]): Envelope {
  const first = drafts[0]!;
  const signatures = new Map(first.signatures.map((one) => [one.keyid, one]));
  for (const one of drafts) {
    if (envelopeDigest(one) !== envelopeDigest(first)) {
      throw new RonError('Conflict', 'the files are drafts of different genesis documents', {
        field: 'payload',
        hint: 'Collect signatures on one draft: `ronctl governance init --sign FILE`.',
      });
    }
    for (const signature of one.signatures)
      if (!signatures.has(signature.keyid)) signatures.set(signature.keyid, signature);
  }
  return { ...first, signatures: [...signatures.values()].sort((a, b) => (a.keyid < b.keyid ? -1 : 1)) };
}

export function genesisSet(genesis: Genesis): SignerSet {
  return {
    ledger_id: genesis.ledger_id,
    epoch: 0,
    members: genesis.members,
    threshold: genesis.threshold,
    auditor: genesis.auditor ?? null,
  };
}
