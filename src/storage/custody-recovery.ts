// Which files are the custody store, decided before anything is unsealed (store page 5, "At open"). With D the newest
// manifest_sha256 in the log up to its head, L the highest generation there, C and N the SHA-256 of manifest.ronk and
// manifest.next, M the generation of manifest.ronk:
//   C = D                committed and finished
//   N = D                committed, renames missing: finish
//   neither, L > M       an older store under a newer log: RolledBack
//   neither, L < M       the log was shortened: LogTruncated
//   neither, L = M       the manifest was altered: Tampered
//   log empty, missing   without manifest.ronk an unfinished `init`, else LogTruncated
// Attack: without the order of commits every crash looks like an old store put back, or a key exists without its record.

import { sha256Hex } from '../crypto/hash.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { splitRecord } from '../sealed/header.ts';
import type { AuditHeadScan } from './audit-appender.ts';
import type { CustodyPaths } from './custody-state.ts';
import type { HomePaths } from './home.ts';
import type { SealedPaths } from './sealed-store.ts';

export interface ChosenManifest {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** `next`: the commit is there, the renames are not. */
  readonly place: 'manifest' | 'next';
}

export const NOT_INITIALISED_HINT = 'Run: ronctl init --profile dev|drill|micronode|macronode';

/**
 * Why a home has no custody store that could be used: NotInitialised (4), or, when the store was made and something that
 * belongs to it is gone, Tampered or LogTruncated (10). Attack: a deleted file must not read as "run init".
 */
export function noCustodyStore(
  files: Pick<Files, 'info'>,
  paths: Pick<HomePaths, 'home' | 'homeFile' | 'store' | 'audit'>,
): RonError {
  const made = files.info(`${paths.store}/manifest.ronk`) !== null;
  if (made && files.info(paths.homeFile) === null) {
    return new RonError('Tampered', `${paths.homeFile} is missing, although there is a custody store`);
  }
  if (made && files.info(`${paths.audit}/log.json`) === null) {
    return new RonError('LogTruncated', `${paths.audit}/log.json is missing, although there is a custody store`, {
      field: 'log-missing',
    });
  }
  return new RonError('NotInitialised', `there is no custody store in ${paths.home}`, {
    hint: `${NOT_INITIALISED_HINT}, or set RONCTL_HOME to the home that is meant.`,
  });
}

/**
 * Throws Tampered when a committed store lacks a file without which it does not open, also under the name that it has until
 * a commit is finished. An `init` that was cut off is no store yet. For readers, which open nothing.
 */
export function refuseMissingFiles(files: Pick<Files, 'info'>, paths: CustodyPaths): void {
  if (files.info(`${paths.audit}/log.json`) === null) return;
  for (const [path, next] of [
    [paths.root, paths.rootNext],
    [paths.manifest, paths.manifestNext],
    [paths.publicView, paths.publicNext],
  ] as const) {
    if (files.info(path) !== null || files.info(next) !== null) continue;
    throw new RonError('Tampered', `${path}: missing, although the audit log says that there is a store`, {
      hint: 'Keep the files as they are, compare with a backup, tell the security officer.',
    });
  }
}

/** Throws NotInitialised, RolledBack, LogTruncated or Tampered. */
export function chooseManifest(files: Files, paths: SealedPaths, log: AuditHeadScan | null): ChosenManifest {
  const current = files.read(paths.manifest, LIMITS.stateFileBytes);
  const committed = log?.manifestSha256 ?? null;
  if (log === null || log.size === 0 || committed === null) {
    if (current === null) {
      throw new RonError('NotInitialised', `there is no custody store in ${paths.directory}`, {
        hint: NOT_INITIALISED_HINT,
      });
    }
    throw new RonError('LogTruncated', 'the store is there, but the audit log that belongs to it is missing or empty');
  }
  if (current !== null && sha256Hex(current) === committed) {
    return { path: paths.manifest, bytes: current, place: 'manifest' };
  }
  const next = files.read(paths.manifestNext, LIMITS.stateFileBytes);
  if (next !== null && sha256Hex(next) === committed) return { path: paths.manifestNext, bytes: next, place: 'next' };
  if (current === null) {
    throw new RonError('Tampered', `${paths.manifest} is missing, although the audit log says that there is a store`);
  }
  const logged = log.generation ?? 0;
  const { generation } = splitRecord(current, paths.manifest).header;
  if (logged > generation) {
    throw new RonError(
      'RolledBack',
      `the store is at generation ${generation}, its audit log at ${logged}: an older store was put back`,
    );
  }
  if (logged < generation) {
    throw new RonError(
      'LogTruncated',
      `the store is at generation ${generation}, its audit log only at ${logged}: the log was cut, or an older one put back`,
    );
  }
  throw new RonError('Tampered', `${paths.manifest} is not the one that the audit log committed`);
}

export interface ChosenPublic {
  readonly bytes: Uint8Array;
  readonly place: 'public' | 'next';
}

/** The public.json whose digest is the newest in the log; null when neither file is it. */
export function choosePublic(
  files: Files,
  path: string,
  nextPath: string,
  committedSha256: string | null,
): ChosenPublic | null {
  for (const [at, place] of [
    [path, 'public'],
    [nextPath, 'next'],
  ] as const) {
    const bytes = files.read(at, LIMITS.stateFileBytes);
    if (bytes !== null && sha256Hex(bytes) === committedSha256) return { bytes, place };
  }
  return null;
}
