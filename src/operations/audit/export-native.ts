// `audit export --out DIR` (log page 4.9): what an auditor takes away of one epoch, whole or a range, with the key chain by
// which a pinned genesis reaches its log keys. The directory must not exist, or be empty.

import { presentRanges } from '../../audit/export-manifest.ts';
import { canonicalFile, type JsonObject } from '../../bytes/canonical-json.ts';
import { RonError } from '../../errors.ts';
import { chainLinkJson } from '../../governance/key-chain.ts';
import { exportNative } from '../../storage/audit-export-native.ts';
import { NOTE_BYTES_MAX } from '../../storage/audit-notes.ts';
import { treeReader } from '../../storage/audit-proven-lines.ts';
import { listPins, readChain, readPinnedGenesis } from '../../storage/trust-pin.ts';
import { checkpointSummary } from './checkpoint-summary.ts';
import type { AuditExportResult } from './export.ts';
import { rangeOf } from './export-lines.ts';
import { type ExportDeps, type ExportSource, exportHead, refuseInside, type SignedHead } from './export-source.ts';

export interface NativeExportRequest extends ExportSource {
  /** Absolute. */
  readonly directory: string;
  readonly from: number | null;
  readonly to: number | null;
}

/** `[link, ...]` as the pin of this store has it; null while nothing is pinned. */
function keyChainOf({ target }: SignedHead): Uint8Array | null {
  const { files, crypto, paths } = target;
  const deps = { files, crypto, paths };
  const pin = listPins(deps).find(
    (one) => readPinnedGenesis(deps, one.ledger_id).genesis.store_id === target.file?.storeId,
  );
  if (pin === undefined) return null;
  return canonicalFile(readChain(deps, pin.ledger_id).map((link) => chainLinkJson(link) satisfies JsonObject));
}

/** Of a size up to the checkpoint; one that does not verify is `audit verify`'s to name, and is not given out. */
function cosignedOf({ files, paths, verifier, checkpoint }: SignedHead): Uint8Array | null {
  const bytes = files.read(paths.cosigned, NOTE_BYTES_MAX);
  const answer = bytes === null ? null : verifier.check(bytes);
  return answer?.ok === true && answer.checkpoint.size <= checkpoint.size ? bytes : null;
}

export async function auditExportNative(request: NativeExportRequest, deps: ExportDeps): Promise<AuditExportResult> {
  const { directory } = request;
  const { files, random } = deps.host;
  refuseInside(deps, directory, '--out');
  const head = await exportHead(deps, request);
  const { checkpoint } = head;
  const range = rangeOf(request, checkpoint.size);
  const info = files.info(directory);
  if (info !== null && (info.type !== 'directory' || files.list(directory).length > 0)) {
    throw new RonError('Exists', `${directory} is there already and is not overwritten`, {
      field: '--out',
      hint: 'Name a directory that does not exist.',
    });
  }
  const { manifest, bytes } = await exportNative(
    { files, random, onProgress: deps.onProgress },
    {
      files: head.files,
      paths: head.paths,
      checkpoint,
      tiles: head.uncachedTiles,
      hashes: treeReader(head.uncachedTiles, checkpoint.size),
      origin: head.origin,
      keyChain: keyChainOf(head),
      cosigned: cosignedOf(head),
    },
    directory,
    range,
    head.absent,
  );
  return {
    kind: 'native',
    out: directory,
    origin: head.origin,
    epoch: head.epoch,
    trust: head.trust === 'authenticated' ? 'pinned' : 'local',
    checkpoint: checkpointSummary(checkpoint),
    ...range,
    records: presentRanges(manifest.gaps, checkpoint.size).reduce((sum, one) => sum + one.to - one.from, 0),
    files_written: manifest.files.size + 1,
    bytes_written: bytes,
    gaps: manifest.gaps,
    redacted: null,
  };
}
