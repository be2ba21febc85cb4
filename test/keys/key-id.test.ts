import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uuidV4, uuidV7 } from '../../src/bytes/uuid.ts';
import { newKid, parseKeyId, requireKeyId, requireVersionedKeyId, withVersion } from '../../src/keys/key-id.ts';
import { kidHash } from '../../src/keys/kid-hash.ts';
import { CREATION_ALGS } from '../../src/keys/tracks.ts';
import { refusal } from '../support/refusal.ts';

const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/);
const uuid = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.boolean())
  .map(([bytes, isV4]) => (isV4 ? uuidV4(bytes) : uuidV7(1_763_600_000_000, bytes)));
const kid = fc.tuple(name, name, fc.constantFrom(...CREATION_ALGS), uuid);

describe('key ids', () => {
  it('what is printed is parsed back, with and without version', () => {
    fc.assert(
      fc.property(kid, fc.integer({ min: 1, max: 2 ** 31 }), ([tenant, purpose, alg, id], version) => {
        const text = newKid(tenant, purpose, alg, id);
        expect(parseKeyId(text)).toMatchObject({ kid: text, tenant, purpose, alg, uuid: id, version: null });
        expect(requireVersionedKeyId(withVersion(text, version), 'kid')).toMatchObject({ kid: text, version });
      }),
    );
  });

  it('the longest one has 189 bytes', () => {
    const longest = withVersion(
      newKid('t'.repeat(64), 'p'.repeat(64), 'hybrid-kem', uuidV4(new Uint8Array(16))),
      2 ** 31,
    );
    expect(Buffer.byteLength(longest)).toBe(189);
    expect(parseKeyId(longest)?.version).toBe(2 ** 31);
  });

  it('no changed character leaves the same key id', () => {
    const text = withVersion(newKid('acme', 'release', 'ed25519', uuidV4(new Uint8Array(16).fill(0xab))), 12);
    for (let at = 0; at < text.length; at++) {
      for (const other of ['A', '/', '#', '-', ' ', '\u0000', 'é', '0']) {
        if (text[at] === other) continue;
        const parsed = parseKeyId(text.slice(0, at) + other + text.slice(at + 1));
        if (parsed !== null) expect(withVersion(parsed.kid, parsed.version ?? 0)).not.toBe(text);
      }
    }
  });

  it('a refusal names the field and the form', () => {
    const error = refusal(() => requireKeyId('ACME/release/ed25519/x', 'KID'));
    expect([error.code, error.field]).toEqual(['InvalidValue', 'KID']);
    expect(error.message).toContain('all in lower case');
    const unversioned = newKid('acme', 'release', 'ml-dsa', uuidV4(new Uint8Array(16)));
    expect(refusal(() => requireVersionedKeyId(unversioned, 'kid')).message).toContain('must name a version');
  });

  it('logs show the first 8 hex of BLAKE3 of the id without version', () => {
    expect(kidHash('hello world')).toBe('d74981ef');
  });
});
