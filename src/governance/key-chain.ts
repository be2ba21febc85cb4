// From the genesis to the signer set and keys in force (governance pages 3, 8): each executed signer-set, service-key or
// log-key change, and each accepted restore (log page 4.7), as {proposal, statements, possessions, receipt}. Every link is verified under the set and service keys that
// the links before it led to; nothing but the pinned genesis digest is trusted. Refuses a link without a quorum, without a
// receipt of the old service keys, or without possession of new keys.

import { canonicalText, type JsonObject } from '../bytes/canonical-json.ts';
import { array, type Decoder, object } from '../bytes/decode.ts';
import type { Crypto } from '../crypto/provider.ts';
import { decodeEnvelope, type Envelope, envelopeJson } from '../envelope/dsse.ts';
import { RonError } from '../errors.ts';
import { newIdentities, type RestoreAccept, unheardMembers } from './actions.ts';
import { type Genesis, genesisSet } from './genesis.ts';
import type { LogKeys, PublicKeys } from './names.ts';
import { nextSet } from './outcome.ts';
import { parsePossession } from './possession.ts';
import { verifyProposal } from './proposal.ts';
import { tally } from './quorum.ts';
import { type Receipt, verifyReceipt } from './receipt.ts';
import { isSignedBy } from './signatures.ts';
import { checkSignerSet, type SignerSet, signerSetHash } from './signer-set.ts';
import { verifyStatement } from './statement.ts';

export interface ChainLink {
  readonly proposal: Envelope;
  readonly statements: readonly Envelope[];
  readonly possessions: readonly Envelope[];
  readonly receipt: Envelope;
}

const envelope: Decoder<Envelope> = (value, path) => decodeEnvelope(value, path);

export const MAX_CHAIN = 256;
const MAX_STATEMENTS = 64;

export const statementsOf = array(envelope, MAX_STATEMENTS);

export const chainLink: Decoder<ChainLink> = object({
  proposal: envelope,
  statements: statementsOf,
  possessions: array(envelope, 9),
  receipt: envelope,
});

export const keyChain = array(chainLink, MAX_CHAIN);

export function chainLinkJson(link: ChainLink): JsonObject {
  return {
    proposal: envelopeJson(link.proposal),
    statements: link.statements.map(envelopeJson),
    possessions: link.possessions.map(envelopeJson),
    receipt: envelopeJson(link.receipt),
  };
}

export interface KeyEra {
  readonly logKeys: LogKeys;
  /** What brought them in: seq and origin of its `log-key-rotate` record; -1 = from the first record of that epoch on (an
   * accepted restore); null = genesis. */
  readonly since: { readonly origin: string; readonly index: number } | null;
}

/** A new epoch of the log that a quorum opened after a restore. */
export interface AcceptedEpoch {
  readonly origin: string;
  readonly proposalDigest: string;
  readonly statements: readonly string[];
  readonly action: RestoreAccept;
}

/** The number at the end of an origin `<base>/<store_id>/e<N>`; null when it has another form. */
export function epochNumber(origin: string): number | null {
  const match = /\/e(0|[1-9][0-9]{0,9})$/.exec(origin);
  return match === null ? null : Number(match[1]);
}

export const nextOrigin = (origin: string): string => origin.replace(/[0-9]+$/, (n) => String(Number(n) + 1));

export interface Authority {
  readonly set: SignerSet;
  /** By epoch. */
  readonly sets: readonly SignerSet[];
  readonly serviceKeys: PublicKeys;
  /** Every pair that the service had, oldest first. */
  readonly serviceEras: readonly PublicKeys[];
  readonly logKeys: LogKeys;
  /** Oldest first. */
  readonly logEras: readonly KeyEra[];
  /** Accepted restores, oldest first. */
  readonly epochs: readonly AcceptedEpoch[];
}

/** The eras of one log: the pair in force when its epoch began, and those that came while it was the newest. */
export function erasOf(authority: Authority, origin: string): readonly KeyEra[] {
  const epoch = epochNumber(origin) ?? 0;
  const epochOf = (era: KeyEra): number => (era.since === null ? -1 : (epochNumber(era.since.origin) ?? 0));
  const first = authority.logEras.findLastIndex(
    (era) => epochOf(era) < epoch || (epochOf(era) === epoch && era.since!.index < 0),
  );
  const from = first < 0 ? 0 : first;
  return authority.logEras.slice(from).filter((era) => epochOf(era) <= epoch);
}

export function authorityOf(genesis: Genesis): Authority {
  const set = genesisSet(genesis);
  return {
    set,
    sets: [set],
    serviceKeys: genesis.service_keys,
    serviceEras: [genesis.service_keys],
    logKeys: genesis.log_keys,
    logEras: [{ logKeys: genesis.log_keys, since: null }],
    epochs: [],
  };
}

/** Follows the chain; throws naming the link that does not hold. */
export function followChain(crypto: Crypto, genesis: Genesis, chain: readonly ChainLink[]): Authority {
  return chain.reduce(
    (authority, link, index) => followLink(crypto, genesis, authority, link, index),
    authorityOf(genesis),
  );
}

function broken(index: number, why: string): never {
  throw new RonError('VerificationFailed', `link ${index} of the key chain: ${why}`, { field: `key_chain[${index}]` });
}

function followLink(crypto: Crypto, genesis: Genesis, before: Authority, link: ChainLink, index: number): Authority {
  const { body, digest } = verifyProposal(crypto, link.proposal, before.set);
  const setHash = signerSetHash(before.set);
  const statements = link.statements.map((one) => verifyStatement(crypto, one, before.set, setHash));
  if (statements.some((one) => one.body.proposal_digest !== digest))
    broken(index, 'a statement is about another proposal');
  const votes = tally(statements, before.set, body.author);
  if (!votes.reached || votes.withdrawn) broken(index, 'no quorum');
  const action = body.actions[0];
  const signedBy = (action?.name === 'restore-accept' ? action.new_keys?.service : undefined) ?? before.serviceKeys;
  const { receipt } = verifyReceipt(crypto, link.receipt, signedBy);
  if (receipt.proposal_digest !== digest || receipt.ledger_id !== genesis.ledger_id)
    broken(index, 'the receipt is of another proposal');
  if (canonicalText(receipt.statements) !== canonicalText(votes.approvalDigests))
    broken(index, 'the receipt names other statements');
  switch (action?.name) {
    case 'signer-set-change': {
      const set = nextSet(before.set, action);
      const unheard = unheardMembers(before.set, action.new_set, votes.approvals);
      if (unheard.length > 0) broken(index, `not approved by ${unheard.join(', ')}, as a 1-of-2 set demands`);
      checkSignerSet(set, genesis.profile, { service: before.serviceKeys, log: before.logKeys });
      demandPossessions(crypto, before.set, action.new_set, link.possessions, digest, index);
      return { ...before, set, sets: [...before.sets, set] };
    }
    case 'service-key-rotate':
      checkSignerSet(before.set, genesis.profile, { service: action.new_keys, log: before.logKeys });
      return { ...before, serviceKeys: action.new_keys, serviceEras: [...before.serviceEras, action.new_keys] };
    case 'log-key-rotate':
      checkSignerSet(before.set, genesis.profile, { service: before.serviceKeys, log: action.new_keys });
      return {
        ...before,
        logKeys: action.new_keys,
        logEras: [...before.logEras, { logKeys: action.new_keys, since: effectPlace(receipt) }],
      };
    case 'restore-accept': {
      if (receipt.audit.origin !== nextOrigin(action.prev_origin)) broken(index, 'the receipt is of another log');
      const { service: serviceKeys, log } = action.new_keys ?? {};
      const keys = { service: serviceKeys ?? before.serviceKeys, log: log ?? before.logKeys };
      checkSignerSet(before.set, genesis.profile, keys);
      const { origin } = receipt.audit;
      return {
        ...before,
        serviceKeys: keys.service,
        serviceEras: serviceKeys === undefined ? before.serviceEras : [...before.serviceEras, serviceKeys],
        logKeys: keys.log,
        logEras:
          log === undefined ? before.logEras : [...before.logEras, { logKeys: log, since: { origin, index: -1 } }],
        epochs: [...before.epochs, { origin, proposalDigest: digest, statements: receipt.statements, action }],
      };
    }
    default:
      return broken(index, 'not a change of keys');
  }
}

/** The record of the action itself; a checkpoint may come between it and that of the execution. */
function effectPlace({ audit, effects }: Receipt): NonNullable<KeyEra['since']> {
  return { origin: audit.origin, index: effects[0]?.index ?? audit.index };
}

function demandPossessions(
  crypto: Crypto,
  old: SignerSet,
  next: Parameters<typeof newIdentities>[1],
  possessions: readonly Envelope[],
  digest: string,
  index: number,
): void {
  for (const wanted of newIdentities(old, next)) {
    const proved = possessions.some((one) => {
      const body = parsePossession(one);
      const same = body.proposal_digest === digest && canonicalText(body.member) === canonicalText(wanted);
      return same && isSignedBy(crypto, one, [wanted]);
    });
    if (!proved) broken(index, `no proof of possession of the new keys of ${wanted.id}`);
  }
}
