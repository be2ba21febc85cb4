import { describe, expect, it } from 'vitest';
import { type CheckpointBody, formatBody, signCheckpoint } from '../../src/audit/checkpoint.ts';
import { cosign, cosignerVkeys, createCosignatureVerifier } from '../../src/audit/cosignature.ts';
import { formatSignatureLines, parseSignatureLines } from '../../src/audit/witness-request.ts';
import { readU64be } from '../../src/bytes/framing.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { formatNote, parseNote, parseVkey } from '../../src/envelope/note.ts';
import { logKeys } from '../support/audit.ts';
import { testCrypto } from '../support/crypto.ts';
import { describeVectors, vectorJson } from '../vectors/third-party.ts';

interface Vectors {
  readonly ed25519_cosignature_0x04: {
    readonly valid_vkeys: readonly string[];
    readonly timestamps: readonly { readonly sig_b64: string; readonly unix?: number; readonly invalid?: string }[];
    readonly notes: readonly {
      readonly vkey: string;
      readonly note: string;
      readonly valid: boolean;
      readonly unix: number;
    }[];
  };
}

describeVectors('tlog cosignatures', () => {
  const vectors = (): Vectors['ed25519_cosignature_0x04'] =>
    (vectorJson('tlog/signature-types.json') as Vectors).ed25519_cosignature_0x04;

  it('reads the published keys of type 04', () => {
    for (const vkey of vectors().valid_vkeys) {
      expect(createCosignatureVerifier(parseVkey(vkey), testCrypto()).vkey.type).toBe(4);
    }
    expect(vectors().valid_vkeys.length).toBe(4);
  });

  it('finds the time of the published cosignatures, and none in a plain signature', () => {
    for (const one of vectors().timestamps) {
      const bytes = Buffer.from(one.sig_b64, 'base64').subarray(4);
      const verifier = createCosignatureVerifier(parseVkey(vectors().valid_vkeys[0]!), testCrypto());
      if (one.unix === undefined) expect(verifier.check('x\n', bytes), one.invalid).toBeNull();
      else expect(readU64be(bytes, 0)).toBe(one.unix);
    }
  });

  it('verifies the published notes, and nothing that differs in one byte of the signature or the text', () => {
    for (const { vkey, note: text, unix } of vectors().notes) {
      const note = parseNote(utf8(text), 'note');
      const verifier = createCosignatureVerifier(parseVkey(vkey), testCrypto());
      const line = note.signatures.find((one) => one.keyId === verifier.vkey.keyId)!;
      expect(verifier.check(note.text, line.signature)).toBe(unix);
      expect(verifier.check(note.text.replace('300', '301'), line.signature)).toBeNull();
      for (let at = 0; at < line.signature.length; at++) {
        const mangled = line.signature.slice();
        mangled[at]! ^= 1;
        expect(verifier.check(note.text, mangled), `byte ${at}`).toBeNull();
      }
    }
    expect(vectors().notes.length).toBe(3);
  });
});

const NAME = 'witness.example.org/alice';
const body: CheckpointBody = { origin: 'ronctl.invalid/log/e0', size: 7, root: sha256(utf8('root')) };

describe('cosignatures', () => {
  it('makes both kinds, which verify under their own key alone', async () => {
    const crypto = testCrypto();
    const keys = { name: NAME, ...(await logKeys('witness')) };
    const lines = await cosign(body, 1_800_000_000, keys);
    const verifiers = cosignerVkeys(keys).map((vkey) => createCosignatureVerifier(parseVkey(vkey), crypto));
    expect(verifiers.map(({ vkey }) => vkey.type)).toEqual([4, 6]);
    lines.forEach((line, at) => {
      expect([line.name, line.keyId]).toEqual([NAME, verifiers[at]!.vkey.keyId]);
      expect(verifiers[at]!.check(formatBody(body), line.signature)).toBe(1_800_000_000);
      expect(verifiers[1 - at]!.check(formatBody(body), line.signature)).toBeNull();
    });
    expect(parseSignatureLines(formatSignatureLines(lines), 'answer')).toEqual(lines);
  });

  it('binds time, origin, size, root and, with ML-DSA, the name of the cosigner', async () => {
    const crypto = testCrypto();
    const keys = { name: NAME, ...(await logKeys('witness')) };
    const lines = await cosign(body, 1_800_000_000, keys);
    const [ed25519, mlDsa] = cosignerVkeys(keys).map((vkey) => createCosignatureVerifier(parseVkey(vkey), crypto));
    for (const other of [
      { ...body, origin: 'ronctl.invalid/log/e1' },
      { ...body, size: 8 },
      { ...body, root: sha256(utf8('another')) },
    ]) {
      expect(ed25519!.check(formatBody(other), lines[0]!.signature)).toBeNull();
      expect(mlDsa!.check(formatBody(other), lines[1]!.signature)).toBeNull();
    }
    lines.forEach((line, at) => {
      const later = line.signature.slice();
      later[7]! ^= 1;
      expect([ed25519, mlDsa][at]!.check(formatBody(body), later)).toBeNull();
    });
    const renamed = cosignerVkeys({ ...keys, name: 'mallory' }).map((v) =>
      createCosignatureVerifier(parseVkey(v), crypto),
    );
    expect(renamed[1]!.check(formatBody(body), lines[1]!.signature)).toBeNull();
    // The Ed25519 message does not name the cosigner: the policy refuses one key under two names instead.
    expect(renamed[0]!.check(formatBody(body), lines[0]!.signature)).toBe(1_800_000_000);
  });

  it('never signs with time 0, and refuses a log key and a time beyond 2^53', async () => {
    const crypto = testCrypto();
    const keys = { name: NAME, ...(await logKeys('witness')) };
    await expect(cosign(body, 0, keys)).rejects.toThrow(RangeError);
    const note = parseNote(await signCheckpoint(body, 1_800_000_000, [await logKeys()]), 'note');
    const [ed25519, mlDsa] = cosignerVkeys(keys).map((vkey) => createCosignatureVerifier(parseVkey(vkey), crypto));
    expect(note.signatures.map((one) => ed25519!.check(note.text, one.signature))).toEqual([null, null]);
    const far = (await cosign(body, 1_800_000_000, keys))[1]!.signature.slice();
    far[0] = 0x7f;
    expect(mlDsa!.check(formatBody(body), far)).toBeNull();
    const logKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    expect(() => createCosignatureVerifier(parseVkey(logKey), crypto)).toThrow(/type 04 or 06, not 01/);
  });

  it('is one more line of a note that its log signed', async () => {
    const keys = { name: NAME, ...(await logKeys('witness')) };
    const signed = parseNote(await signCheckpoint(body, 1_800_000_000, [await logKeys()]), 'note');
    const whole = formatNote({
      text: signed.text,
      signatures: [...signed.signatures, ...(await cosign(body, 1_800_000_001, keys))],
    });
    expect(parseNote(whole, 'note').signatures.length).toBe(4);
  });
});
