// Whose log a single file is of (checkpoint, tlog-proof, witness request), by the origin in its note, and whose keys may
// judge it: those of the pinned genesis of its store, or of this home when it is its own ungoverned log. A file brings no
// keys that count. Refuses the origin of a log that is not ours (3) and a log without trusted keys (11).

import {
  createLogVerifier,
  type LogVerifier,
  type TrustedLog,
  type VerifiedCheckpoint,
} from '../../audit/checkpoint.ts';
import { FINDINGS, type FindingCode, type Severity } from '../../audit/findings.ts';
import type { PolicyJudge } from '../../audit/policy-judge.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { parseNote, parseVkey } from '../../envelope/note.ts';
import { RonError } from '../../errors.ts';
import type { Files } from '../../host.ts';
import { checkedFiles } from '../../storage/checked-files.ts';
import { type HomePaths, homePaths } from '../../storage/home.ts';
import { policyLog } from '../../storage/policy-log.ts';
import { claimedOrigin, type ParsedOrigin, trustedOrigin } from './export-target.ts';
import { type AuditDeps, isGoverned } from './target.ts';

interface TrustDeps {
  readonly files: Files;
  readonly crypto: Crypto;
  readonly paths: HomePaths;
}

export type JudgingHome = TrustDeps;

/** Files of the home that judges: pins and memory are checked, what is judged is not. */
export async function judgingHome(deps: AuditDeps): Promise<JudgingHome> {
  const paths = homePaths(deps.home);
  return { files: checkedFiles(deps.host.files, paths.trust), crypto: await deps.crypto(), paths };
}

export interface GivenLog {
  readonly of: ParsedOrigin;
  readonly log: TrustedLog;
  readonly verifier: LogVerifier;
  /** Where the keys come from. */
  readonly trust: 'pinned' | 'local' | 'policy';
}

/** Keys for a log: those of the pin, of this home's own log, else of the log lines of a policy; null when there are none. */
export function givenLog(home: JudgingHome, of: ParsedOrigin, judge: PolicyJudge | null): GivenLog | null {
  const own = trustedOrigin(home, of, isGoverned(home.files, home.paths));
  const log = own ?? (judge === null ? null : policyLog(judge.policy, of.origin));
  if (log === null) return null;
  const trust = own === null ? 'policy' : log.trust === 'pinned' ? 'pinned' : 'local';
  return { of, log, verifier: createLogVerifier(log, home.crypto), trust };
}

/** Keys for the log of a note, or NoTrustedKey (11). `what` names the file. */
export function logOfNote(
  home: JudgingHome,
  note: Uint8Array,
  what: string,
  judge: PolicyJudge | null = null,
): GivenLog {
  const of = claimedOrigin(note, what);
  const given = givenLog(home, of, judge);
  if (given === null) {
    throw new RonError('NoTrustedKey', `${what}: no trusted key is known here for the log ${of.origin}`, {
      field: 'no-trusted-key',
      hint: 'Compare the 12 words with a member, then: `ronctl governance trust GENESIS --expect-digest sha256:...`.',
    });
  }
  return given;
}

/** The verdict of a finding about a file that was given: 10 or 11. */
export function refusedFile(code: FindingCode, message: string): RonError {
  const severity: Severity = FINDINGS[code];
  if (severity === 'tampered') {
    return new RonError('VerificationFailed', message, {
      field: code,
      hint: 'Do not rely on it; ask whoever gave it for the file again, and compare.',
    });
  }
  const isKey = code === 'no-trusted-key' || code === 'log-key-missing';
  return new RonError(isKey ? 'NoTrustedKey' : 'Inconclusive', message, { field: code });
}

/** No signature line of the log is by a key that is known here: the origin under other keys (log page 4.8). */
function hasOtherKeys({ of, log }: GivenLog, note: Uint8Array): boolean {
  const known = new Set(log.keys.flatMap((era) => era.vkeys.map((vkey) => parseVkey(vkey).keyId)));
  const lines = parseNote(note, 'checkpoint').signatures.filter((one) => one.name === of.origin);
  return lines.length > 0 && !lines.some((one) => known.has(one.keyId));
}

/** A note under both log keys. Throws Malformed (3), VerificationFailed (10), NoTrustedKey (11); `what` names the file. */
export function demandNote(given: GivenLog, note: Uint8Array, what: string): VerifiedCheckpoint {
  const answer = given.verifier.check(note);
  if (answer.ok) return answer.checkpoint;
  if (answer.code === 'checkpoint-malformed') {
    throw new RonError('Malformed', `${what}: ${answer.message}`, { field: answer.code });
  }
  if (answer.code === 'checkpoint-signature-missing' && hasOtherKeys(given, note)) {
    throw refusedFile(
      'log-keys-changed',
      `${what}: ${given.of.origin} is signed by other log keys than those known here`,
    );
  }
  throw refusedFile(answer.code, `${what}: ${answer.message}`);
}
