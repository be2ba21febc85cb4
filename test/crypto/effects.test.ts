// What the calls of node:crypto really did: an option that Node ignores would show here and nowhere else. And what is loaded.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { ml_dsa44, ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { slh_dsa_sha2_128s } from '@noble/post-quantum/slh-dsa.js';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';

const message = utf8('signed without a context and without a pre-hash');
const context = utf8('some context');

describe.each([
  ['ml-dsa', ml_dsa65, sha512],
  ['ml-dsa-44', ml_dsa44, sha256],
  ['slh-dsa', slh_dsa_sha2_128s, sha256],
] as const)('%s', (alg, judge, hash) => {
  it('native signs with an empty context, without a pre-hash, and hedged', async () => {
    const scheme = nativeCrypto().signature(alg);
    const key = await scheme.importSecret(await scheme.generate());
    const [one, two] = [await key.sign(message), await key.sign(message)];
    expect(judge.verify(one, message, key.publicKey)).toBe(true);
    expect(judge.verify(one, message, key.publicKey, { context })).toBe(false);
    expect(judge.prehash(hash).verify(one, message, key.publicKey)).toBe(false);
    expect(one).not.toEqual(two);
  });

  it('native judges with an empty context', async () => {
    const scheme = nativeCrypto().signature(alg);
    const { secretKey, publicKey } = judge.keygen();
    expect(scheme.verify(publicKey, message, judge.sign(message, secretKey))).toBe(true);
    expect(scheme.verify(publicKey, message, judge.sign(message, secretKey, { context }))).toBe(false);
  });
});

it('Ed25519 is deterministic and pure: RFC 8032 section 7.1, test 3', async () => {
  const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
  const secret = hex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7');
  const key = await nativeCrypto().signature('ed25519').importSecret(secret);
  expect(await key.sign(hex('af82'))).toEqual(
    hex(
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ),
  );
});

describe('loading', () => {
  const path = (name: string): string => fileURLToPath(new URL(`../../src/crypto/${name}`, import.meta.url));

  /** Modules of packages that a process loads when it signs, verifies and seals with a provider. */
  const packagesOf = (provider: string): string[] => {
    const script = `
      import { registerHooks } from 'node:module';
      const seen = new Set();
      registerHooks({ resolve(specifier, context, next) {
        const found = next(specifier, context);
        const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\//.exec(found.url)?.[1];
        if (name !== undefined) seen.add(name);
        return found;
      } });
      const { loadCrypto } = await import(${JSON.stringify(path('select.ts'))});
      const crypto = await loadCrypto(${JSON.stringify(provider)});
      for (const alg of ['ed25519', 'ml-dsa']) {
        const scheme = crypto.signature(alg);
        const key = await scheme.importSecret(await scheme.generate());
        if (!scheme.verify(key.publicKey, new Uint8Array(3), await key.sign(new Uint8Array(3)))) throw new Error(alg);
      }
      crypto.aead('aes-256-gcm');
      await crypto.kem('x-wing').generate();
      console.log(JSON.stringify([...seen]));
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    return JSON.parse(output) as string[];
  };

  it('the native provider loads no package at all', () => {
    expect(packagesOf('native')).toEqual([]);
  });

  it('noble is loaded when it is asked for', () => {
    expect(packagesOf('noble')).toContain('@noble/curves');
  });
});
