// The payload of sign and verify: a file, hashed by streaming BLAKE3, bytes that were read already, or its digest.

import { toHex } from '../../bytes/hex.ts';
import { blake3Stream } from '../../crypto/blake3.ts';
import type { Host, OnProgress } from '../../host.ts';
import { parsePayloadB3 } from '../../keys/message.ts';

export type Payload =
  | { readonly kind: 'file' /** Absolute, links resolved. */; readonly path: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'b3'; readonly hex: string };

const CHUNK_BYTES = 1024 * 1024;

/** 64 lower hex. Throws NotFound, UnsafeFile, InvalidValue. */
export async function payloadB3(payload: Payload, host: Pick<Host, 'files'>, onProgress: OnProgress): Promise<string> {
  if (payload.kind === 'b3') return toHex(parsePayloadB3(payload.hex, '--b3'));
  const stream = await blake3Stream();
  if (payload.kind === 'bytes') {
    stream.update(payload.bytes);
    return toHex(stream.digest());
  }
  const file = host.files.open(payload.path, 'read');
  try {
    const total = file.info().sizeBytes;
    for (let done = 0; ; ) {
      const chunk = file.read(done, CHUNK_BYTES);
      if (chunk.length === 0) return toHex(stream.digest());
      stream.update(chunk);
      done += chunk.length;
      onProgress({ phase: 'hashing', done, total: Math.max(total, done), unit: 'bytes' });
    }
  } finally {
    file.close();
  }
}
