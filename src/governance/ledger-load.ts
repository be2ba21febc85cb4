// Reads one proposal with its statements and possessions from exact ledger lines, when the state at a later line is already
// authenticated (governance page 9): every signature is verified again, lines that came too late do not count.

import { fromTime } from '../bytes/time.ts';
import type { Crypto } from '../crypto/provider.ts';
import { envelopeDigest } from '../envelope/dsse.ts';
import { RonError } from '../errors.ts';
import type { IndexEntry } from './index-entry.ts';
import type { Line } from './ledger.ts';
import type { OpenProposal } from './ledger-state.ts';
import { parsePossession } from './possession.ts';
import { parseProposal, verifyProposal } from './proposal.ts';
import type { SignerSet } from './signer-set.ts';
import { verifyStatement } from './statement.ts';

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
