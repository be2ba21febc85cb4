// Key objects that are missing, unreadable or behind public.json are written again by whoever unseals the store (keys page
// 10): readers need them, and they follow from the sealed records. A version whose private half is gone keeps its object.

import { wipe } from '../../bytes/wipe.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { RonError } from '../../errors.ts';
import { withVersion } from '../../keys/key-id.ts';
import { keyFileName, parseKeyObject } from '../../keys/key-object.ts';
import { openKeyVersion } from '../../keys/key-record.ts';
import type { PublicVersion } from '../../keys/public-view.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import { type KeyFile, keyObjectFile } from './key-making.ts';

/** True when the object says what public.json says; its signatures are the reader's matter. */
function isCurrent(bytes: Uint8Array | null, kid: string, version: PublicVersion): boolean {
  if (bytes === null) return false;
  try {
    const { object } = parseKeyObject(bytes, 'key object');
    return object.kid === kid && object.state === version.state && object.from_seq === version.from_seq;
  } catch (error) {
    if (error instanceof RonError) return false;
    throw error;
  }
}

export async function repairKeyObjects(crypto: Crypto, store: CustodyStore): Promise<void> {
  const held = new Set(store.recordIds());
  const files: KeyFile[] = [];
  for (const key of store.view.keys) {
    for (const version of key.versions) {
      const kid = withVersion(key.kid, version.n);
      if (!held.has(kid) || isCurrent(store.keyFile(keyFileName(kid, 'pub')), kid, version)) continue;
      const item = await store.read(kid);
      const { secrets, ...sealed } = openKeyVersion(kid, item.meta, item.secret);
      wipe(...secrets);
      files.push(await keyObjectFile(crypto, await store.serviceKeys(), sealed, version));
    }
  }
  if (files.length > 0) await store.writeKeyFiles(files);
}
