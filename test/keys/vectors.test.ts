// Every vector of vectors/keys under both providers, and that the generator still makes exactly these files.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verdictOf } from '../../src/artefact/artefact.ts';
import { keysOfHolder } from '../../src/artefact/known-keys.ts';
import { describeSigned } from '../../src/artefact/signed.ts';
import { fromBase64Url } from '../../src/bytes/base64.ts';
import { canonicalBytes, type Json, type JsonObject, parseCanonical } from '../../src/bytes/canonical-json.ts';
import { fromHex, toHex } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { sha256Hex } from '../../src/crypto/hash.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { Crypto } from '../../src/crypto/provider.ts';
import type { KeyMember } from '../../src/crypto/suite.ts';
import { envelopeDigest } from '../../src/envelope/dsse.ts';
import { RonError } from '../../src/errors.ts';
import { acceptsByTable, VERIFY_MODES } from '../../src/keys/acceptance.ts';
import { attestationPayload, parseAttestation } from '../../src/keys/attestation.ts';
import { decodeBundle, verifyBundle } from '../../src/keys/bundle.ts';
import { continuityDefect, isServiceOnly, parseContinuity } from '../../src/keys/continuity.ts';
import { requireKeyId } from '../../src/keys/key-id.ts';
import { keyObjectDefect, keyObjectPayload, parseKeyObject } from '../../src/keys/key-object.ts';
import { openKeyVersion } from '../../src/keys/key-record.ts';
import { kidHash } from '../../src/keys/kid-hash.ts';
import { signedMessage } from '../../src/keys/message.ts';
import { componentsOf, type SignAlg, signAlgsOf } from '../../src/keys/tracks.ts';
import { openEnvelope, parseEnvelope } from '../../src/keys/wrap-envelope.ts';
import { keySuites } from '../vectors/generate-keys.ts';
import { type Fields, formatSuite, readSuite, VECTORS_DIRECTORY } from '../vectors/own-format.ts';

const hex = (value: unknown): Uint8Array => fromHex(value as string)!;
const text = (value: unknown): Uint8Array => utf8(value as string);

/** Values as the strict decoders see them. */
const json = (value: unknown): Json => parseCanonical(canonicalBytes(value), 'vector');

function servicePub(given: Fields): { ed25519: Uint8Array; ml_dsa_65: Uint8Array } {
  const service = given['service'] as Record<string, string>;
  return { ed25519: fromBase64Url(service['ed25519']!)!, ml_dsa_65: fromBase64Url(service['ml_dsa_65']!)! };
}

const MEMBER: Readonly<Record<SignAlg, KeyMember>> = {
  ed25519: 'ed25519',
  'ml-dsa': 'ml_dsa_65',
  'slh-dsa': 'slh_dsa_sha2_128s',
};

function refuse(defect: string | null): void {
  if (defect !== null) throw new RonError('VerificationFailed', defect);
}

const OPERATIONS: Readonly<Record<string, (crypto: Crypto, given: Fields) => Promise<Fields> | Fields>> = {
  kid: (_crypto, given) => {
    const id = requireKeyId(given['text'] as string, 'text');
    return { ...id, kid_hash: kidHash(id.kid) };
  },
  message: (_crypto, given) => ({
    message: toHex(signedMessage(given['algs'] as SignAlg[], given['kid'] as string, hex(given['payload_b3']))),
  }),
  bundle: (crypto, given) => {
    const tracks = given['tracks'] as string[];
    const pub = given['pub'] as Record<string, string>;
    const keys = new Map(signAlgsOf(tracks).map((alg) => [alg, fromBase64Url(pub[MEMBER[alg]]!)!]));
    const verdicts = verifyBundle(crypto, keys, decodeBundle(json(given['bundle'])), hex(given['payload_b3']));
    return {
      signatures: verdicts.map((one) => ({
        alg: one.alg,
        verdict: one.valid ? 'valid' : one.malformed ? 'malformed' : 'invalid',
      })),
      accepted_in: VERIFY_MODES.filter((mode) => acceptsByTable(tracks, verdicts, mode)),
    };
  },
  record: (_crypto, given) => {
    const opened = openKeyVersion(given['kid'] as string, json(given['meta']) as JsonObject, hex(given['secret']));
    const members = componentsOf(opened).map((one) => one.member);
    return {
      secrets: Object.fromEntries(members.map((member, index) => [member, toHex(opened.secrets[index]!)])),
      suite: opened.suite ?? null,
      rotate_days: opened.rotate_days ?? null,
    };
  },
  wrap: async (crypto, given) => {
    const envelope = parseEnvelope(hex(given['envelope']));
    const plaintext = await openEnvelope(crypto, envelope, hex(given['secret']));
    return { kid: envelope.kidText, suite: envelope.suite, plaintext: toHex(plaintext) };
  },
  'key-object': (crypto, given) => {
    const { envelope, object } = parseKeyObject(text(given['file']), 'vector');
    refuse(keyObjectDefect(crypto, envelope, [servicePub(given)]));
    expect(keyObjectPayload(object)).toEqual(envelope.payload);
    return { object: JSON.parse(Buffer.from(envelope.payload).toString()) as Json, digest: envelopeDigest(envelope) };
  },
  continuity: (crypto, given) => {
    const { envelope, continuity } = parseContinuity(text(given['file']), 'vector');
    refuse(continuityDefect(crypto, envelope, continuity, [servicePub(given)]));
    return {
      digest: envelopeDigest(envelope),
      attested_by: isServiceOnly(continuity) ? 'service' : 'keys and service',
    };
  },
  attestation: (crypto, given) => {
    const file = text(given['file']);
    const { envelope, statement } = parseAttestation(file, 'vector');
    const log = keysOfHolder('log', given['log'] as Record<string, string>, 'vector');
    const found = describeSigned(crypto, envelope, log);
    refuse(found !== null && verdictOf(found) === 'nothing invalid' ? null : 'a signature does not verify');
    expect(attestationPayload(statement)).toEqual(envelope.payload);
    const said = JSON.parse(Buffer.from(envelope.payload).toString()) as Json;
    return { statement: said, evidence: `sha256:${sha256Hex(file)}` };
  },
};

async function answer(crypto: Crypto, suite: string, given: Fields): Promise<Fields> {
  try {
    return { out: await OPERATIONS[suite]!(crypto, given) };
  } catch (error) {
    if (error instanceof RonError) return { error: error.code };
    throw error;
  }
}

describe('vectors/keys', () => {
  it('are what the generator makes', async () => {
    for (const [path, suite] of await keySuites()) {
      expect(readFileSync(join(VECTORS_DIRECTORY, path), 'utf8'), path).toBe(formatSuite(suite));
    }
  });

  describe.each(['native', 'noble'] as const)('under %s', (provider) => {
    it.each(Object.keys(OPERATIONS))('%s', async (suite) => {
      const crypto = provider === 'native' ? nativeCrypto() : nobleCrypto();
      for (const vector of readSuite(`keys/${suite}.json`).vectors) {
        const { out, error } = vector;
        const expected = out === undefined ? { error } : { out };
        expect(await answer(crypto, suite, vector.in), vector.name).toEqual(expected);
      }
    });
  });
});
