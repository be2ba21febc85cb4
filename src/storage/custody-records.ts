// Ids of the records of a custody store. The manifest names hashes; the ids follow from the clear headers of the files
// (kid) and are checked against the hash, so that a header that lies names no record.

import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { splitRecord } from '../sealed/header.ts';
import type { Manifest } from '../sealed/manifest.ts';
import { recordHash } from '../sealed/record-id.ts';
import type { RecordType } from './custody-port.ts';
import { capRootId } from './custody-record.ts';
import type { SealedPaths } from './sealed-store.ts';

const SINGLE: readonly RecordType[] = ['service-keys', 'log-keys', 'revocations'];
/** Capability roots over the life of a store. */
const MAX_CAP_ROOTS = 100_000;

export function recordTypeOf(id: string): RecordType {
  const single = SINGLE.find((one) => one === id);
  if (single !== undefined) return single;
  if (/^cap-root\/[1-9][0-9]*$/.test(id)) return 'cap-root';
  if (/^[^#]+#v[1-9][0-9]*$/.test(id)) return 'key-version';
  throw new RonError('Internal', `no record of a custody store has the id ${id}`);
}

/** Every id in the manifest except `root`. Tampered when a file is missing or names another record. */
export function recordIds(files: Files, paths: SealedPaths, manifest: Manifest): readonly string[] {
  const wanted = new Set(manifest.records.keys());
  wanted.delete(recordHash('root'));
  const ids: string[] = SINGLE.filter((id) => wanted.delete(recordHash(id)));
  let roots = 0;
  for (const hash of wanted) {
    const path = `${paths.records}/${hash}.${manifest.records.get(hash)!.generation}.ronk`;
    const bytes = files.read(path, LIMITS.sealedRecordBytes);
    if (bytes === null) throw new RonError('Tampered', `${path}: missing, although the manifest names it`);
    const { header } = splitRecord(bytes, path);
    if (header.record_type === 'cap-root') {
      roots++;
      continue;
    }
    if (header.kid === undefined || recordHash(header.kid) !== hash) {
      throw new RonError('Tampered', `${path}: is not the record that its name says`);
    }
    ids.push(header.kid);
  }
  for (let n = 1; roots > 0 && n <= MAX_CAP_ROOTS; n++) {
    if (!wanted.has(recordHash(capRootId(n)))) continue;
    ids.push(capRootId(n));
    roots--;
  }
  return ids;
}
