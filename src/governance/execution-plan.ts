// What an approved proposal does, in order (governance page 8, 10): effects {n, effect, op_id}. Each effect is one mutation
// of the store, committed by an audit record under its op_id, so that after a crash the log says which were done:
//   op_id = UUIDv8 of the first 16 bytes of SHA-256("ron-gov/effect/v1" 00 raw proposal digest u32be(n)).
// The last effect is always `policy`: the change of V (possibly none), committed by the record `governance.execute`.

import { concat, u32be } from '../bytes/framing.ts';
import { fromHex, toHex } from '../bytes/hex.ts';
import { utf8 } from '../bytes/text.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Action } from './actions.ts';
import type { PlannedEffect } from './ledger.ts';

export const POLICY_EFFECT = 'policy';

export function effectOpId(proposalDigest: string, n: number): string {
  const raw = fromHex(proposalDigest.slice('sha256:'.length), 32)!;
  const id = sha256(concat(utf8('ron-gov/effect/v1\0'), raw, u32be(n))).slice(0, 16);
  id[6] = (id[6]! & 0x0f) | 0x80;
  id[8] = (id[8]! & 0x3f) | 0x80;
  const hex = toHex(id);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The plan of a proposal with this digest. */
export function planFor(proposalDigest: string, action: Action | null): readonly PlannedEffect[] {
  const names = action === null ? [POLICY_EFFECT] : [action.name, POLICY_EFFECT];
  return names.map((effect, n) => ({ n, effect, op_id: effectOpId(proposalDigest, n) }));
}
