// What an approver needs, in one file (governance pages 8, 12): gov.request.v1, unsigned canonical JSON
//   {type, genesis, key_chain, proposal, statements, view, head: {seq, hash, record, tlog_proof}}
// `view` = V of base_state; `head.record` = exact line of the `manifest` record at size-1 of a checkpoint, which carries the
// ledger's {seq, hash}; `tlog_proof` proves it under the log keys. An approver recomputes everything from the pinned genesis
// digest: a difference is Stale (15) naming the member, a missing part Inconclusive (11), a bad signature 10. Never blind.

import { canonicalFile, type JsonObject, parseCanonical } from '../bytes/canonical-json.ts';
import {
  anyObject,
  type Decoder,
  decodeFile,
  integer,
  literal,
  object,
  sha256Digest,
  string,
} from '../bytes/decode.ts';
import { utf8 } from '../bytes/text.ts';
import type { Crypto } from '../crypto/provider.ts';
import { decodeEnvelope, type Envelope, envelopeJson } from '../envelope/dsse.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { decodePolicyView, type PolicyView, policyViewJson, stateOfView, viewHash } from '../policy/view.ts';
import { type VerifiedGenesis, verifyGenesis } from './genesis.ts';
import { type Authority, type ChainLink, chainLinkJson, followChain, keyChain, statementsOf } from './key-chain.ts';
import { REQUEST_TYPE } from './names.ts';
import { demandFrom, type Governed, outcome, viewHashOf } from './outcome.ts';
import { parseProposal, setRef, type VerifiedProposal, verifyProposal } from './proposal.ts';
import { type Tally, tally } from './quorum.ts';
import { isBelow, riskFloorOf } from './risk.ts';
import { type CheckpointRef, type VerifiedStatement, verifyStatement } from './statement.ts';

export interface RequestHead {
  readonly seq: number;
  readonly hash: string;
  /** Exact record line, without LF. */
  readonly record: string;
  /** Text of a c2sp.org/tlog-proof@v1. */
  readonly tlog_proof: string;
}

export interface Request {
  readonly genesis: Envelope;
  readonly key_chain: readonly ChainLink[];
  readonly proposal: Envelope;
  readonly statements: readonly Envelope[];
  readonly view: PolicyView;
  readonly head: RequestHead;
}

const envelope: Decoder<Envelope> = (value, path) => decodeEnvelope(value, path);

const shape = object({
  type: literal(REQUEST_TYPE),
  genesis: envelope,
  key_chain: keyChain,
  proposal: envelope,
  statements: statementsOf,
  view: decodePolicyView,
  head: object({
    seq: integer(0),
    hash: sha256Digest,
    record: string({ maxBytes: LIMITS.auditLineBytes }),
    tlog_proof: string({ maxBytes: LIMITS.signedFileBytes }),
  }),
});

export function encodeRequest(request: Request): Uint8Array {
  const json: JsonObject = {
    type: REQUEST_TYPE,
    genesis: envelopeJson(request.genesis),
    key_chain: request.key_chain.map(chainLinkJson),
    proposal: envelopeJson(request.proposal),
    statements: request.statements.map(envelopeJson),
    view: policyViewJson(request.view),
    head: { ...request.head },
  };
  return canonicalFile(json);
}

export function parseRequest(bytes: Uint8Array, what: string): Request {
  if (bytes.length > LIMITS.requestFileBytes)
    throw new RonError('TooLarge', `${what}: at most ${LIMITS.requestFileBytes} bytes`);
  const { type: _type, ...request } = decodeFile(shape, bytes, what);
  return request;
}

/** Verifies a tlog-proof of exactly this record line under the log keys of the authority; throws RonError. */
export type VerifyHead = (
  head: { readonly record: Uint8Array; readonly tlogProof: string },
  authority: Authority,
) => CheckpointRef & { readonly index: number };

declare const verified: unique symbol;

/** A request of which everything that is shown was recomputed. */
export interface VerifiedRequest {
  readonly [verified]: true;
  readonly genesis: VerifiedGenesis;
  readonly authority: Authority;
  readonly proposal: VerifiedProposal;
  readonly statements: readonly VerifiedStatement[];
  readonly votes: Tally;
  readonly before: Governed;
  readonly after: Governed;
  readonly head: RequestHead;
  readonly checkpoint: CheckpointRef;
}

const manifestRecord = object({ ledger: object({ seq: integer(0), hash: sha256Digest }) }, {});

/** `pinned` = the digest that this home pinned for the ledger. */
export function verifyRequest(
  crypto: Crypto,
  request: Request,
  pinned: string,
  verifyHead: VerifyHead,
): VerifiedRequest {
  const genesis = verifyGenesis(crypto, request.genesis);
  if (genesis.digest !== pinned) {
    throw new RonError('PinMismatch', `the request carries the genesis ${genesis.digest}; ${pinned} is pinned`, {
      field: 'genesis',
    });
  }
  const authority = followChain(crypto, genesis.genesis, request.key_chain);
  demandWholeChain(request, authority);
  const checkpoint = checkHead(request, authority, verifyHead);
  const proposal = verifyProposal(crypto, request.proposal, authority.set);
  const { before, after } = recompute(genesis, authority, proposal, request.view);
  const setHash = proposal.body.signer_set.hash;
  const statements = request.statements.map((one) => verifyStatement(crypto, one, authority.set, setHash));
  if (statements.some((one) => one.body.proposal_digest !== proposal.digest)) {
    throw new RonError('VerificationFailed', 'a statement in the request is about another proposal', {
      field: 'statements',
    });
  }
  const votes = tally(statements, authority.set, proposal.body.author);
  const all = { genesis, authority, proposal, statements, votes, before, after, head: request.head, checkpoint };
  return all as unknown as VerifiedRequest;
}

/** A chain that ends before the set of the proposal lacks a link; that is no statement about the proposal. */
function demandWholeChain(request: Request, authority: Authority): void {
  const { epoch } = parseProposal(request.proposal).signer_set;
  if (epoch <= authority.set.epoch) return;
  throw new RonError(
    'Inconclusive',
    `the proposal names signer set epoch ${epoch}; the key chain in the request leads to epoch ${authority.set.epoch} only`,
    { field: 'key_chain', hint: 'Get a complete request: `ronctl governance export ID`.' },
  );
}

function checkHead(request: Request, authority: Authority, verifyHead: VerifyHead): CheckpointRef {
  const record = utf8(request.head.record);
  const { index, ...checkpoint } = verifyHead({ record, tlogProof: request.head.tlog_proof }, authority);
  if (index !== checkpoint.size - 1) {
    throw new RonError('VerificationFailed', 'the record is not the last one under its checkpoint', {
      field: 'head.record',
    });
  }
  const parsed = anyObject(parseCanonical(record, 'head.record'), 'head.record');
  const detail = parsed['detail'];
  const ledger =
    parsed['op'] === 'manifest' && detail !== undefined ? anyObject(detail, 'head.record.detail')['ledger'] : undefined;
  if (ledger === undefined || ledger === null) {
    throw new RonError('Inconclusive', 'the record in the request says nothing about the ledger', {
      field: 'head.record',
    });
  }
  const stated = manifestRecord({ ledger }, 'head.record.detail').ledger;
  if (stated.seq !== request.head.seq || stated.hash !== request.head.hash) {
    throw new RonError('Stale', `the log says ledger line ${stated.seq}, the request ${request.head.seq}`, {
      field: 'head',
    });
  }
  return checkpoint;
}

function recompute(
  genesis: VerifiedGenesis,
  authority: Authority,
  proposal: VerifiedProposal,
  view: PolicyView,
): { readonly before: Governed; readonly after: Governed } {
  const { body } = proposal;
  const stale = (message: string, field: string): never => {
    throw new RonError('Stale', message, { field });
  };
  if (view.ledger_id !== body.ledger_id || view.scope !== body.scope)
    stale('the view is of another scope', 'view.scope');
  if (view.signer_set_hash !== setRef(authority.set).hash)
    stale('the view names another signer set', 'view.signer_set_hash');
  const hash = viewHash(view);
  if (hash !== body.base_state.hash) stale(`the view has the hash ${hash}`, 'base_state.hash');
  const before: Governed = {
    profile: genesis.genesis.profile,
    policy: stateOfView(view),
    set: authority.set,
    serviceKeys: authority.serviceKeys,
    logKeys: authority.logKeys,
  };
  demandFrom(before.policy, body.scope, body.changeset);
  const after = outcome(before, body);
  const expected = viewHashOf(after, body.scope);
  if (expected !== body.expected_state_hash) stale(`the changes lead to the hash ${expected}`, 'expected_state_hash');
  const floor = riskFloorOf(body, before.policy);
  if (isBelow(body.risk.level, floor)) stale(`the risk is understated: at least ${floor}`, 'risk.level');
  return { before, after };
}
