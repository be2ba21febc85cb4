// Reads one proposal with its statements and possessions from exact ledger lines, when the state at a later line is already
// authenticated (governance page 9): every signature is verified again, lines that came too late do not count. Refuses
// (Tampered) lines that are not the ones that the index entry was made from.

import { fromTime } from '../bytes/time.ts';
import type { Crypto } from '../crypto/provider.ts';
import { type Envelope, envelopeDigest } from '../envelope/dsse.ts';
import { ownBytes, RonError } from '../errors.ts';
import { type IndexEntry, type LinePlace, trailOf } from './index-entry.ts';
import { decodeLine, type Line } from './ledger.ts';
import type { OpenProposal } from './ledger-state.ts';
import { parsePossession } from './possession.ts';
import { parseProposal, verifyProposal } from './proposal.ts';
import type { SignerSet } from './signer-set.ts';
import { verifyStatement } from './statement.ts';

/** A line of the own ledger: one that is not whole was changed (Tampered). */
export const ownLine = (bytes: Uint8Array): Line => ownBytes(() => decodeLine(bytes));

export type ReadLine = (place: LinePlace) => Uint8Array;

/** Every line about a proposal, in order. */
export function linesOfEntry(entry: IndexEntry, read: ReadLine): Line[] {
  let trail: string | null = null;
  const lines: Line[] = [];
  for (const place of [entry, ...entry.lines]) {
    const line = ownLine(read(place));
    if (line.seq !== place.seq) tamperedWith(entry);
    trail = trailOf(trail, line.hash);
    lines.push(line);
  }
  if (trail !== entry.trail) tamperedWith(entry);
  return lines;
}

/** The proposal itself, read without the lines about it. */
export function proposalLine(entry: IndexEntry, read: ReadLine): Envelope {
  const line = ownLine(read(entry));
  if (line.type !== 'proposal' || line.seq !== entry.seq || envelopeDigest(line.body) !== entry.digest) {
    throw new RonError('Tampered', `line ${entry.seq} of the ledger is not the proposal ${entry.id}`, {
      field: 'ledger',
    });
  }
  return line.body;
}

function tamperedWith(entry: IndexEntry): never {
  throw new RonError('Tampered', `the ledger lines about ${entry.id} are not those that were committed`, {
    field: 'ledger',
  });
}

/** `lines`: the proposal's line and every later line about it, in order. Throws `Tampered` when they are not these. */
export function loadProposal(
  crypto: Crypto,
  entry: IndexEntry,
  sets: readonly SignerSet[],
  lines: readonly Line[],
): OpenProposal {
  const [first, ...rest] = lines;
  if (first?.type !== 'proposal' || first.seq !== entry.seq || envelopeDigest(first.body) !== entry.digest) {
    throw new RonError('Tampered', `line ${entry.seq} of the ledger is not the proposal ${entry.id}`);
  }
  const set = sets[parseProposal(first.body).signer_set.epoch];
  if (set === undefined) throw new RonError('Tampered', `${entry.id} names an unknown signer set`);
  const proposal = verifyProposal(crypto, first.body, set);
  const open: OpenProposal = { proposal, statements: [], possessions: [] };
  for (const line of rest) {
    if (line.type === 'intent') break;
    if (line.type === 'statement' && fromTime(line.ts) <= fromTime(entry.decide_by)) {
      open.statements.push(verifyStatement(crypto, line.body, set, proposal.body.signer_set.hash));
    }
    if (line.type === 'possession') {
      open.possessions.push({
        digest: envelopeDigest(line.body),
        envelope: line.body,
        body: parsePossession(line.body),
      });
    }
  }
  return open;
}
