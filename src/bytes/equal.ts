// Comparison of secret-dependent bytes (tags, MACs, key bytes) in time that depends on the length only.

import { timingSafeEqual } from 'node:crypto';

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
