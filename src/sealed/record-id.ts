// Names of sealed records (store page 3). The id says what a record is; it enters the key derivation, so that a record
// put in the place of another does not open. Ids: root, manifest, service-keys, log-keys, cap-root/<n>, revocations,
// <kid>#v<N>, signer-keys/<n>, signer-memory/<ledger_id>.

import { concat } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { sha256Hex } from '../crypto/hash.ts';

export const RECORD_TYPES = [
  'root',
  'manifest',
  'service-keys',
  'log-keys',
  'cap-root',
  'key-version',
  'revocations',
  'signer-keys',
  'signer-memory',
] as const;

export type SealedRecordType = (typeof RECORD_TYPES)[number];

/** 64 lower hex: the file name of a record, and its member name in the manifest. */
export function recordHash(id: string): string {
  return sha256Hex(concat(utf8('ron-kms/record/v1'), Uint8Array.of(0), utf8(id)));
}

/** `<hash>.<generation>.ronk` */
export function recordFileName(id: string, generation: number): string {
  return `${recordHash(id)}.${generation}.ronk`;
}

/** HKDF info: `ron-kms::<tenant|_>::<purpose|_>::<record_type>/<record id>`. Tenant and purpose only for key versions. */
export function recordInfo(type: SealedRecordType, id: string): Uint8Array {
  const [tenant, purpose] = type === 'key-version' ? id.split('/') : [];
  return utf8(`ron-kms::${tenant ?? '_'}::${purpose ?? '_'}::${type}/${id}`);
}
