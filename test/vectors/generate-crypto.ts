// Makes vectors/crypto/*.json: inputs from seeded bytes, outputs from the vector tool (noble). Deterministic: the same files
// at every run. `node test/vectors/generate-crypto.ts`, then `node test/vectors/generate-sums.ts`.

import { fromHex, toHex } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { type AeadAlg, KEMS, type KemAlg, SIGNATURES, type SignatureAlg } from '../../src/crypto/suite.ts';
import { compute, Refused } from './crypto-operations.ts';
import { ed25519Cases, registrationCases } from './ed25519-cases.ts';
import { type Fields, type OwnSuite, type OwnVector, writeSuite } from './own-format.ts';
import { RANDOMNESS_BYTES, seeded, slhDsaSecret } from './tool.ts';

interface Input {
  readonly name: string;
  readonly in: Fields;
}

const hex = (label: string, length: number): string => toHex(seeded(label, length));
const text = (value: string): string => toHex(utf8(value));
const bytes = (value: unknown): Uint8Array => fromHex(value as string)!;
const flip = (value: unknown, at: number): string => {
  const changed = bytes(value);
  const index = at < 0 ? changed.length + at : at;
  return toHex(changed.with(index, changed[index]! ^ 1));
};

async function solve(suite: string, inputs: readonly Input[]): Promise<OwnVector[]> {
  const crypto = nobleCrypto();
  const vectors: OwnVector[] = [];
  for (const input of inputs) {
    try {
      vectors.push({ ...input, out: await compute(crypto, suite, input.in) });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      vectors.push({ ...input, error: error.message });
    }
  }
  return vectors;
}

const HELLO = text('hello world');

/** The messages that every signature suite signs. The first is the one of the self-test. */
const MESSAGES: readonly (readonly [string, string])[] = [
  ['the self-test message', text('ronctl self-test')],
  ['the empty message', ''],
  ['4096 bytes', hex('long message', 4096)],
];

async function signatureSuite(alg: SignatureAlg): Promise<OwnVector[]> {
  const { secretBytes } = SIGNATURES[alg];
  const fresh = seeded(`${alg} secret`, alg === 'slh-dsa' ? 48 : secretBytes);
  const secret = toHex(alg === 'slh-dsa' ? slhDsaSecret(fresh) : fresh);
  const signed = await solve(
    alg,
    (alg === 'slh-dsa' ? MESSAGES.slice(0, 2) : MESSAGES).map(([name, message]) => ({
      name: `sign ${name}`,
      in: { op: 'sign', secret, message },
    })),
  );
  const first = signed[0]!;
  const good = { op: 'verify', public: first.out!['public'], message: first.in['message'] };
  const signature = first.out!['signature'];
  const changes: Input[] = [
    { name: 'verify it', in: { ...good, signature } },
    { name: 'first bit of the signature changed', in: { ...good, signature: flip(signature, 0) } },
    { name: 'last bit of the signature changed', in: { ...good, signature: flip(signature, -1) } },
    { name: 'message changed', in: { ...good, message: flip(good.message, 0), signature } },
    { name: 'public key changed', in: { ...good, public: flip(good.public, -1), signature } },
    { name: 'signature one byte short', in: { ...good, signature: (signature as string).slice(0, -2) } },
    { name: 'signature one byte long', in: { ...good, signature: `${signature as string}00` } },
    { name: 'empty signature', in: { ...good, signature: '' } },
  ];
  const edges = alg === 'ed25519' ? [...ed25519Cases(), ...registrationCases()] : [];
  return [...signed, ...(await solve(alg, [...changes, ...edges]))];
}

const LOW_ORDER_U = '0100000000000000000000000000000000000000000000000000000000000000';

async function kemSuite(alg: KemAlg): Promise<OwnVector[]> {
  const suite = KEMS[alg];
  const secret = hex(`${alg} secret`, suite.secretBytes);
  const publicKey = toHex(await nobleCrypto().kem(alg).publicKey(bytes(secret)));
  const randomness = hex(`${alg} randomness`, RANDOMNESS_BYTES[alg]);
  const made = await solve(alg, [{ name: 'encapsulate', in: { op: 'encapsulate', public: publicKey, randomness } }]);
  const ciphertext = made[0]!.out!['ciphertext'] as string;
  const opened: Input[] = [
    { name: 'decapsulate it', in: { op: 'decapsulate', secret, ciphertext } },
    { name: 'ciphertext one byte short', in: { op: 'decapsulate', secret, ciphertext: ciphertext.slice(0, -2) } },
    { name: 'ciphertext one byte long', in: { op: 'decapsulate', secret, ciphertext: `${ciphertext}00` } },
    { name: 'public key one byte short', in: { op: 'encapsulate', public: publicKey.slice(0, -2), randomness } },
  ];
  if (alg !== 'x25519') {
    opened.push(
      {
        name: 'changed ciphertext: ML-KEM rejects implicitly, another secret comes out',
        in: { op: 'decapsulate', secret, ciphertext: flip(ciphertext, 0) },
      },
      {
        name: 'a coefficient of the public key is q = 3329',
        in: { op: 'encapsulate', public: `010d${publicKey.slice(4)}`, randomness },
      },
    );
  }
  if (alg !== 'ml-kem') {
    const low = (value: string): string => value.slice(0, value.length - 64) + LOW_ORDER_U;
    opened.push(
      {
        name: 'X25519 part of the ciphertext of low order',
        in: { op: 'decapsulate', secret, ciphertext: low(ciphertext) },
      },
      {
        name: 'X25519 part of the public key of low order',
        in: { op: 'encapsulate', public: low(publicKey), randomness },
      },
    );
  }
  return [...made, ...(await solve(alg, opened))];
}

async function aeadSuite(alg: AeadAlg): Promise<OwnVector[]> {
  const key = hex(`${alg} key`, 32);
  const nonce = hex(`${alg} nonce`, 12);
  const aad = text('ronctl self-test');
  const base = { op: 'seal', key, nonce, aad };
  const sealed = await solve(alg, [
    { name: 'seal 32 bytes', in: { ...base, plaintext: hex('plaintext', 32) } },
    { name: 'seal nothing', in: { ...base, plaintext: '' } },
    { name: 'seal without additional data', in: { ...base, aad: '', plaintext: hex('plaintext', 100) } },
  ]);
  const good = { op: 'open', key, nonce, aad, sealed: sealed[0]!.out!['sealed'] as string };
  const opened = await solve(alg, [
    { name: 'open it', in: good },
    { name: 'tag changed', in: { ...good, sealed: flip(good.sealed, -1) } },
    { name: 'ciphertext changed', in: { ...good, sealed: flip(good.sealed, 0) } },
    { name: 'additional data changed', in: { ...good, aad: flip(aad, 0) } },
    { name: 'nonce changed', in: { ...good, nonce: flip(nonce, 0) } },
    { name: 'key changed', in: { ...good, key: flip(key, 0) } },
    { name: 'shorter than a tag', in: { ...good, sealed: good.sealed.slice(0, 30) } },
    { name: 'empty', in: { ...good, sealed: '' } },
  ]);
  return [...sealed, ...opened];
}

const WRAP_SUITES: readonly { readonly number: number; readonly kem: KemAlg; readonly aead: AeadAlg }[] = [
  { number: 1, kem: 'x-wing', aead: 'chacha20-poly1305' },
  { number: 2, kem: 'x-wing', aead: 'aes-256-gcm' },
  { number: 3, kem: 'x25519', aead: 'chacha20-poly1305' },
  { number: 4, kem: 'ml-kem', aead: 'chacha20-poly1305' },
];

async function hpkeSuite(): Promise<OwnVector[]> {
  const vectors: OwnVector[] = [];
  for (const { number, kem, aead } of WRAP_SUITES) {
    const base = {
      kem,
      aead,
      secret: hex(`hpke ${kem} secret`, KEMS[kem].secretBytes),
      info: text('ron-kms/wrap/v1'),
      aad: hex('hpke aad', 40),
    };
    const randomness = hex(`hpke ${kem} randomness`, RANDOMNESS_BYTES[kem]);
    const sealed = await solve('hpke', [
      {
        name: `wrap suite ${number}: seal`,
        in: { op: 'hpke-seal', ...base, randomness, plaintext: hex('hpke plaintext', 32) },
      },
    ]);
    const { enc, ciphertext } = sealed[0]!.out as { enc: string; ciphertext: string };
    const good = { op: 'hpke-open', ...base, enc, ciphertext };
    const named = (name: string, changed: Fields): Input => ({
      name: `wrap suite ${number}: ${name}`,
      in: { ...good, ...changed },
    });
    vectors.push(
      ...sealed,
      ...(await solve('hpke', [
        named('open', {}),
        named('enc changed', { enc: flip(enc, 0) }),
        named('enc one byte short', { enc: enc.slice(0, -2) }),
        named('ciphertext changed', { ciphertext: flip(ciphertext, 0) }),
        named('info changed', { info: flip(base.info, 0) }),
        named('additional data changed', { aad: flip(base.aad, 0) }),
        named('another key', { secret: flip(base.secret, 1) }),
        named('opened with the other AEAD', { aead: aead === 'aes-256-gcm' ? 'chacha20-poly1305' : 'aes-256-gcm' }),
      ])),
    );
  }
  return vectors;
}

const LENGTHS = [0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 31_744];

const hashes = (): Input[] => [
  { name: 'hello world', in: { op: 'hash', message: HELLO } },
  { name: 'the bytes 01 02 03 04', in: { op: 'hash', message: '01020304' } },
  ...LENGTHS.map((length) => ({
    name: `${length} bytes of the pattern 0, 1, ..., 250, 0, ...`,
    in: { op: 'hash', pattern_length: length },
  })),
];

const hkdfInputs = (): Input[] => {
  const base = { op: 'hkdf', key: hex('hkdf key', 32), salt: hex('hkdf salt', 16), info: text('ronctl/label/a') };
  return [
    { name: '32 bytes', in: { ...base, length: 32 } },
    { name: 'another label gives another key', in: { ...base, info: text('ronctl/label/b'), length: 32 } },
    { name: 'no salt', in: { ...base, salt: '', length: 32 } },
    { name: 'info of 2000 bytes', in: { ...base, info: hex('hkdf info', 2000), length: 42 } },
    { name: 'the longest output', in: { ...base, length: 8160 } },
    { name: 'one byte more than can be derived', in: { ...base, length: 8161 } },
  ];
};

const kdfPassphrase = text('correct horse battery staple');
const kdfSalt = hex('kdf salt', 16);
const kdfInputs = (op: string, costs: readonly Fields[]): Input[] =>
  costs.map((cost) => ({
    name: Object.entries(cost)
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(' '),
    in: { op, passphrase: kdfPassphrase, salt: kdfSalt, ...cost, length: 32 },
  }));

const macInputs = (): Input[] => [
  { name: 'a 32-byte key', in: { op: 'mac', key: hex('mac key', 32), message: HELLO } },
  { name: 'a key longer than a block', in: { op: 'mac', key: hex('mac key', 131), message: HELLO } },
  { name: 'the empty message', in: { op: 'mac', key: hex('mac key', 32), message: '' } },
];

const TOOL = 'test/vectors/generate-crypto.ts with @noble libraries;';

/** All suites by path below vectors/. */
export async function cryptoSuites(): Promise<Map<string, OwnSuite>> {
  const suites = new Map<string, OwnSuite>();
  const add = (name: string, source: string, vectors: readonly OwnVector[]): void => {
    suites.set(`crypto/${name}.json`, { suite: name, source: `${TOOL} ${source}`, vectors });
  };
  add('sha-256', 'FIPS 180-4', await solve('sha-256', hashes()));
  add('blake3', 'BLAKE3, 32-byte output', await solve('blake3', hashes()));
  add('hmac-sha256', 'RFC 2104', await solve('hmac-sha256', macInputs()));
  add('hkdf-sha256', 'RFC 5869', await solve('hkdf-sha256', hkdfInputs()));
  add(
    'ed25519',
    'RFC 8032 with the verdict of ronctl (canonical, not of small order, without cofactor)',
    await signatureSuite('ed25519'),
  );
  add('ml-dsa', 'ML-DSA-65 of FIPS 204, deterministic, empty context', await signatureSuite('ml-dsa'));
  add('ml-dsa-44', 'ML-DSA-44 of FIPS 204, deterministic, empty context', await signatureSuite('ml-dsa-44'));
  add('slh-dsa', 'SLH-DSA-SHA2-128s of FIPS 205, deterministic, empty context', await signatureSuite('slh-dsa'));
  add('x25519', 'DHKEM(X25519, HKDF-SHA256) of RFC 9180; randomness is the ephemeral secret', await kemSuite('x25519'));
  add('ml-kem', 'ML-KEM-768 of FIPS 203; secret d || z, randomness m', await kemSuite('ml-kem'));
  add('x-wing', 'draft-connolly-cfrg-xwing-kem; randomness m || ephemeral X25519 secret', await kemSuite('x-wing'));
  add('hpke', 'RFC 9180 base mode, HKDF-SHA256, sequence 0', await hpkeSuite());
  add('chacha20-poly1305', 'RFC 8439', await aeadSuite('chacha20-poly1305'));
  add('aes-256-gcm', 'SP 800-38D, 96-bit nonce', await aeadSuite('aes-256-gcm'));
  const scryptCosts = [
    { n: 16, r: 8, p: 1 },
    { n: 1024, r: 8, p: 2 },
    { n: 32_768, r: 8, p: 1 },
  ];
  add('scrypt', 'RFC 7914', await solve('scrypt', kdfInputs('scrypt', scryptCosts)));
  const argonCosts = [
    { m_kib: 32, t: 1, p: 1 },
    { m_kib: 64, t: 2, p: 4 },
    { m_kib: 4096, t: 3, p: 4 },
  ];
  add('argon2id', 'RFC 9106, version 0x13', await solve('argon2id', kdfInputs('argon2id', argonCosts)));
  return suites;
}

if (import.meta.main) {
  for (const [path, suite] of await cryptoSuites()) writeSuite(path, suite);
}
