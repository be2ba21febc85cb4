// `governance verify` (I-49): every signature, digest, link and quorum again, naming each predicate and its result; writes
// nothing. Without an id: the whole ledger from line 0. It says that a quorum approved; that nobody withdrew is said only by
// receipt and log. A failed predicate is 10, an answer that something missing prevents is 11.

import { canonicalText } from '../../bytes/canonical-json.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import { envelopeDigest } from '../../envelope/dsse.ts';
import { ERROR_CODES, RonError } from '../../errors.ts';
import { parseGenesis, verifyGenesis } from '../../governance/genesis.ts';
import type { IndexEntry } from '../../governance/index-entry.ts';
import { linesOfEntry } from '../../governance/ledger-load.ts';
import type { LedgerState } from '../../governance/ledger-state.ts';
import { GENESIS_TYPE } from '../../governance/names.ts';
import { recogniseFile } from '../../governance/object-file.ts';
import { parseProposal, verifyProposal } from '../../governance/proposal.ts';
import { tally } from '../../governance/quorum.ts';
import { parseReceipt, receiptCore } from '../../governance/receipt.ts';
import { parseRequest } from '../../governance/request.ts';
import { signerSetHash } from '../../governance/signer-set.ts';
import { encodeState } from '../../governance/state-file.ts';
import { verifyStatement } from '../../governance/statement.ts';
import { describeEnvelope } from '../../governance/submission.ts';
import { demandState, type GovernanceReading, readGovernance } from '../../kms/service/governance-reader.ts';
import { locateProposal } from '../../kms/service/governance-request.ts';
import { provenLog } from '../../kms/service/proven-log.ts';
import { LIMITS } from '../../limits.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import { listPins, readAuthority, readPinnedGenesis } from '../../storage/trust-pin.ts';
import type { OperationDeps } from '../deps.ts';
import { type Target, verifyAgainstPin } from './target.ts';

export interface Predicate {
  readonly name: string;
  readonly result: 'holds' | 'fails' | 'unknown';
  readonly why: string | null;
}

export interface VerifyResult {
  readonly what: string;
  readonly verdict: 'consistent' | 'tampered' | 'inconclusive';
  readonly trust: string;
  readonly lines: number | null;
  readonly proposals: number | null;
  readonly predicates: readonly Predicate[];
  /** What a consistent answer does not say. */
  readonly unsaid: readonly string[];
}

export interface VerifyRequest {
  /** Null = the whole ledger. */
  readonly target: Target | null;
}

/** Collects predicates; a RonError of exit 11 leaves one unknown, any other fails it. */
class Predicates {
  readonly list: Predicate[] = [];

  check(name: string, test: () => string | null | undefined): boolean {
    try {
      const why = test() ?? null;
      this.list.push({ name, result: 'holds', why });
      return true;
    } catch (error) {
      if (!(error instanceof RonError) || (error.exit === 4 && error.code !== 'NotFound')) throw error;
      this.list.push({
        name,
        result: error.exit === 11 || error.code === 'NotFound' ? 'unknown' : 'fails',
        why: error.message,
      });
      return false;
    }
  }

  verdict(): VerifyResult['verdict'] {
    if (this.list.some((one) => one.result === 'fails')) return 'tampered';
    return this.list.some((one) => one.result === 'unknown') ? 'inconclusive' : 'consistent';
  }
}

function refuse(message: string, code: 'VerificationFailed' | 'Inconclusive' = 'VerificationFailed'): never {
  throw new RonError(code, message);
}

export async function verify(
  request: VerifyRequest,
  deps: OperationDeps,
): Promise<{ readonly result: VerifyResult; readonly error: RonError | undefined }> {
  const ctx = await storeContext(deps);
  const predicates = new Predicates();
  const result = run(ctx, request.target, predicates, deps);
  return { result, error: errorOf(result) };
}

function run(ctx: StoreContext, target: Target | null, predicates: Predicates, deps: OperationDeps): VerifyResult {
  if (target?.kind === 'file') return ofFile(ctx, target.name, target.bytes, predicates);
  return target === null ? ofLedger(ctx, predicates, deps) : ofProposal(ctx, target.id, predicates);
}

function errorOf(result: VerifyResult): RonError | undefined {
  const worst = result.predicates.find((one) => one.result === (result.verdict === 'tampered' ? 'fails' : 'unknown'));
  if (result.verdict === 'consistent' || worst === undefined) return undefined;
  const code = result.verdict === 'tampered' ? 'VerificationFailed' : 'Inconclusive';
  return new RonError(code, `${worst.name}: ${worst.why ?? ERROR_CODES[code].meaning}`);
}

function authenticated(reading: GovernanceReading, predicates: Predicates): void {
  predicates.check('the head of the ledger is covered by a verified checkpoint under the pinned genesis', () => {
    if (reading.trust !== 'authenticated') refuse(`trust is ${reading.trust}`, 'Inconclusive');
    return `checkpoint of size ${reading.home.checkpoint?.size}`;
  });
}

function ofLedger(ctx: StoreContext, predicates: Predicates, deps: OperationDeps): VerifyResult {
  let reading: GovernanceReading | null = null;
  let state: LedgerState | null = null;
  predicates.check('every line hashes, follows, is signed and was allowed when it was written', () => {
    reading = readGovernance(ctx, {
      replay: true,
      onLine: (seq) => deps.onProgress({ phase: 'verify ledger', done: seq, unit: 'lines' }),
    });
    state = demandState(reading);
    return `${state.seq + 1} lines`;
  });
  const whole = { reading, state } as { reading: GovernanceReading | null; state: LedgerState | null };
  if (whole.reading !== null && whole.state !== null) {
    const { reading: read, state: replayed } = whole;
    authenticated(read, predicates);
    predicates.check('the pinned genesis is the genesis of line 0', () => {
      if (readPinnedGenesis(ctx, replayed.ledgerId).digest !== replayed.genesis.digest)
        refuse('another genesis is pinned');
      return replayed.genesis.digest;
    });
    predicates.check('ledger/state.json is what the lines lead to', () => {
      const bytes = ctx.files.read(`${ctx.paths.ledger}/state.json`, LIMITS.stateFileBytes);
      if (bytes === null) refuse('it is missing; the next writer makes it again', 'Inconclusive');
      if (sha256Hex(bytes) !== read.home.view.ledger?.state_sha256) refuse('it is not the authenticated one');
      if (!equalBytes(bytes, encodeState(replayed))) refuse('it differs from the replay');
      return null;
    });
    for (const entry of replayed.index.values())
      if (entry.execution === 'executed') executionPredicates(ctx, read, entry, predicates);
  }
  return {
    what: 'ledger',
    verdict: predicates.verdict(),
    trust: whole.reading?.trust ?? 'not-authenticated',
    lines: whole.state === null ? null : whole.state.seq + 1,
    proposals: whole.state?.index.size ?? null,
    predicates: predicates.list,
    unsaid: [],
  };
}

/** The record `governance.execute`, proved under the checkpoint, carries the receipt. */
function executionPredicates(
  ctx: StoreContext,
  reading: GovernanceReading,
  entry: IndexEntry,
  predicates: Predicates,
): void {
  predicates.check(`${entry.id}: the log proves its execution`, () => {
    const line = linesOfEntry(entry, reading.line).find((one) => one.type === 'execution');
    if (line?.type !== 'execution') return refuse('no receipt in the ledger');
    const receipt = parseReceipt(line.body);
    const { home, checkpoint } = reading.home;
    const epoch = home.file.epochs.find((one) => one.origin === receipt.audit.origin);
    if (epoch === undefined) return refuse(`the record is in the log ${receipt.audit.origin}`, 'Inconclusive');
    if (checkpoint === null) return refuse('the log has no checkpoint yet', 'Inconclusive');
    const place = { epoch: epoch.n, seq: receipt.audit.index };
    const record = provenLog(ctx, home.epoch, checkpoint).record(place);
    if (record === null) {
      const isNewest = epoch.n === home.epoch;
      const why = isNewest
        ? 'no checkpoint covers the record yet'
        : 'the record is in the part of the log that was lost';
      return refuse(why, 'Inconclusive');
    }
    const { audit: _audit, ...core } = receipt;
    const logged =
      record.op === 'governance.execute' ? receiptCore(record.detail?.['receipt'] ?? null, 'detail.receipt') : null;
    if (logged === null || canonicalText(logged) !== canonicalText(core))
      return refuse('the record says something else');
    return `record ${record.seq}`;
  });
}

function ofProposal(ctx: StoreContext, id: string, predicates: Predicates): VerifyResult {
  const reading = readGovernance(ctx);
  const state = demandState(reading);
  const { body, envelope, entry } = locateProposal(ctx, reading, id, true);
  authenticated(reading, predicates);
  const set = state.sets[body.signer_set.epoch];
  predicates.check('the author, a member of its signer set, signed the proposal with both keys', () => {
    if (set === undefined) return refuse(`signer set epoch ${body.signer_set.epoch} was never in force`);
    verifyProposal(ctx.crypto, envelope, set);
    return `${body.author}, epoch ${set.epoch}`;
  });
  if (entry === null)
    predicates.check('the proposal is in the ledger', () => refuse('it waits in the inbox', 'Inconclusive'));
  if (entry !== null && set !== undefined) {
    const lines = linesOfEntry(entry, reading.line);
    const setHash = signerSetHash(set);
    const statements = lines.flatMap((line) => (line.type === 'statement' ? [line.body] : []));
    const valid = statements.flatMap((one) => {
      const { by, purpose } = describeEnvelope(one, 'statement');
      const ok = predicates.check(
        `${purpose} by ${by} is signed with both keys`,
        () => verifyStatement(ctx.crypto, one, set, setHash).digest,
      );
      return ok ? [verifyStatement(ctx.crypto, one, set, setHash)] : [];
    });
    predicates.check('a quorum of distinct members and roles approved', () => {
      const votes = tally(valid, set, body.author);
      const text = `members ${votes.approvals.length}/${votes.threshold}, roles ${votes.approvedRoles.length}/${votes.requiredRoles}`;
      if (!votes.reached) refuse(text, 'Inconclusive');
      return text;
    });
    if (entry.execution === 'executed') executionPredicates(ctx, reading, entry, predicates);
  }
  return {
    what: `proposal ${body.id}`,
    verdict: predicates.verdict(),
    trust: reading.trust,
    lines: null,
    proposals: null,
    predicates: predicates.list,
    unsaid:
      entry?.execution === 'executed'
        ? []
        : ['whether somebody has withdrawn or retracted elsewhere: only receipt and log say that'],
  };
}

function ofFile(ctx: StoreContext, name: string, bytes: Uint8Array, predicates: Predicates): VerifyResult {
  const file = recogniseFile(bytes, name);
  const unsaid = [
    'whether it was executed, and whether somebody has withdrawn or retracted: only receipt and log say that',
  ];
  if (file.kind === 'request') {
    const request = parseRequest(bytes, name);
    predicates.check('genesis, key chain, ledger head, author, view and expected state follow from the pin', () => {
      const verified = verifyAgainstPin(ctx, ctx.crypto, request);
      return `ledger line ${verified.head.seq}, checkpoint of size ${verified.checkpoint.size}`;
    });
    predicates.check('a quorum of distinct members and roles approved', () => {
      const { votes } = verifyAgainstPin(ctx, ctx.crypto, request);
      if (!votes.reached) refuse(`members ${votes.approvals.length}/${votes.threshold}`, 'Inconclusive');
      return `members ${votes.approvals.length}/${votes.threshold}`;
    });
    return done(`request ${parseProposal(request.proposal).id}`, predicates, unsaid);
  }
  if (file.kind === 'draft') return refuse(`${name} is a draft: nobody has signed it`, 'Inconclusive');
  const { envelope } = file;
  if (envelope.payloadType === GENESIS_TYPE) {
    const { ledger_id: ledgerId } = parseGenesis(envelope);
    predicates.check(
      'members, auditor, service and log signed the genesis with both keys each',
      () => verifyGenesis(ctx.crypto, envelope).digest,
    );
    predicates.check('it is the genesis that this home pinned', () => {
      const pin = listPins(ctx).find((one) => one.ledger_id === ledgerId);
      if (pin === undefined) refuse('it is not pinned', 'Inconclusive');
      if (pin.genesis_digest !== envelopeDigest(envelope)) refuse(`${pin.genesis_digest} is pinned`);
      return pin.pinned_at;
    });
    return done(`genesis ${ledgerId}`, predicates, []);
  }
  const one = describeEnvelope(envelope, name);
  predicates.check(`${one.purpose} by ${one.by} is signed with both keys of the pinned signer set`, () => {
    const { authority } = readAuthority(ctx, one.ledgerId);
    const named = one.statement?.signer_set_hash ?? one.proposal?.signer_set.hash;
    const set = authority.sets.find((known) => signerSetHash(known) === named);
    if (set === undefined) return refuse('its signer set is not known here', 'Inconclusive');
    if (one.type === 'proposal') verifyProposal(ctx.crypto, envelope, set);
    if (one.type === 'statement') verifyStatement(ctx.crypto, envelope, set, signerSetHash(set));
    return `epoch ${set.epoch}`;
  });
  return done(`${one.type} ${one.digest}`, predicates, unsaid);
}

const done = (what: string, predicates: Predicates, unsaid: readonly string[]): VerifyResult => ({
  what,
  verdict: predicates.verdict(),
  trust: 'authenticated',
  lines: null,
  proposals: null,
  predicates: predicates.list,
  unsaid,
});
