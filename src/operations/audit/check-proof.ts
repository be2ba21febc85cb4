// `audit check-proof FILE` (log page 4.9): judges a tlog-proof or a witness request from bytes alone, under the log keys that
// this home trusts. `extra` is hashed again, because an inclusion proof binds nothing to a record that it does not hash.
// Both log signatures are demanded; a proof without its record, or of a log that nobody here trusts, proves nothing.

import type { VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import type { AuditRecord } from '../../audit/draft.ts';
import { leafHash } from '../../audit/leaf.ts';
import type { PolicyJudge } from '../../audit/policy-judge.ts';
import { verifyConsistency } from '../../audit/proof.ts';
import { type NewerRecord, parseRecord } from '../../audit/record.ts';
import { checkTlogProof, isTlogProof, parseTlogProof } from '../../audit/tlog-proof.ts';
import { isWitnessRequest, parseWitnessRequest } from '../../audit/witness-request.ts';
import type { JsonObject } from '../../bytes/canonical-json.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { toHex } from '../../bytes/hex.ts';
import { fromUtf8 } from '../../bytes/text.ts';
import { RonError } from '../../errors.ts';
import type { Millis } from '../../host.ts';
import { readHome } from '../../storage/home.ts';
import { readRemembered, writeForkEvidence } from '../../storage/trust-memory.ts';
import { type CheckpointSummary, checkpointSummary } from './checkpoint-summary.ts';
import { type QuorumSummary, quorumSummary } from './collect-cosignatures.ts';
import type { AuditDeps } from './target.ts';
import { demandNote, type GivenLog, type JudgingHome, judgingHome, logOfNote, refusedFile } from './trusted-origin.ts';
import { type PolicySource, readPolicyFile } from './witness-policy.ts';
import { witnessedNote } from './witnessed.ts';

export interface AuditCheckProofRequest {
  readonly proof: Uint8Array;
  readonly name: string;
  /** The older checkpoint of a consistency proof; null = what this home remembers. */
  readonly old: { readonly note: Uint8Array; readonly name: string } | null;
  /** Whose cosignatures the checkpoint must carry; null = nobody's. */
  readonly policy?: PolicySource | null;
}

export interface AuditCheckProofResult {
  readonly kind: 'inclusion' | 'consistency';
  readonly file: string;
  readonly origin: string;
  readonly epoch: number;
  readonly trust: GivenLog['trust'];
  readonly checkpoint: CheckpointSummary;
  /** Null for a consistency proof, as are the members of the record. */
  readonly index: number | null;
  readonly leaf: string | null;
  /** False for an operation or version that this ronctl does not know. */
  readonly known: boolean | null;
  readonly record: JsonObject | null;
  /** The exact line. */
  readonly line: string | null;
  /** The older tree of a consistency proof; null for an inclusion proof. */
  readonly old: CheckpointSummary | null;
  /** Whose checkpoint the older one is: given, or remembered. */
  readonly old_from: 'given' | 'remembered' | null;
  /** What the witness policy says; null without one. */
  readonly quorum: QuorumSummary | null;
}

/** Another root than the remembered one at the same size is a fork, whatever else the file proves. */
async function againstMemory(
  deps: AuditDeps,
  home: JudgingHome,
  given: GivenLog,
  checkpoint: VerifiedCheckpoint,
  name: string,
): Promise<VerifiedCheckpoint | null> {
  const remembered = readRemembered(home.files, home.paths.trustedLogs, given.verifier);
  const isFork =
    remembered !== null && remembered.size === checkpoint.size && !equalBytes(remembered.root, checkpoint.root);
  if (!isFork) return remembered;
  const message = `${name}: another root at size ${checkpoint.size} than the checkpoint that this home remembers`;
  throw await forkError(deps, home, remembered, checkpoint, message);
}

/** Keeps both notes where this home has a place for them, and names the file. */
export async function forkError(
  deps: AuditDeps,
  home: JudgingHome,
  one: VerifiedCheckpoint,
  other: VerifiedCheckpoint,
  message: string,
): Promise<RonError> {
  const { files, paths } = home;
  const memory = { files, random: deps.host.random, directory: paths.trustedLogs };
  const kept = readHome(files, paths) === null ? null : await writeForkEvidence(memory, one, other);
  return new RonError('VerificationFailed', kept === null ? message : `${message}; both notes are kept in ${kept}`, {
    field: 'fork',
    hint: 'Show both checkpoints to the security officer and to the other witnesses of this log.',
  });
}

async function inclusion(request: AuditCheckProofRequest, deps: AuditDeps): Promise<AuditCheckProofResult> {
  const { name } = request;
  const proof = parseTlogProof(request.proof, name);
  const home = await judgingHome(deps);
  const judge = judgeOf(home, request.policy);
  const given = logOfNote(home, proof.checkpoint, name, judge);
  const checkpoint = demandNote(given, proof.checkpoint, `${name}: its checkpoint`);
  if (proof.extra === null) {
    throw new RonError('Malformed', `${name}: the proof does not carry its record`, {
      field: 'extra',
      hint: 'Ask for a proof with an `extra` line, as `ronctl audit prove` writes it.',
    });
  }
  const answer = checkTlogProof(proof, given.verifier);
  if (!answer.ok) throw refusedFile(answer.code, `${name}: ${answer.message}`);
  const quorum = demandQuorum(judge, given, checkpoint, `${name}: its checkpoint`, deps.host.clock.now());
  await againstMemory(deps, home, given, checkpoint, name);
  const record = recordOf(answer.line, answer.index, name);
  const isNewer = 'newer' in record;
  return {
    kind: 'inclusion',
    file: name,
    origin: given.of.origin,
    epoch: given.of.epoch,
    trust: given.trust,
    checkpoint: checkpointSummary(checkpoint),
    index: answer.index,
    leaf: toHex(leafHash(answer.line)),
    known: !isNewer,
    record: isNewer ? record.value : (record as unknown as JsonObject),
    line: fromUtf8(answer.line),
    old: null,
    old_from: null,
    quorum,
  };
}

/** Throws VerificationFailed (10) for a wrong cosignature, Inconclusive (11) without a quorum or for another log. */
export function demandQuorum(
  judge: PolicyJudge | null,
  given: GivenLog,
  checkpoint: VerifiedCheckpoint,
  what: string,
  nowMs: Millis,
): QuorumSummary | null {
  if (judge === null) return null;
  const { verdict, findings } = witnessedNote(judge, given.verifier, checkpoint, what, nowMs);
  const [first] = findings;
  if (first !== undefined) throw refusedFile(first.code, first.message);
  return quorumSummary(verdict);
}

const judgeOf = (home: JudgingHome, policy: PolicySource | null | undefined): PolicyJudge | null =>
  policy == null ? null : readPolicyFile(home, policy);

export interface ProofWitnesses {
  /** As it was given. */
  readonly policy: string;
  readonly checkpoint: CheckpointSummary;
  readonly quorum: QuorumSummary;
}

/** Only what a policy says of the checkpoint in a tlog-proof. Throws as `audit check-proof`. */
export async function proofWitnesses(
  request: { readonly proof: Uint8Array; readonly name: string; readonly policy: PolicySource },
  deps: AuditDeps,
): Promise<ProofWitnesses> {
  const { name, policy } = request;
  const { checkpoint: note } = parseTlogProof(request.proof, name);
  const home = await judgingHome(deps);
  const judge = readPolicyFile(home, policy);
  const given = logOfNote(home, note, name, judge);
  const what = `${name}: its checkpoint`;
  const checkpoint = demandNote(given, note, what);
  const quorum = demandQuorum(judge, given, checkpoint, what, deps.host.clock.now())!;
  return { policy: policy.name, checkpoint: checkpointSummary(checkpoint), quorum };
}

/** The proven line as a record. One that was signed and is no record, or names another place, is a finding about the log. */
function recordOf(line: Uint8Array, index: number, name: string): AuditRecord | NewerRecord {
  let record: AuditRecord | NewerRecord;
  try {
    record = parseRecord(line, `${name}: record ${index}`);
  } catch (error) {
    if (error instanceof RonError) throw refusedFile('record-invalid', error.message);
    throw error;
  }
  if (record.seq === index) return record;
  throw refusedFile('record-invalid', `${name}: the record at index ${index} says that it is record ${record.seq}`);
}

async function consistency(request: AuditCheckProofRequest, deps: AuditDeps): Promise<AuditCheckProofResult> {
  const { name } = request;
  const body = parseWitnessRequest(request.proof, name);
  const home = await judgingHome(deps);
  const judge = judgeOf(home, request.policy);
  const given = logOfNote(home, body.note, name, judge);
  const checkpoint = demandNote(given, body.note, `${name}: its checkpoint`);
  const quorum = demandQuorum(judge, given, checkpoint, `${name}: its checkpoint`, deps.host.clock.now());
  const remembered = await againstMemory(deps, home, given, checkpoint, name);
  const old = request.old === null ? remembered : demandNote(given, request.old.note, request.old.name);
  if (body.oldSize === 0) {
    throw new RonError('Inconclusive', `${name}: a proof from size 0 proves nothing about an older checkpoint`, {
      field: 'old',
      hint: 'Ask for one from the size that you know: `ronctl audit prove --consistency SIZE`.',
    });
  }
  if (old === null || old.size !== body.oldSize) {
    const have = old === null ? 'none is known here' : `the one known here is of size ${old.size}`;
    throw new RonError('Inconclusive', `${name}: the proof starts at a checkpoint of size ${body.oldSize}; ${have}`, {
      field: 'old',
      hint: `Give the checkpoint of size ${body.oldSize} with --old FILE.`,
    });
  }
  await demandConsistency(deps, home, old, checkpoint, body.proof, name);
  return {
    kind: 'consistency',
    file: name,
    origin: given.of.origin,
    epoch: given.of.epoch,
    trust: given.trust,
    checkpoint: checkpointSummary(checkpoint),
    index: null,
    leaf: null,
    known: null,
    record: null,
    line: null,
    old: checkpointSummary(old),
    old_from: request.old === null ? 'remembered' : 'given',
    quorum,
  };
}

/** Throws VerificationFailed (`fork` when both are of one size, else the proof may simply be wrong). */
export async function demandConsistency(
  deps: AuditDeps,
  home: JudgingHome,
  old: VerifiedCheckpoint,
  checkpoint: VerifiedCheckpoint,
  proof: readonly Uint8Array[],
  name: string,
): Promise<void> {
  if (verifyConsistency(old.size, checkpoint.size, old.root, checkpoint.root, proof)) return;
  if (old.size === checkpoint.size && !equalBytes(old.root, checkpoint.root)) {
    const message = `${name}: two roots are signed at size ${old.size}`;
    throw await forkError(deps, home, old, checkpoint, message);
  }
  throw new RonError(
    'VerificationFailed',
    `${name}: the proof does not show that the log at size ${checkpoint.size} extends the one at size ${old.size}`,
    {
      field: 'consistency',
      hint: 'Ask for the proof again from another source; if no proof fits, the log has forked: keep both checkpoints.',
    },
  );
}

/** Throws Malformed (3), VerificationFailed (10), NoTrustedKey and Inconclusive (11). */
export async function auditCheckProof(
  request: AuditCheckProofRequest,
  deps: AuditDeps,
): Promise<AuditCheckProofResult> {
  if (isTlogProof(request.proof)) return inclusion(request, deps);
  if (isWitnessRequest(request.proof)) return consistency(request, deps);
  throw new RonError('Malformed', `${request.name}: neither a tlog-proof nor a witness request`, {
    hint: '`ronctl inspect FILE` shows what it is. A checkpoint is judged by `ronctl audit verify FILE`.',
  });
}
