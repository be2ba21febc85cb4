// The name of a key in logs and metrics (keys page 4): the first 8 hex of BLAKE3(kid without version). Full key ids stand
// in the audit log and in answers only.

import { blake3Hex } from '../crypto/blake3.ts';

export function kidHash(kidWithoutVersion: string): string {
  return blake3Hex(Buffer.from(kidWithoutVersion)).slice(0, 8);
}
