// `audit anchor` (log page 4.8): gives out the newest checkpoint to be kept elsewhere, and takes one in: verified under the
// log keys that this home trusts, it moves the remembered checkpoint forward, only with a verified consistency proof, from
// the log at hand or from a witness request. An older one is compared; a fork leaves evidence.

import type { VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import { isWitnessRequest, parseWitnessRequest, type WitnessRequest } from '../../audit/witness-request.ts';
import { canonicalText } from '../../bytes/canonical-json.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { toHex } from '../../bytes/hex.ts';
import { fromUtf8 } from '../../bytes/text.ts';
import { RonError } from '../../errors.ts';
import { readHome } from '../../storage/home.ts';
import { readRemembered, rememberCheckpoint } from '../../storage/trust-memory.ts';
import { demandConsistency, forkError } from './check-proof.ts';
import { type CheckpointSummary, checkpointSummary } from './checkpoint-summary.ts';
import { logHead } from './head.ts';
import { holds, treeOf } from './log-at-hand.ts';
import type { AuditDeps } from './target.ts';
import { demandNote, type GivenLog, type JudgingHome, judgingHome, logOfNote } from './trusted-origin.ts';

export interface AuditAnchorResult {
  readonly act: 'export' | 'import';
  readonly origin: string;
  readonly epoch: number;
  readonly trust: 'pinned' | 'local';
  readonly checkpoint: CheckpointSummary;
  /** The signed note, exactly. */
  readonly note: string;
  /** Of an import: `first` and `moved` changed what is remembered; `same` and `older` did not. Null for an export. */
  readonly outcome: 'first' | 'moved' | 'same' | 'older' | null;
  /** What this home remembered before the import. */
  readonly before: CheckpointSummary | null;
  /** Where the consistency proof came from, when one was needed. */
  readonly proven_by: 'log' | 'file' | null;
}

/** The newest checkpoint of an epoch. Throws as `audit show`; NotAuthenticated when there is none. */
export async function exportAnchor(
  request: { readonly epoch: number | null },
  deps: AuditDeps,
): Promise<AuditAnchorResult> {
  const head = await logHead(deps, request.epoch);
  const { checkpoint } = head;
  if (checkpoint === null) {
    throw new RonError('NotAuthenticated', `the log ${head.origin} has no checkpoint yet`, {
      hint: 'Sign one: `ronctl audit checkpoint`.',
    });
  }
  return {
    act: 'export',
    origin: head.origin,
    epoch: head.epoch,
    trust: head.trust === 'authenticated' ? 'pinned' : 'local',
    checkpoint: checkpointSummary(checkpoint),
    note: fromUtf8(checkpoint.note)!,
    outcome: null,
    before: null,
    proven_by: null,
  };
}

interface Import {
  readonly deps: AuditDeps;
  readonly home: JudgingHome;
  readonly given: GivenLog;
  readonly checkpoint: VerifiedCheckpoint;
  readonly remembered: VerifiedCheckpoint;
  readonly request: WitnessRequest | null;
  readonly name: string;
}

/** The log at hand contains both, or there is a fork; null when it cannot say. */
async function provenByLog(act: Import): Promise<'log' | null> {
  const { checkpoint, remembered } = act;
  const tree = treeOf(act.home, act.given.of);
  const old = holds(tree, remembered);
  const here = holds(tree, checkpoint);
  if (old === true && here === true) return 'log';
  // The log contains what is remembered, and not what is given: both are signed, and cannot be of one log.
  if (old === true && here === false) {
    const message = `${act.name}: the checkpoint of size ${checkpoint.size} is not of the log that has the remembered one of size ${remembered.size}`;
    throw await forkError(act.deps, act.home, remembered, checkpoint, message);
  }
  return null;
}

async function proveForward(act: Import): Promise<{ by: 'log' | 'file'; path: readonly Uint8Array[] }> {
  const { checkpoint, remembered, request, given, name } = act;
  if (request !== null && request.oldSize === remembered.size) {
    await demandConsistency(act.deps, act.home, remembered, checkpoint, request.proof, name);
    return { by: 'file', path: request.proof };
  }
  if ((await provenByLog(act)) === 'log') {
    return { by: 'log', path: treeOf(act.home, given.of)!.proof(remembered.size, checkpoint.size) };
  }
  throw new RonError(
    'Inconclusive',
    `${name}: nothing here proves that the log at size ${checkpoint.size} extends the remembered checkpoint of size ${remembered.size}`,
    {
      field: 'consistency-unproven',
      hint: `Where the log is: \`ronctl audit prove --consistency ${remembered.size} --size ${checkpoint.size} --out P\`; then here: \`ronctl audit anchor --import P\`.${lostHint(act)}`,
    },
  );
}

/** Of a restored store whose log is gone nobody can prove anything more; a quorum can take the end of it for lost. */
function lostHint({ home, checkpoint: { origin, size, root } }: Import): string {
  if (readHome(home.files, home.paths)?.restored === undefined) return '';
  const prev = canonicalText({ prev_checkpoint: { origin, size, root: toHex(root) } });
  return ` If that log is lost: \`ronctl governance propose --action 'restore-accept:${prev}' --rationale TEXT\`.`;
}

/** Takes a checkpoint in. Throws Malformed (3), VerificationFailed and Tampered (10), NoTrustedKey, Inconclusive (11). */
export async function importAnchor(
  source: { readonly bytes: Uint8Array; readonly name: string },
  deps: AuditDeps & { readonly dryRun: boolean },
): Promise<AuditAnchorResult> {
  const { name, bytes } = source;
  const request = isWitnessRequest(bytes) ? parseWitnessRequest(bytes, name) : null;
  const note = request === null ? bytes : request.note;
  const home = await judgingHome(deps);
  const given = logOfNote(home, note, name);
  const checkpoint = demandNote(given, note, name);
  if (readHome(home.files, home.paths) === null) {
    throw new RonError('NotInitialised', `${home.paths.home} is no home that could remember a checkpoint`, {
      hint: 'Make one with `ronctl init`, or pin a genesis with `ronctl governance trust`.',
    });
  }
  const remembered = readRemembered(home.files, home.paths.trustedLogs, given.verifier);
  const result = (
    outcome: NonNullable<AuditAnchorResult['outcome']>,
    by: AuditAnchorResult['proven_by'] = null,
  ): AuditAnchorResult => ({
    act: 'import',
    origin: given.of.origin,
    epoch: given.of.epoch,
    trust: given.trust === 'pinned' ? 'pinned' : 'local',
    checkpoint: checkpointSummary(checkpoint),
    note: fromUtf8(checkpoint.note)!,
    outcome,
    before: remembered === null ? null : checkpointSummary(remembered),
    proven_by: by,
  });
  const remember = async (path: readonly Uint8Array[]): Promise<'moved' | 'same' | 'older'> => {
    if (deps.dryRun) return 'moved';
    const { files, crypto, paths } = home;
    const memory = { files, crypto, random: deps.host.random, directory: paths.trustedLogs };
    return rememberCheckpoint(memory, given.log, checkpoint, path);
  };
  if (remembered === null) {
    await remember([]);
    return result('first');
  }
  const act: Import = { deps, home, given, checkpoint, remembered, request, name };
  if (checkpoint.size === remembered.size) {
    if (!equalBytes(checkpoint.root, remembered.root)) {
      throw await forkError(
        deps,
        home,
        remembered,
        checkpoint,
        `${name}: two roots are signed at size ${checkpoint.size}`,
      );
    }
    // The same tree under a newer note: kept, because its time and witnesses may be newer.
    await remember([]);
    return result('same');
  }
  if (checkpoint.size < remembered.size) {
    if ((await provenByLog(act)) === 'log') return result('older', 'log');
    throw new RonError(
      'Inconclusive',
      `${name} is of size ${checkpoint.size}, older than the remembered checkpoint of size ${remembered.size}, and no log is here to compare them`,
      {
        field: 'older-copy',
        hint: `Where the log is: \`ronctl audit prove --consistency ${name} --size ${remembered.size}\` compares them.`,
      },
    );
  }
  const { by, path } = await proveForward(act);
  await remember(path);
  return result('moved', by);
}
