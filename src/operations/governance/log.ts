// `governance log`: the lines of the ledger, as committed, back to a time. What a line did is told in one sentence; the line
// itself is verified by its hash and its place, its signatures by `governance verify`.

import { fromTime, toTime } from '../../bytes/time.ts';
import { envelopeDigest } from '../../envelope/dsse.ts';
import { ownBytes } from '../../errors.ts';
import { disputeId, parseDispute } from '../../governance/dispute.ts';
import { parseGenesis } from '../../governance/genesis.ts';
import { type Line, parseLine } from '../../governance/ledger.ts';
import { parsePossession } from '../../governance/possession.ts';
import { parseProposal } from '../../governance/proposal.ts';
import { parseReceipt } from '../../governance/receipt.ts';
import { parseStatement } from '../../governance/statement.ts';
import { demandState, readGovernance } from '../../kms/service/governance-reader.ts';
import { formatValue } from '../../policy/value.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';

export interface LogRequest {
  /** Milliseconds back from now; null = everything. */
  readonly sinceMs: number | null;
}

export interface LogLine {
  readonly seq: number;
  readonly ts: string;
  readonly type: string;
  /** Who: signer, author or actor; empty for a genesis. */
  readonly by: string;
  readonly proposal_id: string | null;
  readonly what: string;
  readonly hash: string;
}

export interface LogResult {
  readonly ledger_id: string;
  readonly trust: string;
  readonly since: string | null;
  readonly lines: readonly LogLine[];
}

export async function ledgerLog(request: LogRequest, deps: OperationDeps): Promise<LogResult> {
  const ctx = await storeContext(deps);
  const reading = readGovernance(ctx);
  const state = demandState(reading);
  const from = request.sinceMs === null ? null : ctx.clock.now() - request.sinceMs;
  const ids = new Map([...state.index.values()].map((one) => [one.digest, one.id]));
  const lines: LogLine[] = [];
  let previous: Line | null = null;
  for (const bytes of reading.lines(0)) {
    const line: Line = ownBytes(() => parseLine(bytes, previous));
    previous = line;
    if (from === null || fromTime(line.ts) >= from)
      lines.push({ seq: line.seq, ts: line.ts, type: line.type, hash: line.hash, ...tell(line, ids) });
  }
  return { ledger_id: state.ledgerId, trust: reading.trust, since: from === null ? null : toTime(from), lines };
}

type Told = Pick<LogLine, 'by' | 'proposal_id' | 'what'>;

function tell(line: Line, ids: ReadonlyMap<string, string>): Told {
  const about = (digest: string): string | null => ids.get(digest) ?? null;
  switch (line.type) {
    case 'genesis': {
      const genesis = parseGenesis(line.body);
      return {
        by: '',
        proposal_id: null,
        what: `genesis ${genesis.name}, ${genesis.threshold} of ${genesis.members.length}, profile ${genesis.profile}`,
      };
    }
    case 'proposal': {
      const { id, author, scope, changeset, actions } = parseProposal(line.body);
      const what = actions[0]?.name ?? changeset.map((one) => `${one.key}=${formatValue(one.to)}`).join(', ');
      return { by: author, proposal_id: id, what: `proposes ${what} for ${scope}` };
    }
    case 'statement': {
      const { signer, purpose, proposal_id: id, role } = parseStatement(line.body);
      return { by: signer, proposal_id: id, what: `${purpose} as ${role}` };
    }
    case 'possession': {
      const { member, proposal_digest: digest } = parsePossession(line.body);
      return { by: member.id, proposal_id: about(digest), what: 'proves possession of new keys' };
    }
    case 'execution': {
      const { executed_by: by, proposal_digest: digest, audit } = parseReceipt(line.body);
      return { by, proposal_id: about(digest), what: `executed, audit record ${audit.index}` };
    }
    case 'intent':
      return {
        by: '',
        proposal_id: about(line.body.proposal_digest),
        what: `intent, ${line.body.plan.length} effects`,
      };
    case 'failed':
      return { by: '', proposal_id: about(line.body.proposal_digest), what: `failed: ${line.body.reason}` };
    case 'tune': {
      const { actor, key, from, to, scope } = line.body;
      return { by: actor, proposal_id: null, what: `tunes ${key} from ${from} to ${to} for ${scope}` };
    }
    case 'rollback': {
      const { actor, scope, duration_s: seconds, proposal_digest: digest } = line.body;
      return { by: actor, proposal_id: about(digest), what: `rolls ${scope} back for ${seconds} s` };
    }
    case 'dispute': {
      const { claimant, refs } = parseDispute(line.body);
      const records = refs.map((one) => one.index).join(', ');
      const id = disputeId(envelopeDigest(line.body));
      return { by: claimant, proposal_id: null, what: `disputes audit record ${records} (${id})` };
    }
    case 'note':
      return { by: line.body.actor, proposal_id: null, what: `note (${line.body.kind})` };
    default:
      return {
        by: '',
        proposal_id: null,
        what: `${line.type} ${JSON.stringify(line.body).slice(0, 80)}`,
      };
  }
}
