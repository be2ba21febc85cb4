// This project's own vectors: the sums, the format, and every vector of vectors/crypto under both providers.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { KEMS, type KemAlg, SIGNATURES, type SignatureAlg } from '../../src/crypto/suite.ts';
import { compute, Refused } from './crypto-operations.ts';
import { canonicalJsonSuites, inputBytes, read, write } from './generate-canonical-json.ts';
import { cryptoSuites } from './generate-crypto.ts';
import { knownAnswers } from './generate-known-answers.ts';
import {
  formatSuite,
  listFiles,
  type OwnVector,
  projectPath,
  readSuite,
  sumsText,
  VECTORS_DIRECTORY,
} from './own-format.ts';

const suites = listFiles().filter((path) => path.endsWith('.json'));

describe('vectors/', () => {
  it('SHA256SUMS names every file with its digest', () => {
    expect(readFileSync(join(VECTORS_DIRECTORY, 'SHA256SUMS'), 'utf8')).toBe(sumsText());
  });

  it.each(suites)('%s: has the documented form, unique names, and an output or an error', (path) => {
    const suite = readSuite(path);
    expect(readFileSync(join(VECTORS_DIRECTORY, path), 'utf8')).toBe(formatSuite(suite));
    expect(Object.keys(suite)).toEqual(['suite', 'source', 'vectors']);
    expect(suite.vectors.length).toBeGreaterThan(0);
    expect(new Set(suite.vectors.map((vector) => vector.name)).size).toBe(suite.vectors.length);
    for (const vector of suite.vectors) {
      const answer = 'out' in vector ? 'out' : 'error';
      expect(Object.keys(vector), vector.name).toEqual(['name', 'in', answer]);
    }
  });

  it('the README names every file', () => {
    const readme = readFileSync(join(VECTORS_DIRECTORY, 'README.md'), 'utf8');
    for (const path of suites) expect(readme, path).toContain(`\`${path}\``);
  });

  it('the crypto vectors are what the generator makes', async () => {
    const made = await cryptoSuites();
    expect([...made.keys()].sort()).toEqual(suites.filter((path) => path.startsWith('crypto/')));
    for (const [path, suite] of made) {
      expect(readFileSync(join(VECTORS_DIRECTORY, path), 'utf8'), path).toBe(formatSuite(suite));
    }
  });

  it('the known answers of the self-test are the first vectors', () => {
    expect(readFileSync(projectPath('src/crypto/known-answers.ts'), 'utf8')).toBe(knownAnswers());
  });

  it('every algorithm of the suite has a file', () => {
    for (const alg of [...Object.keys(SIGNATURES), ...Object.keys(KEMS)]) {
      expect(suites).toContain(`crypto/${alg}.json`);
    }
  });
});

const answer = async (provider: 'native' | 'noble', suite: string, vector: OwnVector): Promise<Partial<OwnVector>> => {
  const crypto = provider === 'native' ? nativeCrypto() : nobleCrypto();
  try {
    return { out: await compute(crypto, suite, vector.in) };
  } catch (error) {
    if (error instanceof Refused) return { error: error.message };
    throw error;
  }
};

describe.each(['native', 'noble'] as const)('vectors/crypto under %s', (provider) => {
  const crypto = provider === 'native' ? nativeCrypto() : nobleCrypto();

  it.each(suites.filter((path) => path.startsWith('crypto/')))('%s', async (path) => {
    const { suite, vectors } = readSuite(path);
    for (const vector of vectors) {
      const { out, error } = vector;
      const expected = out === undefined ? { error } : { out };
      expect(await answer(provider, suite, vector), `${path}: ${vector.name}`).toEqual(expected);
    }
  });

  it('a signature of its own over a vector message verifies under both', async () => {
    for (const alg of Object.keys(SIGNATURES) as SignatureAlg[]) {
      const { in: given, out } = readSuite(`crypto/${alg}.json`).vectors[0]!;
      const secret = fromHex(given['secret'] as string)!;
      const message = fromHex(given['message'] as string)!;
      const publicKey = fromHex(out!['public'] as string)!;
      const signature = await (await crypto.signature(alg).importSecret(secret)).sign(message);
      for (const judge of [nativeCrypto(), nobleCrypto()]) {
        expect(judge.signature(alg).verify(publicKey, message, signature), alg).toBe(true);
      }
      // Only Ed25519 is deterministic in the product; ML-DSA and SLH-DSA are hedged.
      expect(toHex(signature) === out!['signature'], alg).toBe(alg === 'ed25519');
    }
  });

  it('refuses to encapsulate to every public key that a vector refuses', async () => {
    for (const alg of Object.keys(KEMS) as KemAlg[]) {
      for (const vector of readSuite(`crypto/${alg}.json`).vectors) {
        if (vector.in['op'] !== 'encapsulate' || vector.error === undefined) continue;
        const publicKey = fromHex(vector.in['public'] as string)!;
        await expect(crypto.kem(alg).encapsulate(publicKey), vector.name).rejects.toThrow('not a valid public key');
      }
    }
  });
});

describe('vectors/canonical-json', () => {
  it('is what the generator makes', () => {
    for (const [path, suite] of canonicalJsonSuites()) {
      expect(readFileSync(join(VECTORS_DIRECTORY, path), 'utf8'), path).toBe(formatSuite(suite));
    }
  });

  it('read: accepted bytes are their own canonical form, all others are refused for the reason given', () => {
    for (const { name, in: given, out, error } of readSuite('canonical-json/read.json').vectors) {
      expect(read(given), name).toEqual(out === undefined ? { error } : { out });
      if (out !== undefined) expect(utf8(out['canonical'] as string), name).toEqual(inputBytes(given));
    }
  });

  it('write: any spelling of a value gives the one text', () => {
    for (const { name, in: given, out } of readSuite('canonical-json/write.json').vectors) {
      expect(write(given), name).toEqual(out);
    }
  });
});
