// Which log an `audit` command looks at, and whose keys may judge it: the log of this home, or a copy: of a home or of
// its audit directory. Keys come from the pinned genesis of that store, else, while this home is ungoverned, from its own
// audit/log.json when it is the same store; a copy never vouches for itself. Refuses what is no audit log (3).

import type { TrustedLog } from '../../audit/checkpoint.ts';
import type { ExportManifest } from '../../audit/export-manifest.ts';
import { isTlogProof } from '../../audit/tlog-proof.ts';
import { fromUtf8 } from '../../bytes/text.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { RonError } from '../../errors.ts';
import type { AcceptedEpoch } from '../../governance/key-chain.ts';
import type { Files } from '../../host.ts';
import { LIMITS } from '../../limits.ts';
import { splitRecord } from '../../sealed/header.ts';
import { type LogFile, readLogFile } from '../../storage/audit-log-file.ts';
import { type EpochPaths, epochPaths, epochPathsOf, logFilePath } from '../../storage/audit-paths.ts';
import { checkedFiles } from '../../storage/checked-files.ts';
import { type HomePaths, homePaths, readHome } from '../../storage/home.ts';
import { ledgerSegmentPath } from '../../storage/ledger-segments.ts';
import { decodePublicView } from '../../storage/public-view.ts';
import { isTlogDirectory, tlogFiles } from '../../storage/tlog-files.ts';
import { homeLog } from '../../storage/trusted-log.ts';
import type { OperationDeps } from '../deps.ts';
import { learnFromCopy } from '../governance/learn-keys.ts';
import { originOfDirectory, trustedOrigin } from './export-target.ts';
import { logByKeyChain, readManifest } from './verify-export.ts';

export type AuditDeps = Pick<OperationDeps, 'host' | 'home' | 'crypto' | 'onProgress'>;

export interface AuditTarget {
  readonly files: Files;
  readonly crypto: Crypto;
  /** Of the judging home, whose pins and memory count. */
  readonly paths: HomePaths;
  readonly auditDir: string;
  /** `home`: the live log of this home; anything else is a copy, or an export in the layout of tlog-tiles. */
  readonly kind: 'home' | 'copy' | 'tlog' | 'export';
  /** Null when the log has no log.json any more, or, in this home, one that cannot be read. */
  readonly file: LogFile | null;
  /** Why log.json of this home cannot be read. */
  readonly damage: string | null;
  /** The store of this home, when `file` is the log of another store. */
  readonly foreign: string | null;
  /** Of a native export. */
  readonly manifest: ExportManifest | null;
  /** Where the files of an epoch are. */
  epochPaths(epoch: number): EpochPaths;
  /** Keys for an epoch of `file`; null when none are trusted here. */
  trusted(epoch: number): TrustedLog | null;
  /** Restores that a quorum accepted, as far as this home knows; null while the store is ungoverned here. */
  accepted(): readonly AcceptedEpoch[] | null;
}

const isDirectory = (files: Files, path: string): boolean => files.info(path)?.type === 'directory';

/** What a single file looks like, and the command that judges it. */
function singleFile(files: Files, path: string, sizeBytes: number): { readonly what: string; readonly hint: string } {
  const bytes = sizeBytes > LIMITS.signedFileBytes ? null : files.read(path, LIMITS.signedFileBytes);
  const text = bytes === null ? '' : (fromUtf8(bytes) ?? '');
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (bytes !== null && isTlogProof(bytes)) {
    return { what: 'a tlog-proof', hint: `Judge it: \`ronctl audit check-proof ${name}\`, which takes --policy too.` };
  }
  if (/^old [0-9]+\n/.test(text)) {
    return { what: 'a consistency proof', hint: `Judge it: \`ronctl audit check-proof ${name} --old OLD\`.` };
  }
  if (/^[^\n]+\/e[0-9]+\n[0-9]+\n[^\n]+\n\n\u2014 /.test(text)) {
    const hint = `Demand that the log contains it: \`ronctl audit verify --anchor ${name}\`. Remember it: \`ronctl audit anchor --import ${name}\`.`;
    return { what: 'a checkpoint', hint };
  }
  return { what: 'a single file', hint: `Give a directory; \`ronctl inspect ${name}\` says what the file is.` };
}

function place(files: Files, home: string, given: string | null): { auditDir: string; kind: 'home' | 'copy' } {
  if (given === null || given === home) return { auditDir: homePaths(home).audit, kind: 'home' };
  const info = files.info(given);
  if (info === null) throw new RonError('NotFound', `${given}: no such file or directory`, { field: 'DIR' });
  if (info.type !== 'directory') {
    const { what, hint } = singleFile(files, given, info.sizeBytes);
    throw new RonError('Unsupported', `${given} is ${what}, and no log`, { field: 'DIR', hint });
  }
  if (given === homePaths(home).audit) return { auditDir: given, kind: 'home' };
  // Any other directory is a copy, which may honestly be older than what this home remembers.
  for (const auditDir of [`${given}/audit`, given]) {
    if (files.info(logFilePath(auditDir)) !== null || isDirectory(files, `${auditDir}/e0`))
      return { auditDir, kind: 'copy' };
  }
  throw new RonError('Malformed', `${given}: neither a home nor an audit directory`, {
    field: 'DIR',
    hint: 'An audit directory has log.json and e0/; a home has home.json and audit/.',
  });
}

/** A broken log.json of the live log is damage to be judged; a directory with a broken one is not ours. */
function logFileOf(
  files: Files,
  auditDir: string,
  kind: 'home' | 'copy',
): { readonly file: LogFile | null; readonly damage: string | null } {
  try {
    return { file: readLogFile(files, auditDir), damage: null };
  } catch (error) {
    if (!(error instanceof RonError) || error.code !== 'Malformed' || kind === 'copy') throw error;
    return { file: null, damage: error.message };
  }
}

/**
 * The store of this home, when the log is that of another one; null when it fits or no store says. From the clear header of
 * the root record and from public.json. Attack: the whole log replaced by a consistent one under keys of its own.
 */
function foreignStore(files: Files, paths: HomePaths, storeId: string): string | null {
  const said = [
    readOr(() => {
      const root = files.read(`${paths.store}/root.ronk`, LIMITS.sealedRecordBytes);
      return root === null ? null : splitRecord(root, 'root.ronk').header.store_id;
    }),
    readOr(() => {
      const view = files.read(paths.publicView, LIMITS.stateFileBytes);
      return view === null ? null : decodePublicView(view, 'public.json').store_id;
    }),
  ].filter((one) => one !== null);
  return said.length === 0 || said.includes(storeId) ? null : said[0]!;
}

/** By public.json, which changes with the adoption; a ledger file may be what a cut-off adoption left. */
export function isGoverned(files: Files, paths: HomePaths): boolean {
  const view = readOr(() => files.read(paths.publicView, LIMITS.stateFileBytes));
  if (view === null) return files.info(ledgerSegmentPath(paths.ledger, 0)) !== null;
  return readOr(() => decodePublicView(view, 'public.json').ledger_id) !== null;
}

/** Null for what cannot be read: that is judged elsewhere. */
function readOr<T>(read: () => T | null): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}

/** `given` is absolute, or null for the log of this home. Throws NotInitialised when this home never had one. */
export async function auditTarget(deps: AuditDeps, given: string | null): Promise<AuditTarget> {
  const { host, home } = deps;
  const paths = homePaths(home);
  // Modes count for what is believed (pins, memory), not for what is judged: an editor who also loosens a mode must not
  // turn "tampered" into "unsafe file".
  const files = checkedFiles(host.files, paths.trust);
  if (given !== null && isTlogDirectory(host.files, given)) {
    return exportTarget(host.files, paths, await deps.crypto(), given, null);
  }
  const manifest = given === null ? null : readManifest(host.files, given);
  if (given !== null && manifest !== null) {
    return exportTarget(host.files, paths, await deps.crypto(), given, manifest);
  }
  const { auditDir, kind } = place(host.files, home, given);
  const crypto = await deps.crypto();
  const { file, damage } = logFileOf(files, auditDir, kind);
  if (
    file === null &&
    damage === null &&
    auditDir === paths.audit &&
    files.info(paths.store) === null &&
    files.info(auditDir) === null
  ) {
    throw new RonError('NotInitialised', `there is no audit log in ${paths.home}`, {
      hint: 'Make one with `ronctl init --profile PROFILE`, or set RONCTL_HOME to the home that is meant.',
    });
  }
  if (kind === 'copy' && auditDir === `${given}/audit` && readHome(files, paths) !== null) {
    const { random, clock } = host;
    await learnFromCopy({ files, random, clock, crypto, paths }, given!);
  }
  const trusted = (epoch: number): TrustedLog | null => {
    const found = homeLog({ files, crypto, paths: { ...paths, audit: auditDir as HomePaths['audit'] } }, epoch);
    if (found.log.trust === 'pinned') return found.log;
    if (found.log.trust === 'claimed') return null;
    // Only an ungoverned home vouches for its own log. Attack: the pin is removed, and log.json names the attacker's keys.
    if (isGoverned(files, paths)) return null;
    if (auditDir === paths.audit) return found.log;
    const own = readLogFile(files, paths.audit);
    if (own === null || own.storeId !== found.file.storeId || own.epochs[epoch] === undefined) return null;
    const { origin, keys } = own.epochs[epoch];
    return { origin, keys, serviceKeys: own.serviceKeys, trust: 'local' };
  };
  const accepted = (): readonly AcceptedEpoch[] | null => {
    const here = { files, crypto, paths: { ...paths, audit: auditDir as HomePaths['audit'] } };
    return file === null ? null : (homeLog(here).pinned?.authority.epochs ?? null);
  };
  const foreign = kind === 'home' && file !== null ? foreignStore(host.files, paths, file.storeId) : null;
  const pathsOf = (epoch: number): EpochPaths => epochPaths(auditDir, epoch);
  const judged = { auditDir, kind, file, damage, foreign, manifest: null };
  return { files, crypto, paths, ...judged, epochPaths: pathsOf, trusted, accepted };
}

/** One epoch, exported: entry bundles and tiles, or with a manifest as a native export. */
function exportTarget(
  host: Files,
  paths: HomePaths,
  crypto: Crypto,
  directory: string,
  manifest: ExportManifest | null,
): AuditTarget {
  const own = checkedFiles(host, paths.trust);
  const of = originOfDirectory(own, directory);
  const none = { ed25519: new Uint8Array(), ml_dsa_65: new Uint8Array() };
  const epoch = { n: of.epoch, origin: of.origin, keys: [] };
  const trust = { files: own, crypto, paths };
  return {
    files: manifest === null ? tlogFiles(own, directory) : own,
    crypto,
    paths,
    auditDir: directory,
    kind: manifest === null ? 'tlog' : 'export',
    file: { storeId: of.storeId, base: of.base, serviceKeys: none, epochs: [epoch] },
    damage: null,
    foreign: null,
    manifest,
    epochPaths: () => epochPathsOf(directory),
    accepted: () => null,
    trusted: () =>
      (manifest === null ? null : logByKeyChain(trust, directory, of)) ??
      trustedOrigin(trust, of, isGoverned(own, paths)),
  };
}
