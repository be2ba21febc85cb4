// Reading the state of a custody store without a passphrase and without a lock (store page 4): the newest checkpoint that
// verifies and is not older than the remembered one; the record at its size - 1, proved by inclusion, which always carries
// `public_sha256`; public.json compared with it; and public.json once more at the end, because a writer may be at work.
// A mismatch that stays is Tampered. A public.json that only the unsigned tail names is `not-authenticated`.
// Attack: a rolled-back policy, or a key object from before `compromised`, is signed and looks right.

import { createLogVerifier, type LogVerifier, type VerifiedCheckpoint } from '../audit/checkpoint.ts';
import type { AuditRecord } from '../audit/draft.ts';
import { equalBytes } from '../bytes/equal.ts';
import { sha256Hex } from '../crypto/hash.ts';
import { ownBytes, RonError } from '../errors.ts';
import type { PublicView } from '../keys/public-view.ts';
import { LIMITS } from '../limits.ts';
import { epochPaths } from './audit-paths.ts';
import { knownRecord, newestVerifiedCheckpoint, type ProvenRecord, provenRecord } from './audit-store.ts';
import { unsignedTail } from './custody-log.ts';
import { noCustodyStore } from './custody-recovery.ts';
import { readHome } from './home.ts';
import { decodePublicView } from './public-view.ts';
import { laterEpoch, readRemembered } from './trust-memory.ts';
import { type HomeLog, homeLog, type LogReadDeps } from './trusted-log.ts';

export type ViewTrust = 'authenticated' | 'local' | 'not-authenticated';

export interface ReadView {
  readonly view: PublicView;
  /** Lower hex SHA-256 of public.json. */
  readonly sha256: string;
  readonly trust: ViewTrust;
  readonly home: HomeLog;
  /** Null when the log has none yet; the view is then not authenticated. */
  readonly checkpoint: VerifiedCheckpoint | null;
  /** Why this home knows that the log is older than it was; null when it is the newest that is known here. */
  readonly behind: string | null;
  /** The `manifest` record at the checkpoint's size - 1. */
  readonly head: (ProvenRecord & { readonly record: AuditRecord }) | null;
}

const ATTEMPTS = 5;

/**
 * `mayBeOld`: a store that was rolled back is read, as not authenticated: to verify with it, to copy it, to restore it. A
 * restored one (home.json says so) always is.
 */
export interface ReadOptions {
  readonly mayBeOld?: boolean;
}

/** Since when a store only verifies because it is an older one, and what newer this home knows; both null when it is not. */
export function readStoreAge(deps: LogReadDeps): { readonly restored: string | null; readonly behind: string | null } {
  const { home, behind } = readPublicView(deps, { mayBeOld: true });
  const { restored } = readHome(deps.files, deps.paths) ?? {};
  // With its new epoch a store is no longer the restored one, though home.json may say so until the next writer.
  const isRestored = restored !== undefined && (restored.head === null || restored.head.origin === home.log.origin);
  return { restored: isRestored ? restored.at : null, behind };
}

/** The view alone. */
export function readPublicView(deps: LogReadDeps, options: ReadOptions = {}): ReadView {
  return withPublicView(deps, (read) => read, options);
}

/**
 * Reads the view and runs `use` on it, which reads key objects, state.json and the like and throws Tampered when their
 * digests differ; everything is done again when public.json changed meanwhile. Changing (22) after five attempts.
 */
export function withPublicView<T>(deps: LogReadDeps, use: (read: ReadView) => T, options: ReadOptions = {}): T {
  let refused: RonError | null = null;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const bytes = publicBytes(deps);
    try {
      const result = use(judge(deps, bytes, options));
      if (equalBytes(publicBytes(deps), bytes)) return result;
      refused = null;
    } catch (error) {
      if (!(error instanceof RonError) || error.code !== 'Tampered') throw error;
      // A writer between its renames looks the same; what stays is tampering.
      if (refused !== null && refused.message === error.message && equalBytes(publicBytes(deps), bytes)) throw error;
      refused = error;
    }
  }
  throw refused ?? new RonError('Changing', 'the store changed at each of 5 attempts to read it');
}

function publicBytes(deps: LogReadDeps): Uint8Array {
  const bytes = deps.files.read(deps.paths.publicView, LIMITS.stateFileBytes);
  if (bytes !== null) return bytes;
  if (deps.files.info(deps.paths.audit) === null) {
    throw noCustodyStore(deps.files, deps.paths);
  }
  throw new RonError('Tampered', `${deps.paths.publicView} is missing`, {
    hint: 'A command that unseals the store finishes an interrupted one; `ronctl audit verify` says more.',
  });
}

function judge(deps: LogReadDeps, bytes: Uint8Array, { mayBeOld }: ReadOptions): ReadView {
  const home = homeLog(deps);
  const paths = epochPaths(deps.paths.audit, home.epoch);
  const verifier = ownBytes(() => createLogVerifier(home.log, deps.crypto));
  const checkpoint = newestVerifiedCheckpoint(deps.files, paths, verifier);
  const behind = behindMemory(deps, home, verifier, checkpoint);
  if (behind !== null && mayBeOld !== true && readHome(deps.files, deps.paths)?.restored === undefined) {
    throw new RonError('Tampered', behind, { field: 'rolled-back' });
  }
  const sha256 = sha256Hex(bytes);
  const proven = checkpoint === null ? null : provenRecord(deps.files, paths, checkpoint, checkpoint.size - 1);
  const head = proven === null ? null : { ...proven, record: knownRecord(proven.record) };
  if (head !== null && head.record.public_sha256 === undefined) {
    throw new RonError('Tampered', `record ${head.record.seq} under the checkpoint names no public.json`);
  }
  // Parsed only when its digest is one of the log: damage must not turn Tampered (10) into Malformed (3).
  const found = (): Omit<ReadView, 'trust'> => {
    return { view: decodePublicView(bytes, deps.paths.publicView), sha256, home, checkpoint, behind, head };
  };
  if (head?.record.public_sha256 === sha256) {
    const known = found();
    return { ...known, trust: behind === null ? trustOf(home, known.view) : 'not-authenticated' };
  }
  for (const record of unsignedTail(deps.files, paths, checkpoint?.size ?? 0)) {
    if (record.public_sha256 === sha256) return { ...found(), trust: 'not-authenticated' };
  }
  throw new RonError('Tampered', `${deps.paths.publicView} is not the one that the audit log names`);
}

function behindMemory(
  deps: LogReadDeps,
  { log, epoch }: HomeLog,
  verifier: LogVerifier,
  checkpoint: VerifiedCheckpoint | null,
): string | null {
  const later = laterEpoch(deps, { origin: log.origin, n: epoch });
  if (later !== null) return `this home remembers the log ${later}, which is not here`;
  const remembered = readRemembered(deps.files, deps.paths.trustedLogs, verifier);
  if (remembered === null || (checkpoint !== null && checkpoint.size >= remembered.size)) return null;
  return `this home remembers a checkpoint of size ${remembered.size}; the log now has ${checkpoint === null ? 'none' : `one of size ${checkpoint.size}`}`;
}

/** A governed store whose ledger nobody here has pinned is authenticated by nobody. */
function trustOf(home: HomeLog, view: PublicView): ViewTrust {
  if (home.pinned === null) {
    return view.ledger_id === null && home.log.trust === 'local' ? 'local' : 'not-authenticated';
  }
  if (view.ledger_id !== null && view.ledger_id !== home.pinned.pin.ledger_id) {
    throw new RonError(
      'Tampered',
      `public.json is of ledger ${view.ledger_id}; this home pins ${home.pinned.pin.ledger_id}`,
    );
  }
  return 'authenticated';
}
