// Governance and policy routes between the port and the wire: bytes as base64, members in snake case.

import { toBase64 } from '../bytes/base64.ts';
import { ERROR_CODES, type ErrorCode } from '../errors.ts';
import type {
  EffectivePolicyAnswer,
  ExecuteAnswer,
  IngestAnswer,
  ProposalSummary,
  RefusedEntry,
  RollbackAnswer,
  SubmitAnswer,
  TimeConfirmation,
  TuneAnswer,
} from '../kms/admin-ports.ts';
import type { Call } from '../kms/ports.ts';
import type { Wire } from './schemas.ts';
import { base64OrNull, bytesOfMember, bytesOrNull, callMembers, confirmation, confirmMember } from './wire-call.ts';

type WireIngest = Wire<'ingest', 'answer'>;
type WireRefused = WireIngest['refused'][number];

export interface TuneRequest extends TimeConfirmation {
  readonly scope: string;
  readonly key: string;
  readonly to: number;
}

export interface RollbackRequest extends TimeConfirmation {
  readonly scope: string;
  readonly durationS: number | null;
  readonly proposalDigest: string | null;
}

function refusedResult(entry: WireRefused): RefusedEntry {
  const code = Object.hasOwn(ERROR_CODES, entry.code) ? (entry.code as ErrorCode) : 'Malformed';
  return { ...entry, code };
}

export function ingestAnswer(result: IngestAnswer): WireIngest {
  return {
    ingested: [...result.ingested],
    known: [...result.known],
    waiting: [...result.waiting],
    behind: [...result.behind],
    refused: [...result.refused],
    ledger_seq: result.ledger_seq,
    checkpoint: result.checkpoint,
    recovered: result.recovered,
  };
}

export function ingestResult(answer: WireIngest): IngestAnswer {
  return { ...answer, behind: answer.behind.map(refusedResult), refused: answer.refused.map(refusedResult) };
}

export function ingestBody(request: TimeConfirmation, call: Call): Wire<'ingest', 'body'> {
  return { ...confirmMember(request), ...callMembers(call) };
}

export function submitBody(
  request: { readonly files: readonly Uint8Array[] } & TimeConfirmation,
  call: Call,
): Wire<'submit', 'body'> {
  return { files_b64: request.files.map(toBase64), ...confirmMember(request), ...callMembers(call) };
}

export function submitRequest(
  body: Wire<'submit', 'body'>,
): { readonly files: readonly Uint8Array[] } & TimeConfirmation {
  const files = body.files_b64.map((text, index) => bytesOfMember(text, `files_b64[${index}]`));
  return { files, ...confirmation(body) };
}

export function submitAnswer({ names, ingest }: SubmitAnswer): Wire<'submit', 'answer'> {
  return { names: [...names], ingest: ingest === null ? null : ingestAnswer(ingest) };
}

export function submitResult({ names, ingest }: Wire<'submit', 'answer'>): SubmitAnswer {
  return { names, ingest: ingest === null ? null : ingestResult(ingest) };
}

export function executeAnswer(result: ExecuteAnswer): Wire<'execute', 'answer'> {
  const { id, envelope, replayed, ingested, refused, checkpoint } = result;
  return { id, envelope_b64: base64OrNull(envelope), replayed, ingested, refused: [...refused], checkpoint };
}

export function executeResult(answer: Wire<'execute', 'answer'>): ExecuteAnswer {
  const { id, envelope_b64, replayed, ingested, refused, checkpoint } = answer;
  const envelope = bytesOrNull(envelope_b64, 'envelope_b64');
  return { id, envelope, replayed, ingested, refused: refused.map(refusedResult), checkpoint };
}

export function tuneBody(request: TuneRequest, call: Call): Wire<'tune', 'body'> {
  const { scope, key, to } = request;
  return { scope, key, to, ...confirmMember(request), ...callMembers(call) };
}

export function tuneRequest(body: Wire<'tune', 'body'>): TuneRequest {
  const { scope, key, to } = body;
  return { scope, key, to, ...confirmation(body) };
}

export function tuneResult(answer: Wire<'tune', 'answer'>): TuneAnswer {
  return answer;
}

export function rollbackBody(request: RollbackRequest, call: Call): Wire<'rollback', 'body'> {
  const { scope, durationS, proposalDigest } = request;
  return {
    scope,
    duration_s: durationS,
    proposal_digest: proposalDigest,
    ...confirmMember(request),
    ...callMembers(call),
  };
}

export function rollbackRequest(body: Wire<'rollback', 'body'>): RollbackRequest {
  const { scope, duration_s, proposal_digest } = body;
  return { scope, durationS: duration_s, proposalDigest: proposal_digest, ...confirmation(body) };
}

export function rollbackResult(answer: Wire<'rollback', 'answer'>): RollbackAnswer {
  return answer;
}

export function proposalResult(answer: Wire<'getProposal', 'answer'>): {
  readonly proposal: ProposalSummary;
  readonly envelope: Uint8Array;
} {
  return { proposal: answer.proposal, envelope: bytesOfMember(answer.envelope_b64, 'envelope_b64') };
}

export function statementsResult(answer: Wire<'getStatements', 'answer'>): readonly Uint8Array[] {
  return answer.statements_b64.map((text, index) => bytesOfMember(text, `statements_b64[${index}]`));
}

export function policyAnswer(result: EffectivePolicyAnswer): Wire<'effectivePolicy', 'answer'> {
  return { ...result, values: { ...result.values } };
}

export function policyResult(answer: Wire<'effectivePolicy', 'answer'>): EffectivePolicyAnswer {
  return answer;
}
