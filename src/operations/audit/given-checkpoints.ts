// The checkpoints that `audit verify` is given (log page 4.8): an anchor that the log must contain, and the one that reading
// begins at. Each is verified itself first, under the keys that this home trusts. One of a log that is not here is a
// finding: a live log whose anchored epoch is gone is missing, a copy may be older.

import { createLogVerifier, type VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import type { Finding } from '../../audit/findings.ts';
import { RonError } from '../../errors.ts';
import { readRemembered } from '../../storage/trust-memory.ts';
import { claimedOrigin } from './export-target.ts';
import type { AuditDeps, AuditTarget } from './target.ts';
import { demandNote, type GivenLog, judgingHome, logOfNote } from './trusted-origin.ts';

export interface GivenNote {
  readonly name: string;
  readonly note: Uint8Array;
}

/** Those of one epoch. */
export interface KeptCheckpoints {
  readonly anchor: VerifiedCheckpoint | null;
  readonly since: VerifiedCheckpoint | null;
}

export interface GivenCheckpoints {
  of(origin: string): KeptCheckpoints;
  readonly firstEpoch: number;
  readonly findings: readonly (Finding & { readonly epoch: number })[];
}

interface Placed {
  readonly checkpoint: VerifiedCheckpoint;
  readonly epoch: number;
  readonly name: string;
}

/** The newest one that this home remembers of an epoch of the log. */
function remembered(target: AuditTarget): Placed {
  for (const epoch of (target.file?.epochs ?? []).toReversed()) {
    const log = target.trusted(epoch.n);
    if (log === null) continue;
    const verifier = createLogVerifier(log, target.crypto);
    const checkpoint = readRemembered(target.files, target.paths.trustedLogs, verifier);
    if (checkpoint !== null) return { checkpoint, epoch: epoch.n, name: 'the remembered checkpoint' };
  }
  throw new RonError('Inconclusive', 'this home remembers no checkpoint of this log to begin at', {
    field: 'no-checkpoint',
    hint: 'Verify all of it once: `ronctl audit verify`.',
  });
}

/** The key chain of an export may lead from the pinned genesis to keys that are not known here yet. */
function exportedLog(target: AuditTarget, note: Uint8Array, name: string): GivenLog | null {
  const of = claimedOrigin(note, name);
  const epoch = target.kind === 'export' ? target.file?.epochs.find(({ origin }) => origin === of.origin) : undefined;
  const log = epoch === undefined ? null : target.trusted(epoch.n);
  if (log?.trust !== 'pinned') return null;
  return { of, log, verifier: createLogVerifier(log, target.crypto), trust: 'pinned' };
}

function absent(target: AuditTarget, one: Placed): Finding & { readonly epoch: number } {
  const { origin, size } = one.checkpoint;
  const isSameStore = target.file !== null && origin.includes(`/${target.file.storeId}/e`);
  const code = isSameStore && target.kind !== 'home' ? 'older-copy' : 'log-missing';
  const message = `${one.name} is a checkpoint of ${origin} at size ${size}; that log is not here`;
  return { epoch: one.epoch, code, message, index: 0 };
}

/** Throws Malformed, VerificationFailed, NoTrustedKey for a checkpoint that does not hold itself. */
export async function givenCheckpoints(
  deps: AuditDeps,
  target: AuditTarget,
  request: { readonly anchor?: GivenNote | null; readonly since?: GivenNote | 'remembered' | null },
): Promise<GivenCheckpoints> {
  const judge = async ({ note, name }: GivenNote): Promise<Placed> => {
    const given = exportedLog(target, note, name) ?? logOfNote(await judgingHome(deps), note, name);
    return { checkpoint: demandNote(given, note, name), epoch: given.of.epoch, name };
  };
  const anchor = request.anchor == null ? null : await judge(request.anchor);
  const wanted = request.since ?? null;
  const since = wanted === null ? null : wanted === 'remembered' ? remembered(target) : await judge(wanted);
  const origins = new Set((target.file?.epochs ?? []).map((one) => one.origin));
  const all = [anchor, since].filter((one) => one !== null);
  const isHere = since !== null && origins.has(since.checkpoint.origin);
  return {
    of: (origin) => {
      const at = (one: Placed | null): VerifiedCheckpoint | null =>
        one?.checkpoint.origin === origin ? one.checkpoint : null;
      return { anchor: at(anchor) ?? (wanted === 'remembered' ? null : at(since)), since: at(since) };
    },
    firstEpoch: isHere ? since.epoch : 0,
    findings: all.filter((one) => !origins.has(one.checkpoint.origin)).map((one) => absent(target, one)),
  };
}
