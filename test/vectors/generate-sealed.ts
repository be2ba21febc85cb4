// Makes vectors/sealed/*.json. Records are sealed here from the text of the specification with the noble libraries, not by
// the product; the tests compare. `node test/vectors/generate-sealed.ts`, then `node test/vectors/generate-sums.ts`.

import { createHash, createHmac } from 'node:crypto';
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { argon2id } from '@noble/hashes/argon2.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { scrypt } from '@noble/hashes/scrypt.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { canonicalText, type Json } from '../../src/bytes/canonical-json.ts';
import { type OwnSuite, type OwnVector, writeSuite } from './own-format.ts';
import { seeded } from './tool.ts';

const AT = '2026-11-20T08:00:00.000Z';
const STORE = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
const KID = 'acme/release/ed25519/0190a5a0-0000-7000-8000-000000000001#v3';
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const u32 = (value: number): Uint8Array => {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return new Uint8Array(out);
};

interface Sealing {
  readonly label: string;
  readonly id: string;
  readonly type: string;
  /** `<tenant>::<purpose>` of the HKDF info. */
  readonly place?: string;
  readonly meta: Json;
  readonly secret: Uint8Array;
  readonly parent: Uint8Array;
  readonly generation?: number;
  readonly aead?: 'chacha20-poly1305' | 'aes-256-gcm';
  /** Further header members. */
  readonly header?: Readonly<Record<string, Json>>;
}

function seal(of: Sealing): Uint8Array {
  const salt = seeded(`${of.label} salt`, 32);
  const nonce = seeded(`${of.label} nonce`, 12);
  const aead = of.aead ?? 'chacha20-poly1305';
  const header = canonicalText({
    aead,
    created_at: AT,
    generation: of.generation ?? 1,
    key: 'record',
    nonce: b64(nonce),
    record_type: of.type,
    salt: b64(salt),
    store_id: STORE,
    ...of.header,
  });
  const aad = join(ascii('RONK'), Uint8Array.of(1), u32(Buffer.byteLength(header)), ascii(header));
  const info = ascii(`ron-kms::${of.place ?? '_::_'}::${of.type}/${of.id}`);
  const key = hkdf(sha256, of.parent, salt, info, 32);
  const meta = ascii(canonicalText(of.meta));
  const plaintext = join(u32(meta.length), meta, of.secret);
  const cipher = aead === 'chacha20-poly1305' ? chacha20poly1305(key, nonce, aad) : gcm(key, nonce, aad);
  return join(aad, cipher.encrypt(plaintext));
}

const ROOT_KEY = seeded('sealed root key', 32);

function recordSuite(): OwnVector[] {
  const common = { root_key: hex(ROOT_KEY), store_id: STORE };
  const service: Sealing = {
    label: 'service keys',
    id: 'service-keys',
    type: 'service-keys',
    meta: { v: 1, order: ['ed25519', 'ml_dsa_65'] },
    secret: seeded('service seeds', 64),
    parent: ROOT_KEY,
  };
  const version: Sealing = {
    label: 'key version',
    id: KID,
    type: 'key-version',
    place: 'acme::release',
    meta: { v: 1, tracks: ['ed25519'] },
    secret: seeded('key seed', 32),
    parent: ROOT_KEY,
    generation: 7,
    header: { kid: KID },
  };
  const good = (name: string, of: Sealing): OwnVector => ({
    name,
    in: { ...common, id: of.id, type: of.type, generation: of.generation ?? 1, file: hex(seal(of)) },
    out: { meta: of.meta, secret: hex(of.secret) },
  });
  const file = seal(service);
  const bad = (name: string, change: object, error: string): OwnVector => ({
    name,
    in: { ...common, id: service.id, type: service.type, generation: 1, file: hex(file), ...change },
    error,
  });
  const flipped = (at: number): string => {
    const copy = file.slice();
    copy[at]! ^= 1;
    return hex(copy);
  };
  const patched = (at: number, ...bytes: readonly number[]): string => {
    const copy = file.slice();
    copy.set(bytes, at);
    return hex(copy);
  };
  return [
    good('service keys', service),
    good('AES-256-GCM is read, never written', { ...service, label: 'service keys aes', aead: 'aes-256-gcm' }),
    good('a key version: tenant, purpose and kid enter the key', version),
    good('no secret: a manifest', {
      label: 'manifest',
      id: 'manifest',
      type: 'manifest',
      meta: { v: 1 },
      secret: new Uint8Array(0),
      parent: ROOT_KEY,
    }),
    bad('another root key', { root_key: hex(seeded('another root', 32)) }, 'Tampered'),
    bad('another record put in its place', { id: 'log-keys', type: 'log-keys' }, 'Tampered'),
    bad('the same type, another id', { id: 'cap-root/2', type: 'service-keys' }, 'Tampered'),
    bad('a record of another store', { store_id: 'f'.repeat(32) }, 'Tampered'),
    bad('an older generation', { generation: 2 }, 'Tampered'),
    bad('last byte of the tag flipped', { file: flipped(file.length - 1) }, 'Tampered'),
    bad('a byte of the ciphertext flipped', { file: flipped(file.length - 40) }, 'Tampered'),
    bad('cut to its header', { file: hex(file.subarray(0, 300)) }, 'Tampered'),
    bad('cut inside the tag', { file: hex(file.subarray(0, file.length - 1)) }, 'Tampered'),
    bad('one byte appended', { file: hex(join(file, Uint8Array.of(0))) }, 'Tampered'),
    bad('another magic', { file: patched(0, 0x52, 0x4f, 0x4e, 0x57) }, 'Malformed'),
    bad('version 2', { file: patched(4, 2) }, 'NewerVersion'),
    bad('version 0', { file: patched(4, 0) }, 'Malformed'),
    bad('a header of 4 GiB', { file: patched(5, 0xff, 0xff, 0xff, 0xff) }, 'Malformed'),
    bad('a header length of 4097', { file: patched(5, 0, 0, 0x10, 0x01) }, 'Malformed'),
    bad('empty', { file: '' }, 'Malformed'),
  ];
}

interface Root {
  readonly label: string;
  readonly kdf: Readonly<Record<string, number | string>>;
  readonly passphrase: Uint8Array;
}

const KDF_SALT = seeded('kdf salt', 32);

function kekOf({ kdf, passphrase }: Root): Uint8Array {
  const of = (name: string): number => Number(kdf[name]);
  if (kdf['alg'] === 'scrypt') {
    return scrypt(passphrase, KDF_SALT, { N: of('n'), r: of('r'), p: of('p'), dkLen: 32 });
  }
  return argon2id(passphrase, KDF_SALT, { m: of('m_kib'), t: of('t'), p: of('p'), dkLen: 32 });
}

function root(of: Root, kek: Uint8Array): Uint8Array {
  const kcv = createHmac('sha256', kek).update('ron-kms/kcv/v1').digest().subarray(0, 8);
  return seal({
    label: of.label,
    id: 'root',
    type: 'root',
    meta: { v: 1, store_id: STORE, genesis_digest: null },
    secret: ROOT_KEY,
    parent: kek,
    header: { key: 'root', kcv: b64(kcv), kdf: { ...of.kdf, salt: b64(KDF_SALT) } },
  });
}

function rootSuite(): OwnVector[] {
  const passphrase = ascii('correct horse battery staple');
  const argon: Root = { label: 'root argon2id', kdf: { alg: 'argon2id', m_kib: 19_456, t: 2, p: 1 }, passphrase };
  const script: Root = { label: 'root scrypt', kdf: { alg: 'scrypt', n: 2 ** 15, r: 8, p: 1 }, passphrase };
  const common = { store_id: STORE, passphrase: hex(passphrase) };
  const out = { root_key: hex(ROOT_KEY), genesis_digest: null };
  const kek = kekOf(argon);
  const file = root(argon, kek);
  const flipped = file.slice();
  flipped[flipped.length - 1]! ^= 1;
  const bounds = (name: string, kdf: Root['kdf'], error = 'InvalidValue'): OwnVector => ({
    name,
    in: { ...common, file: hex(root({ ...argon, kdf }, kek)) },
    error,
  });
  return [
    { name: 'argon2id at its floor', in: { ...common, file: hex(file) }, out },
    { name: 'scrypt at its floor', in: { ...common, file: hex(root(script, kekOf(script))) }, out },
    { name: 'wrong passphrase', in: { ...common, passphrase: '00', file: hex(file) }, error: 'WrongPassphrase' },
    { name: 'altered after the check value matched', in: { ...common, file: hex(flipped) }, error: 'Tampered' },
    { name: 'of another store', in: { ...common, store_id: 'f'.repeat(32), file: hex(file) }, error: 'Tampered' },
    bounds('argon2id asks for 1 TiB', { alg: 'argon2id', m_kib: 2 ** 30, t: 2, p: 1 }),
    bounds('argon2id below the floor', { alg: 'argon2id', m_kib: 8, t: 2, p: 1 }),
    bounds('argon2id with one pass', { alg: 'argon2id', m_kib: 19_456, t: 1, p: 1 }),
    bounds('argon2id with 17 lanes', { alg: 'argon2id', m_kib: 19_456, t: 2, p: 17 }),
    bounds('scrypt n below 2^15', { alg: 'scrypt', n: 2 ** 14, r: 8, p: 1 }),
    bounds('scrypt n above 2^20', { alg: 'scrypt', n: 2 ** 21, r: 8, p: 1 }),
    bounds('scrypt n no power of two', { alg: 'scrypt', n: 40_000, r: 8, p: 1 }),
    bounds('scrypt r 16', { alg: 'scrypt', n: 2 ** 15, r: 16, p: 1 }),
    bounds('scrypt p 2', { alg: 'scrypt', n: 2 ** 15, r: 8, p: 2 }),
    bounds('age is named, not supported', { alg: 'age' }, 'Unsupported'),
    bounds('an unknown derivation', { alg: 'pbkdf2', rounds: 1 }, 'Malformed'),
  ];
}

function nameSuite(): OwnVector[] {
  const cases: readonly (readonly [string, string, string])[] = [
    ['root', 'root', '_::_'],
    ['manifest', 'manifest', '_::_'],
    ['service-keys', 'service-keys', '_::_'],
    ['log-keys', 'log-keys', '_::_'],
    ['cap-root/1', 'cap-root', '_::_'],
    ['revocations', 'revocations', '_::_'],
    [KID, 'key-version', 'acme::release'],
    ['signer-keys/2', 'signer-keys', '_::_'],
    ['signer-memory/gl-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'signer-memory', '_::_'],
  ];
  return cases.map(([id, type, place]) => ({
    name: id,
    in: { id, type, generation: 12 },
    out: {
      file: `${createHash('sha256').update('ron-kms/record/v1\0').update(id).digest('hex')}.12.ronk`,
      info: `ron-kms::${place}::${type}/${id}`,
    },
  }));
}

/** By path below vectors/. */
export function sealedSuites(): Readonly<Record<string, OwnSuite>> {
  const source = 'test/vectors/generate-sealed.ts with @noble libraries; ronctl-sealed(5)';
  return {
    'sealed/record.json': { suite: 'sealed-record', source, vectors: recordSuite() },
    'sealed/root.json': { suite: 'sealed-root', source, vectors: rootSuite() },
    'sealed/name.json': { suite: 'sealed-name', source, vectors: nameSuite() },
  };
}

if (import.meta.main) {
  for (const [path, suite] of Object.entries(sealedSuites())) writeSuite(path, suite);
}
