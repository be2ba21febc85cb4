// `audit verify FILE` of a single checkpoint (log page 4.6, 4.8): its signatures, what this home remembers of the log, the log
// itself where it is at hand, and the witness policy. It says nothing about records.

import { FINDINGS_LISTED, Findings, worstVerdict } from '../../audit/findings.ts';
import { fromUtf8 } from '../../bytes/text.ts';
import { NOTE_BYTES_MAX } from '../../storage/audit-notes.ts';
import { claimedOrigin } from './export-target.ts';
import type { AuditDeps } from './target.ts';
import { type AskedPolicy, noteJudge } from './verify-note.ts';
import { type AuditVerifyResult, fileEpoch } from './verify-result.ts';

const NOTE = /^[^\n]+\/e[0-9]+\n[0-9]+\n[^\n]+\n\n\u2014 /;

/** True for a file that looks like a checkpoint of a log of ronctl; whether it is one, its judge says. */
export function isCheckpointFile({ host: { files } }: Pick<AuditDeps, 'host'>, path: string): boolean {
  const info = files.info(path);
  if (info?.type !== 'file' || info.sizeBytes > NOTE_BYTES_MAX) return false;
  return NOTE.test(fromUtf8(files.read(path, NOTE_BYTES_MAX)!) ?? '');
}

/** `path` is absolute, and `isCheckpointFile`. Throws Malformed for the origin of a log that is not ours. */
export async function auditVerifyCheckpoint(
  path: string,
  policy: AskedPolicy | null,
  deps: AuditDeps,
): Promise<AuditVerifyResult> {
  const note = deps.host.files.read(path, NOTE_BYTES_MAX)!;
  const judge = await noteJudge(deps, claimedOrigin(note, path), policy);
  const findings = new Findings();
  const checkpoint = judge.check(note, findings);
  if (checkpoint !== null) judge.againstMemory(checkpoint, findings, true);
  const hint = 'ask for the note with the cosignatures, `cosigned` in the directory of the log';
  const witnessed = judge.witnessed(checkpoint, findings, hint);
  const { epoch, origin } = judge.of;
  const { remembered } = judge;
  return {
    target: path,
    kind: 'checkpoint',
    trust: judge.trust,
    verdict: worstVerdict(findings.list),
    semantic: false,
    head_checked: false,
    bytes: note.length,
    epochs: [fileEpoch({ epoch, origin, records: 0 }, checkpoint, remembered)],
    first_index: null,
    findings: findings.list.map((one) => ({ epoch, ...one })).slice(0, FINDINGS_LISTED),
    findings_total: findings.list.length,
    evidence: await judge.keepFork(checkpoint, findings.list),
    remembered: false,
    ...(witnessed === undefined ? {} : { witnessed }),
  };
}
