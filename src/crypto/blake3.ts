// BLAKE3, 32-byte output, always from a library (D-16). @noble/hashes is the reference and serves single digests; files
// and other large inputs go through the WASM implementation of hash-wasm, 8 times as fast, which is checked against the
// reference once per process before its first use.

import { blake3 as nobleBlake3 } from '@noble/hashes/blake3.js';
import { toHex } from '../bytes/hex.ts';
import { RonError } from '../errors.ts';

export function blake3(bytes: Uint8Array): Uint8Array {
  return nobleBlake3(bytes);
}

export function blake3Hex(bytes: Uint8Array): string {
  return toHex(nobleBlake3(bytes));
}

/** One digest over chunks. After `digest` the stream is spent. */
export interface Blake3Stream {
  update(chunk: Uint8Array): void;
  digest(): Uint8Array;
}

let checked: Promise<void> | undefined;

/** For inputs of unknown or large size; each call is a digest of its own. Throws SelfTestFailed. */
export async function blake3Stream(): Promise<Blake3Stream> {
  checked ??= wasmStream().then(checkAgainstReference);
  await checked;
  return wasmStream();
}

async function wasmStream(): Promise<Blake3Stream> {
  const { createBLAKE3 } = await import('hash-wasm');
  const hasher = await createBLAKE3();
  return {
    update: (chunk) => {
      hasher.update(chunk);
    },
    digest: () => hasher.digest('binary'),
  };
}

/** Several chunks of the tree, fed in uneven pieces. */
export function checkAgainstReference(stream: Blake3Stream): void {
  const input = Uint8Array.from({ length: 10_000 }, (_, index) => index % 251);
  stream.update(input.subarray(0, 1));
  stream.update(input.subarray(1, 5000));
  stream.update(input.subarray(5000));
  if (toHex(stream.digest()) !== blake3Hex(input)) {
    throw new RonError('SelfTestFailed', 'BLAKE3: the WASM implementation differs from the reference');
  }
}
