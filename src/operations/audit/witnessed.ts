// What a witness policy says of a log or of one note (log page 4.8): the newest of `cosigned` and `checkpoint` that meets it.
// Quorum not met = inconclusive `witness-quorum`; a wrong cosignature of a witness of the policy = tampered `cosignature`; a
// policy that names other logs, or this one by other keys, trusts none of it (`no-trusted-key`).

import type { LogVerifier, VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import type { Finding } from '../../audit/findings.ts';
import type { PolicyJudge, QuorumVerdict } from '../../audit/policy-judge.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { type Note, parseNote } from '../../envelope/note.ts';
import { RonError } from '../../errors.ts';
import type { Files, Millis } from '../../host.ts';
import { NOTE_BYTES_MAX } from '../../storage/audit-notes.ts';
import type { EpochPaths } from '../../storage/audit-paths.ts';

export interface Witnessed {
  /** The note that the verdict is about; null when there is no note at all. */
  readonly checkpoint: VerifiedCheckpoint | null;
  readonly verdict: QuorumVerdict | null;
  readonly findings: readonly Finding[];
}

interface Judged {
  readonly file: string;
  readonly checkpoint: VerifiedCheckpoint;
  readonly verdict: QuorumVerdict;
}

/** Null when the policy accepts this log: it lists none, or this one under a key that signs it. */
export function policyLogProblem(judge: PolicyJudge, { log }: LogVerifier): string | null {
  const { logs } = judge.policy;
  const own = new Set(log.keys.flatMap((era) => era.vkeys));
  if (logs.length === 0 || logs.some(({ vkey }) => own.has(vkey.text))) return null;
  return logs.some(({ vkey }) => vkey.name === log.origin)
    ? `the witness policy names ${log.origin} with other keys`
    : `the witness policy does not name the log ${log.origin}`;
}

/** What is wrong with the cosignatures of one note, or null. */
export function quorumProblem(verdict: QuorumVerdict, what: string): Pick<Finding, 'code' | 'message'> | null {
  if (verdict.bad.length > 0) {
    return { code: 'cosignature', message: `${what}: the cosignature of ${verdict.bad.join(', ')} does not verify` };
  }
  if (verdict.met) return null;
  const have = verdict.cosigned.length === 0 ? 'none' : verdict.cosigned.map((one) => one.witness).join(', ');
  const message = `${what}: the witness policy is not met; cosigned by ${have}, missing ${verdict.missing.join(', ')}`;
  return { code: 'witness-quorum', message };
}

/** What a policy says of one note that verified. `what` names it. */
export function witnessedNote(
  judge: PolicyJudge,
  verifier: LogVerifier,
  checkpoint: VerifiedCheckpoint,
  what: string,
  nowMs: Millis,
): { readonly verdict: QuorumVerdict; readonly findings: readonly Finding[] } {
  const wrongKeys = policyLogProblem(judge, verifier);
  const verdict = judge.judge(parseNote(checkpoint.note, what), nowMs);
  const problem = quorumProblem(verdict, what);
  const keys: Finding[] = wrongKeys === null ? [] : [{ code: 'no-trusted-key', message: wrongKeys }];
  return { verdict, findings: problem === null ? keys : [...keys, problem] };
}

function noteOf(bytes: Uint8Array): Note | null {
  try {
    return parseNote(bytes, 'note');
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}

/** Notes that do not verify under the log keys are judged by the ladder (`checkpoint`) or here (`cosigned`). */
export function witnessedEpoch(
  files: Files,
  paths: EpochPaths,
  verifier: LogVerifier,
  judge: PolicyJudge,
  nowMs: Millis,
): Witnessed {
  const findings: Finding[] = [];
  const judged: Judged[] = [];
  for (const [file, path] of [
    ['cosigned', paths.cosigned],
    ['checkpoint', paths.checkpoint],
  ] as const) {
    const bytes = files.read(path, NOTE_BYTES_MAX);
    if (bytes === null) continue;
    const answer = verifier.check(bytes);
    const note = noteOf(bytes);
    if (!answer.ok || note === null) {
      const message = answer.ok ? 'not a note' : answer.message;
      if (file === 'cosigned') findings.push({ code: answer.ok ? 'checkpoint-malformed' : answer.code, message, file });
      continue;
    }
    judged.push({ file, checkpoint: answer.checkpoint, verdict: judge.judge(note, nowMs) });
  }
  const wrongKeys = policyLogProblem(judge, verifier);
  if (wrongKeys !== null) findings.push({ code: 'no-trusted-key', message: wrongKeys });
  for (const { file, verdict } of judged) {
    const problem = verdict.bad.length === 0 ? null : quorumProblem(verdict, file);
    if (problem !== null) findings.push({ ...problem, file });
  }
  const best = judged.toSorted(
    (a, b) => Number(b.verdict.met) - Number(a.verdict.met) || b.verdict.cosigned.length - a.verdict.cosigned.length,
  )[0];
  if (best === undefined) {
    if (findings.length === 0) findings.push({ code: 'witness-quorum', message: 'there is no note to be cosigned' });
    return { checkpoint: null, verdict: null, findings };
  }
  if (!best.verdict.met && best.verdict.bad.length === 0) {
    findings.push({ ...quorumProblem(best.verdict, best.file)!, file: best.file });
  }
  return { checkpoint: best.checkpoint, verdict: best.verdict, findings };
}

/**
 * Whether the records have the root that the witnesses saw. `root`: of the records at that size; null when it is not known,
 * because fewer are here, or because something else is wrong that has a finding of its own.
 */
export function witnessedRoot(
  checkpoint: VerifiedCheckpoint,
  { root, records, isSound }: { readonly root: Uint8Array | null; readonly records: number; readonly isSound: boolean },
): Finding[] {
  const { size } = checkpoint;
  if (root === null) {
    if (records < size) {
      const message = `witnesses cosigned size ${size}, and ${records} records are here`;
      return [{ code: 'truncated', message, index: records, file: 'cosigned' }];
    }
    if (!isSound) return [];
    return [{ code: 'witness-quorum', message: `the tree of size ${size} that witnesses cosigned is not known here` }];
  }
  if (equalBytes(root, checkpoint.root)) return [];
  return [{ code: 'fork', message: `witnesses cosigned another root for size ${size}`, file: 'cosigned' }];
}
