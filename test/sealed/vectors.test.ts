import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/bytes/hex.ts';
import { fromUtf8 } from '../../src/bytes/text.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { RonError } from '../../src/errors.ts';
import { openRecord, openRoot } from '../../src/sealed/open.ts';
import { recordFileName, recordInfo, type SealedRecordType } from '../../src/sealed/record-id.ts';
import { decodeRootMeta } from '../../src/sealed/root.ts';
import { sealedSuites } from '../vectors/generate-sealed.ts';
import { type Fields, formatSuite, type OwnVector, readSuite } from '../vectors/own-format.ts';

const text = (fields: Fields, name: string): string => String(fields[name]);
const bytes = (fields: Fields, name: string): Uint8Array => fromHex(text(fields, name))!;

async function answer(vector: OwnVector, open: () => Promise<Fields>): Promise<void> {
  if (vector.error === undefined) expect(await open()).toEqual(vector.out);
  else await expect(open()).rejects.toSatisfy((error) => error instanceof RonError && error.code === vector.error);
}

describe.each([nativeCrypto(), nobleCrypto()])('sealed vectors under $provider', (crypto) => {
  it.each(readSuite('sealed/record.json').vectors)('record: $name', async (vector) => {
    await answer(vector, async () => {
      const { in: given } = vector;
      const expected = {
        storeId: text(given, 'store_id'),
        id: text(given, 'id'),
        type: text(given, 'type') as SealedRecordType,
        generation: Number(given['generation']),
      };
      const opened = openRecord(crypto, bytes(given, 'root_key'), bytes(given, 'file'), expected, 'vector');
      return { meta: { ...opened.meta }, secret: toHex(opened.secret) };
    });
  });

  it.each(readSuite('sealed/root.json').vectors)('root: $name', async (vector) => {
    await answer(vector, async () => {
      const { in: given } = vector;
      const expected = { storeId: text(given, 'store_id'), id: 'root', type: 'root' } as const;
      const opened = await openRoot(crypto, bytes(given, 'passphrase'), bytes(given, 'file'), expected, 'vector');
      const { genesisDigest } = decodeRootMeta(opened.meta, opened.secret, 'vector');
      return { root_key: toHex(opened.secret), genesis_digest: genesisDigest };
    });
  });
});

describe('sealed vectors', () => {
  it.each(readSuite('sealed/name.json').vectors)('name: $name', ({ in: given, out }) => {
    const id = text(given, 'id');
    expect(recordFileName(id, Number(given['generation']))).toBe(out?.['file']);
    expect(fromUtf8(recordInfo(text(given, 'type') as SealedRecordType, id))).toBe(out?.['info']);
  });

  it('a new run of the generator gives the same files', () => {
    for (const [path, suite] of Object.entries(sealedSuites())) {
      expect(formatSuite(readSuite(path)), path).toBe(formatSuite(suite));
    }
  });
});
