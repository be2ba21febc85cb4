// A native export as a target of `audit verify` (log page 4.8): its files against its manifest, then like a copy of the log, or,
// where the manifest declares gaps, record by record against the tiles. Its key chain counts as far as it follows from a
// pinned genesis.

import type { TrustedLog } from '../../audit/checkpoint.ts';
import { type ExportManifest, parseManifest } from '../../audit/export-manifest.ts';
import { type Finding, Findings } from '../../audit/findings.ts';
import { parseCanonicalFile } from '../../bytes/canonical-json.ts';
import { within } from '../../bytes/decode.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { RonError } from '../../errors.ts';
import { followChain, keyChain } from '../../governance/key-chain.ts';
import type { Files } from '../../host.ts';
import { LIMITS } from '../../limits.ts';
import { digestOf } from '../../storage/audit-export-native.ts';
import { filesBelow } from '../../storage/file-copy.ts';
import type { HomePaths } from '../../storage/home.ts';
import { listPins, readChain, readPinnedGenesis } from '../../storage/trust-pin.ts';
import { pinnedLog } from '../../storage/trusted-log.ts';
import type { ParsedOrigin } from './export-target.ts';

const MANIFEST = 'manifest.json';

/** Null for a directory that is no native export. Throws Malformed, NewerVersion. */
export function readManifest(files: Files, directory: string): ExportManifest | null {
  const path = `${directory}/${MANIFEST}`;
  if (files.info(path)?.type !== 'file') return null;
  return parseManifest(files.read(path, LIMITS.stateFileBytes)!, path);
}

/** Files that are not those of the manifest. Attack: none is hidden by it, since it is not signed; damage on the way is. */
export function checkManifest(files: Files, directory: string, manifest: ExportManifest, of: ParsedOrigin): Finding[] {
  const findings = new Findings();
  if (manifest.origin !== of.origin) {
    findings.add('manifest-mismatch', `the manifest is of ${manifest.origin}, the checkpoint of ${of.origin}`, {
      file: MANIFEST,
    });
  }
  for (const [file, digest] of manifest.files) {
    const found = digestOf(files, `${directory}/${file}`);
    if (found === digest) continue;
    const what = found === null ? 'is not there' : 'is not the one that the manifest names';
    findings.add('manifest-mismatch', `${file} ${what}`, { file });
  }
  for (const file of filesBelow(files, directory)) {
    if (file === MANIFEST || manifest.files.has(file)) continue;
    findings.add('manifest-mismatch', `${file} is not in the manifest`, { file });
  }
  return findings.list;
}

/**
 * The log under the pinned genesis of its store and the key chain of the export, when that leads further than the one known
 * here; null when it does not, or does not hold.
 */
export function logByKeyChain(
  deps: { readonly files: Files; readonly crypto: Crypto; readonly paths: HomePaths },
  directory: string,
  of: ParsedOrigin,
): TrustedLog | null {
  const path = `${directory}/key-chain.json`;
  const bytes = deps.files.read(path, LIMITS.requestFileBytes);
  const pin = listPins(deps).find((one) => readPinnedGenesis(deps, one.ledger_id).genesis.store_id === of.storeId);
  if (bytes === null || pin === undefined) return null;
  try {
    const links = within(path, () => keyChain(parseCanonicalFile(bytes, path), ''));
    if (links.length <= readChain(deps, pin.ledger_id).length) return null;
    const { genesis } = readPinnedGenesis(deps, pin.ledger_id);
    return pinnedLog(followChain(deps.crypto, genesis, links), of.origin);
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}
