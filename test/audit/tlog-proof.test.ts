import { describe, expect, it } from 'vitest';
import { createLogVerifier, logVkeys, signCheckpoint } from '../../src/audit/checkpoint.ts';
import { leafHash, nodeHash } from '../../src/audit/leaf.ts';
import { checkTlogProof, formatTlogProof, isTlogProof, parseTlogProof } from '../../src/audit/tlog-proof.ts';
import { fromUtf8, utf8 } from '../../src/bytes/text.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { RonError } from '../../src/errors.ts';
import { describeVectors, vectorJson } from '../vectors/third-party.ts';

interface Vectors {
  readonly valid: readonly {
    readonly text: string;
    readonly index: string;
    readonly extra_b64?: string;
    readonly hashes_b64: readonly string[];
    readonly checkpoint: string;
  }[];
  readonly invalid: readonly { readonly why: string; readonly text: string }[];
}

const refused = (text: string): RonError | null => {
  try {
    parseTlogProof(utf8(text), 'proof');
    return null;
  } catch (error) {
    if (error instanceof RonError) return error;
    throw error;
  }
};

describeVectors('tlog-proof', () => {
  const vectors = (): Vectors => vectorJson('tlog/tlog-proof-vectors.json') as Vectors;

  it('reads the published proofs and writes them again', () => {
    const { valid } = vectors();
    expect(valid.length).toBe(3);
    for (const one of valid) {
      const proof = parseTlogProof(utf8(one.text), 'proof');
      expect(String(proof.index)).toBe(one.index);
      expect(proof.extra === null ? undefined : Buffer.from(proof.extra).toString('base64')).toBe(one.extra_b64);
      expect(proof.path.map((hash) => Buffer.from(hash).toString('base64'))).toEqual(one.hashes_b64);
      expect(fromUtf8(proof.checkpoint)).toBe(one.checkpoint);
      expect(fromUtf8(formatTlogProof(proof))).toBe(one.text);
    }
  });

  it('refuses the published broken ones', () => {
    const { invalid } = vectors();
    expect(invalid.length).toBe(8);
    expect(invalid.filter((one) => refused(one.text)?.code !== 'Malformed').map((one) => one.why)).toEqual([]);
  });
});

async function log() {
  const crypto = nativeCrypto();
  const key = async (alg: 'ed25519' | 'ml-dsa-44') => {
    const scheme = crypto.signature(alg);
    return scheme.importSecret(await scheme.generate());
  };
  const keys = { ed25519: await key('ed25519'), mlDsa44: await key('ml-dsa-44') };
  const origin = 'ronctl.invalid/00/e0';
  const lines = ['a', 'b', 'c'].map((text) => utf8(`{"line":"${text}"}`));
  const [a, b, c] = lines.map((line) => leafHash(line)) as [Uint8Array, Uint8Array, Uint8Array];
  const root = nodeHash(nodeHash(a, b), c);
  const verifier = createLogVerifier(
    {
      origin,
      keys: [{ from: 0, vkeys: logVkeys(origin, keys) }],
      serviceKeys: { ed25519: new Uint8Array(32), ml_dsa_65: new Uint8Array(1952) },
      trust: 'pinned',
    },
    crypto,
  );
  const checkpoint = await signCheckpoint({ origin, size: 3, root }, 1_795_000_000, [keys]);
  return { verifier, proof: { extra: lines[1]!, index: 1, path: [a, c], checkpoint }, lines };
}

describe('checkTlogProof', () => {
  it('proves a record under both log keys', async () => {
    const { verifier, proof, lines } = await log();
    const answer = checkTlogProof(parseTlogProof(formatTlogProof(proof), 'proof'), verifier);
    expect(answer).toMatchObject({ ok: true, index: 1, checkpoint: { size: 3 } });
    expect(answer.ok && Buffer.compare(answer.line, lines[1]!)).toBe(0);
  });

  it('refuses another record, index or path', async () => {
    const { verifier, proof, lines } = await log();
    for (const wrong of [
      { ...proof, extra: lines[0]! },
      { ...proof, index: 0 },
      { ...proof, index: 3 },
      { ...proof, path: proof.path.toReversed() },
      { ...proof, path: proof.path.slice(0, 1) },
    ]) {
      expect(checkTlogProof(wrong, verifier)).toMatchObject({ ok: false, code: 'leaf-mismatch' });
    }
    expect(checkTlogProof(proof, verifier, lines[0])).toMatchObject({ ok: false, code: 'leaf-mismatch' });
    expect(checkTlogProof({ ...proof, extra: null }, verifier)).toMatchObject({ ok: false, code: 'missing-records' });
  });

  it('refuses a checkpoint without its post-quantum half', async () => {
    const { verifier, proof } = await log();
    const stripped = utf8(`${fromUtf8(proof.checkpoint)!.split('\n').slice(0, 5).join('\n')}\n`);
    expect(checkTlogProof({ ...proof, checkpoint: stripped }, verifier)).toMatchObject({
      ok: false,
      code: 'checkpoint-signature-missing',
    });
  });

  it('refuses every mangled byte', async () => {
    const { verifier, proof } = await log();
    const bytes = formatTlogProof(proof);
    for (let index = 0; index < bytes.length; index += 7) {
      const mangled = bytes.slice();
      mangled[index]! ^= 1;
      const text = fromUtf8(mangled);
      const answer =
        text === null || refused(text) !== null ? null : checkTlogProof(parseTlogProof(mangled, 'p'), verifier);
      expect([index, answer?.ok ?? false]).toEqual([index, false]);
    }
  });
});

describe('parseTlogProof', () => {
  it.each([
    ['c2sp.org/tlog-proof@v2\nindex 0\n\nx\n', 'does not begin with'],
    ['c2sp.org/tlog-proof@v1\nindex 01\n\nx\n', 'no index line'],
    ['c2sp.org/tlog-proof@v1\nindex 9007199254740993\n\nx\n', 'no index line'],
    ['c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx\n', '32 bytes as base64'],
    ['c2sp.org/tlog-proof@v1\nindex 0\n\n', 'no checkpoint'],
    ['c2sp.org/tlog-proof@v1\nindex 0\n', 'no empty line'],
    ['c2sp.org/tlog-proof@v1\nextra YQ\nindex 0\n\nx\n', 'standard base64'],
  ])('refuses %j', (text, why) => {
    expect(refused(text)?.message).toContain(why);
  });

  it('knows its own kind by the first line', () => {
    expect(isTlogProof(utf8('c2sp.org/tlog-proof@v9\n'))).toBe(true);
    expect(isTlogProof(utf8('c2sp.org/tlog'))).toBe(false);
  });
});
