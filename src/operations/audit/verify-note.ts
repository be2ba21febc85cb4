// The checkpoint that a file carries (redacted export, sink, or nothing else), judged under the keys that this home trusts or
// that a policy names, against what this home remembers, and by the witness policy (log page 4.8). Everything found is a
// finding; nothing moves the memory.

import type { LogVerifier, VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import type { Finding, Findings } from '../../audit/findings.ts';
import type { PolicyJudge } from '../../audit/policy-judge.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { RonError } from '../../errors.ts';
import { readHome } from '../../storage/home.ts';
import { readRemembered, writeForkEvidence } from '../../storage/trust-memory.ts';
import { checkpointSummary } from './checkpoint-summary.ts';
import { quorumSummary } from './collect-cosignatures.ts';
import type { ParsedOrigin } from './export-target.ts';
import { holds, treeOf } from './log-at-hand.ts';
import type { AuditDeps } from './target.ts';
import { givenLog, type JudgingHome, judgingHome } from './trusted-origin.ts';
import type { AuditVerifyResult, WitnessSummary } from './verify-result.ts';
import { type PolicySource, readPolicyFile } from './witness-policy.ts';
import { witnessedNote } from './witnessed.ts';

/** The witness policy of a command, read once. */
export interface AskedPolicy {
  readonly name: string;
  readonly judge: PolicyJudge;
}

/** Throws Malformed (3) naming every wrong line. */
export async function askedPolicy(deps: AuditDeps, source: PolicySource | null): Promise<AskedPolicy | null> {
  if (source === null) return null;
  return { name: source.name, judge: readPolicyFile(await judgingHome(deps), source) };
}

export interface NoteJudge {
  readonly of: ParsedOrigin;
  /** Null without a key that counts. */
  readonly verifier: LogVerifier | null;
  readonly trust: AuditVerifyResult['trust'];
  readonly remembered: VerifiedCheckpoint | null;
  /** Signatures; adds what is wrong with them. */
  check(note: Uint8Array, findings: Findings): VerifiedCheckpoint | null;
  /** A file older than the memory may still be of one log: `compare` asks the log at hand, where the layout allows it. */
  againstMemory(checkpoint: VerifiedCheckpoint, findings: Findings, compare: boolean): void;
  /** What the policy says of the newest checkpoint; undefined without a policy. `hint`: what to do without a quorum. */
  witnessed(checkpoint: VerifiedCheckpoint | null, findings: Findings, hint: string): WitnessSummary | undefined;
  /** Where both notes of a fork are kept; null when there is none. */
  keepFork(checkpoint: VerifiedCheckpoint | null, findings: readonly Finding[]): Promise<string | null>;
}

export async function noteJudge(deps: AuditDeps, of: ParsedOrigin, policy: AskedPolicy | null): Promise<NoteJudge> {
  const home = await judgingHome(deps);
  const given = givenLog(home, of, policy?.judge ?? null);
  const verifier = given?.verifier ?? null;
  const remembered = verifier === null ? null : readRemembered(home.files, home.paths.trustedLogs, verifier);
  return {
    of,
    verifier,
    trust: given?.trust ?? 'none',
    remembered,
    check: (note, findings) => {
      if (verifier === null) {
        findings.add('no-trusted-key', `no trusted key is known here for ${of.origin}`);
        return null;
      }
      const answer = verifier.check(note);
      if (answer.ok) return answer.checkpoint;
      findings.add(answer.code, answer.message);
      return null;
    },
    againstMemory: (checkpoint, findings, compare) => {
      if (remembered !== null) compareWithMemory(home, of, remembered, checkpoint, findings, compare);
    },
    witnessed: (checkpoint, findings, hint) => {
      if (policy === null) return undefined;
      if (checkpoint === null || verifier === null) return { policy: policy.name, checkpoint: null, quorum: null };
      const now = deps.host.clock.now();
      const said = witnessedNote(policy.judge, verifier, checkpoint, 'its checkpoint', now);
      for (const { code, message } of said.findings) {
        findings.add(code, code === 'witness-quorum' && hint !== '' ? `${message}; ${hint}` : message);
      }
      return {
        policy: policy.name,
        checkpoint: checkpointSummary(checkpoint),
        quorum: quorumSummary(said.verdict),
      };
    },
    keepFork: async (checkpoint, findings) => {
      if (checkpoint === null || remembered === null || !findings.some((one) => one.code === 'fork')) return null;
      const { files, paths } = home;
      if (readHome(files, paths) === null) return null;
      const memory = { files, random: deps.host.random, directory: paths.trustedLogs };
      return writeForkEvidence(memory, remembered, checkpoint);
    },
  };
}

function compareWithMemory(
  home: JudgingHome,
  of: ParsedOrigin,
  remembered: VerifiedCheckpoint,
  checkpoint: VerifiedCheckpoint,
  findings: Findings,
  compare: boolean,
): void {
  if (checkpoint.size === remembered.size) {
    if (equalBytes(checkpoint.root, remembered.root)) return;
    findings.add('fork', `this home remembers another root at size ${remembered.size}`);
    return;
  }
  const tree = compare ? treeAtHand(home, of) : null;
  const here = holds(tree, remembered) === true ? holds(tree, checkpoint) : null;
  if (here === false) {
    const message = `the log with the remembered checkpoint of size ${remembered.size} has another root at size ${checkpoint.size}`;
    findings.add('fork', message);
  } else if (here === null && checkpoint.size < remembered.size) {
    const message = `this home remembers a checkpoint of size ${remembered.size}; here is one of ${checkpoint.size}`;
    findings.add('older-copy', message);
  }
}

/** Null also for a log that cannot be read: that is judged elsewhere. */
function treeAtHand(home: JudgingHome, of: ParsedOrigin): ReturnType<typeof treeOf> {
  try {
    return treeOf(home, of);
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}
