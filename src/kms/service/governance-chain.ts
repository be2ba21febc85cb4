// The key chain out of the ledger (governance page 8): for each executed change of signer set, service or log keys the
// proposal, the approvals that its receipt names, the proofs of possession and the receipt.

import { type Envelope, envelopeDigest } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import { type VerifiedGenesis, verifyGenesis } from '../../governance/genesis.ts';
import type { IndexEntry } from '../../governance/index-entry.ts';
import type { ChainLink } from '../../governance/key-chain.ts';
import type { Line } from '../../governance/ledger.ts';
import { linesOfEntry, ownLine, type ReadLine } from '../../governance/ledger-load.ts';
import type { LedgerState } from '../../governance/ledger-state.ts';
import { parseReceipt } from '../../governance/receipt.ts';
import type { LedgerWriter } from './governance-ledger.ts';

export function linkOf(entry: IndexEntry, read: ReadLine): ChainLink {
  const lines = linesOfEntry(entry, read);
  const bodies = (type: Line['type']): Envelope[] =>
    lines.flatMap((line) => (line.type === type ? [line.body as Envelope] : []));
  const proposal = bodies('proposal')[0];
  const receipt = bodies('execution')[0];
  if (proposal === undefined || receipt === undefined)
    throw new RonError('Tampered', `the ledger lacks proposal or receipt of ${entry.id}`);
  const counted = new Set(parseReceipt(receipt).statements);
  return {
    proposal,
    statements: bodies('statement').filter((one) => counted.has(envelopeDigest(one))),
    possessions: bodies('possession'),
    receipt,
  };
}

export function chainOfState(state: LedgerState, read: ReadLine): ChainLink[] {
  return state.chain.map((id) => linkOf(state.index.get(id)!, read));
}

export function chainOf(ledger: LedgerWriter): ChainLink[] {
  return chainOfState(ledger.state, (place) => ledger.line(place.seq));
}

/** The genesis of line 0. */
export function genesisOf(ledger: LedgerWriter): VerifiedGenesis {
  const line = ownLine(ledger.line(0));
  if (line.type !== 'genesis') throw new RonError('Tampered', 'line 0 of the ledger is no genesis');
  return verifyGenesis(ledger.crypto, line.body);
}
