// What `audit verify DIR` was given, when it is no log, copy or directory export: a redacted export, a sink, a single checkpoint,
// a ron-audit chain; each has its judge. Refuses (Usage) flags that are about a log.

import { RonError } from '../../errors.ts';
import type { AuditDeps } from './target.ts';
import { auditVerifyCheckpoint, isCheckpointFile } from './verify-checkpoint.ts';
import { auditVerifyRedacted, auditVerifyRonAudit, isRedactedExport } from './verify-file.ts';
import { askedPolicy } from './verify-note.ts';
import type { AuditVerifyResult } from './verify-result.ts';
import { auditVerifySink, isSink } from './verify-sink.ts';
import type { PolicySource } from './witness-policy.ts';

/** As they were given; undefined or false where they were not. */
export interface VerifyFlags {
  readonly format?: string | undefined;
  readonly unseal: boolean;
  readonly policy?: string | undefined;
  readonly anchor?: string | undefined;
  readonly 'since-anchor'?: string | undefined;
  readonly archive?: string | undefined;
}

/** Null for a directory, unless a sink wrote it, and for a file that no verdict of a log is about. */
export async function verifiedFile(
  path: string,
  source: PolicySource | null,
  flags: VerifyFlags,
  deps: AuditDeps,
): Promise<AuditVerifyResult | null> {
  const isFile = deps.host.files.info(path)?.type === 'file';
  if (flags.format !== undefined && !isFile) {
    throw new RonError('Usage', `--format ${flags.format} is about a file`, { field: '--format' });
  }
  // A directory of a home is none that a sink wrote: --unseal is refused for files alone.
  if (!isFile && (flags.unseal || !isSink(deps, path))) return null;
  if (flags.unseal) throw new RonError('Usage', '--unseal is about the log of this home', { field: '--unseal' });
  for (const [flag, given] of [
    ['--anchor', flags.anchor],
    ['--since-anchor', flags['since-anchor']],
    ['--archive', flags.archive],
  ] as const) {
    if (given === undefined) continue;
    throw new RonError('Usage', `${flag} is about a log, and ${path} is no directory of one`, {
      field: flag,
      hint: 'Name the log, a copy or an export of it: `ronctl audit verify DIR`.',
    });
  }
  if (flags.format !== undefined) {
    if (flags.policy !== undefined) {
      throw new RonError('Usage', 'a ron-audit chain has no checkpoint: no witness can have cosigned it', {
        field: '--policy',
        hint: 'Verify the log that it was made from, or its tlog-tiles or native export, with --policy.',
      });
    }
    return auditVerifyRonAudit(path, deps);
  }
  // Before sinks: the header of a redacted export carries a checkpoint as their messages do.
  if (isFile && isRedactedExport(deps, path)) return auditVerifyRedacted(path, await askedPolicy(deps, source), deps);
  if (isSink(deps, path)) return auditVerifySink(path, await askedPolicy(deps, source), deps);
  if (isCheckpointFile(deps, path)) return auditVerifyCheckpoint(path, await askedPolicy(deps, source), deps);
  return null;
}
