// Requests on a custody store as the service makes them, for tests of storage alone.

import type { AuditDraft } from '../../src/audit/draft.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { sha256Hex } from '../../src/crypto/hash.ts';
import type { Mutation } from '../../src/storage/custody-port.ts';
import { FAST_KDF } from './store.ts';

export const ACTOR = 'local:0:test';

export const INIT = {
  profile: 'dev',
  base: 'ronctl.invalid',
  actor: ACTOR,
  version: '0.1.0',
  kdf: FAST_KDF,
} as const;

export const KID = 'acme/release/ed25519/0190a5a0-0000-7000-8000-000000000001';

export function createDraft(version: number): AuditDraft {
  return {
    op: 'create',
    actor: ACTOR,
    tenant: 'acme',
    purpose: 'release',
    kid: `${KID}#v${version}`,
    result: 'ok',
    detail: { tracks: ['ed25519'], pub: { ed25519: 'ab'.repeat(32) } },
  };
}

/** A mutation as `kms create` makes it. */
export function createKey(version = 1): Mutation {
  return {
    puts: [{ id: `${KID}#v${version}`, type: 'key-version', meta: { v: 1 }, secret: utf8('s'.repeat(32)) }],
    keyFiles: [{ name: `${sha256Hex(utf8(`${version}`))}.pub.json`, bytes: utf8('{}\n') }],
    publicView: (view, place) => ({
      ...view,
      keys: [
        {
          kid: KID,
          state: 'active',
          versions: [
            ...(view.keys[0]?.versions ?? []).map((one) => ({ ...one, state: 'superseded' as const })),
            {
              n: version,
              state: 'active',
              tracks: ['ed25519'],
              pub: { ed25519: 'ab'.repeat(32) },
              created_seq: place.seq,
            },
          ],
        },
      ],
    }),
    audit: createDraft(version),
  };
}

export const signDraft: AuditDraft = {
  op: 'sign',
  actor: ACTOR,
  tenant: 'acme',
  purpose: 'release',
  kid: `${KID}#v1`,
  alg: 'ed25519',
  input_hash: `b3:${'00'.repeat(32)}`,
  result: 'ok',
};
