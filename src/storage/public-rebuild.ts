// public.json made again from the sealed manifest and the audit log, when the file is lost or altered (store page 5). The log
// is read from its first record, its root compared with the newest checkpoint's: an altered record must not come back as a
// key. Where a record leaves open whether one version or the whole key was declared compromised, it is the whole key.
// Refuses (Tampered) a log that does not have the signed root, and keys that the manifest does not hold.

import type { AuditRecord } from '../audit/draft.ts';
import { leafHash } from '../audit/leaf.ts';
import { Frontier } from '../audit/tree.ts';
import { toHex } from '../bytes/hex.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { requireKeyId, withVersion } from '../keys/key-id.ts';
import { addKey, addVersion, compromise, findKey, headOf, type NewVersion, retire } from '../keys/keyring.ts';
import type { PublicView } from '../keys/public-view.ts';
import type { LineRef, Manifest } from '../sealed/manifest.ts';
import { recordHash } from '../sealed/record-id.ts';
import { keylessHead } from './audit-head-scan.ts';
import type { EpochPaths } from './audit-paths.ts';
import { knownRecord, storedRecords } from './audit-store.ts';
import type { CheckpointInfo } from './custody-port.ts';

export interface RebuildInput {
  readonly files: Files;
  /** Every epoch of the log, oldest first. */
  readonly epochs: readonly { readonly n: number; readonly paths: EpochPaths }[];
  /** Records of the newest epoch up to the authenticated head. */
  readonly size: number;
  readonly checkpoint: CheckpointInfo | null;
  readonly manifest: Manifest;
}

/** No file has this digest: the ledger state is replayed in full, and its digest stands in the next commit. */
const NO_STATE = '0'.repeat(64);

const tampered = (why: string): RonError =>
  new RonError('Tampered', `public.json cannot be made again: ${why}`, {
    hint: 'Restore it from a backup of the same moment; `ronctl audit verify` says what is wrong with the log.',
  });

/** The view as the log and the manifest say it. */
export function rebuildPublicView(input: RebuildInput): PublicView {
  const { manifest } = input;
  let view: PublicView = {
    v: 1,
    store_id: manifest.storeId,
    ledger_id: null,
    generation: manifest.generation,
    keys: [],
    ledger: null,
    policy: manifest.policy,
  };
  let ledger: LineRef | null = manifest.ledger;
  for (const { record, epoch } of everyRecord(input)) {
    if (record.result !== 'ok') continue;
    if (record.op === 'genesis.adopt') view = { ...view, ledger_id: ledgerIdOf(record) };
    if (record.op === 'ledger.append') ledger = lineOf(record, ledger);
    view = withKeys(view, record, epoch);
  }
  checkHeld(view, manifest);
  return { ...view, ledger: ledger === null ? null : { ...ledger, state_sha256: NO_STATE } };
}

/** Records of every epoch in order; an earlier one ends where its head says. */
function* everyRecord(input: RebuildInput): Generator<{ readonly record: AuditRecord; readonly epoch: number }> {
  const { files, epochs } = input;
  for (const { n, paths } of epochs) {
    const isNewest = n === epochs.at(-1)!.n;
    const size = isNewest ? input.size : (keylessHead(files, paths)?.size ?? 0);
    const records = signedRecords({ files, epoch: paths, size, checkpoint: isNewest ? input.checkpoint : null });
    if (records[0]?.op !== (n === 0 ? 'init' : 'epoch.open')) throw tampered(`epoch ${n} has another beginning`);
    for (const record of records) yield { record, epoch: n };
  }
}

/** Every record, after the root of those under the checkpoint was found to be the signed one. */
function signedRecords({
  files,
  epoch,
  size,
  checkpoint,
}: Pick<RebuildInput, 'files' | 'size' | 'checkpoint'> & { readonly epoch: EpochPaths }): AuditRecord[] {
  const frontier = new Frontier();
  const records: AuditRecord[] = [];
  for (const { record, line, seq } of storedRecords(files, epoch, 0, size)) {
    frontier.append(leafHash(line));
    records.push(knownRecord(record));
    if (checkpoint === null || seq !== checkpoint.size - 1) continue;
    if (toHex(frontier.root()) !== checkpoint.root) throw tampered('the log does not have the root that was signed');
  }
  return records;
}

function lineOf(record: AuditRecord, before: LineRef | null): LineRef {
  const { seq, hash } = record.detail ?? {};
  if (typeof seq !== 'number' || typeof hash !== 'string') throw tampered(`record ${record.seq} names no ledger line`);
  return before !== null && before.seq > seq ? before : { seq, hash };
}

function ledgerIdOf(record: AuditRecord): string {
  const id = record.detail?.['ledger_id'];
  if (typeof id !== 'string') throw tampered(`record ${record.seq} names no ledger`);
  return id;
}

function withKeys(view: PublicView, record: AuditRecord, epoch: number): PublicView {
  if (record.kid === undefined) return view;
  const id = requireKeyId(record.kid, 'kid');
  const whole = { ...id, version: null };
  switch (record.op) {
    case 'create':
      return addKey(view, id.kid, versionOf(record, epoch));
    case 'rotate':
      return addVersion(view, id.kid, id.version ?? 0, versionOf(record, epoch));
    case 'retire':
      return retire(view, isHead(view, record.kid) ? whole : id);
    case 'compromised':
      return compromise(view, isHead(view, record.kid) ? whole : id, Number(record.detail?.['from_seq']));
    default:
      return view;
  }
}

function isHead(view: PublicView, kid: string): boolean {
  const id = requireKeyId(kid, 'kid');
  const key = findKey(view, id.kid);
  return key !== null && headOf(key).n === id.version;
}

/** What a `create` or `rotate` record says of the version that it made. Throws Tampered when it does not say. */
export function versionOf({ seq, detail }: AuditRecord, epoch: number): NewVersion {
  const { tracks, suite, pub, continuity } = (detail ?? {}) as unknown as Partial<NewVersion>;
  if (tracks === undefined || pub === undefined) throw tampered(`record ${seq} does not say which keys were made`);
  return {
    tracks,
    pub,
    created_seq: seq,
    ...(epoch === 0 ? {} : { created_epoch: epoch }),
    ...(suite === undefined ? {} : { suite }),
    ...(continuity === undefined ? {} : { continuity }),
  };
}

/** Every version that is not retired has its sealed record. */
function checkHeld(view: PublicView, manifest: Manifest): void {
  for (const key of view.keys) {
    for (const { n, state } of key.versions) {
      const held = manifest.records.has(recordHash(withVersion(key.kid, n)));
      if (held === (state !== 'retired')) continue;
      throw tampered(`the log says that ${withVersion(key.kid, n)} is ${state}, the manifest does not`);
    }
  }
}
