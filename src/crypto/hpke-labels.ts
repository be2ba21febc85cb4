// RFC 9180 section 4: LabeledExtract and LabeledExpand over HKDF-SHA256. `suiteId` is "KEM" || kem_id inside a KEM and
// "HPKE" || kem_id || kdf_id || aead_id in the key schedule.

import { concat, u16be } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { hkdfExpand, hkdfExtract } from './kdf.ts';

const VERSION = 'HPKE-v1';

export function labeledExtract(suiteId: Uint8Array, salt: Uint8Array, label: string, inputKey: Uint8Array): Uint8Array {
  return hkdfExtract(salt, concat(utf8(VERSION), suiteId, utf8(label), inputKey));
}

export function labeledExpand(
  suiteId: Uint8Array,
  pseudorandomKey: Uint8Array,
  label: string,
  info: Uint8Array,
  lengthBytes: number,
): Uint8Array {
  return hkdfExpand(
    pseudorandomKey,
    concat(u16be(lengthBytes), utf8(VERSION), suiteId, utf8(label), info),
    lengthBytes,
  );
}
