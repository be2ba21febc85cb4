// Signing, verification and ML-KEM under both providers beside the bare node:crypto call, interleaved in one run:
// `node bench/crypto.ts [--rounds N]`. Prints medians in microseconds and ratios; trust the ratios (performance page).

import {
  sign as bareSign,
  verify as bareVerify,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  encapsulate,
  type KeyObject,
} from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Crypto } from '../src/crypto/provider.ts';
import { loadCrypto } from '../src/crypto/select.ts';
import { SIGNATURES, type SignatureAlg } from '../src/crypto/suite.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '300' } } });
const ROUNDS = Number(values.rounds);

interface Calls {
  readonly bare: () => unknown;
  readonly native: () => unknown;
  readonly noble: () => unknown;
}

type Who = keyof Calls;

/** Median microseconds of each call, taken in turn so that a slow moment hits all of them. */
async function medians(calls: Calls, rounds: number): Promise<Record<Who, number>> {
  const samples: Record<Who, number[]> = { bare: [], native: [], noble: [] };
  for (let round = -5; round < rounds; round++) {
    for (const who of ['bare', 'native', 'noble'] as const) {
      const start = performance.now();
      await calls[who]();
      const micros = (performance.now() - start) * 1000;
      if (round >= 0) samples[who].push(micros);
    }
  }
  const middle = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;
  return { bare: middle(samples.bare), native: middle(samples.native), noble: middle(samples.noble) };
}

function print(name: string, ...cells: readonly string[]): void {
  process.stdout.write(`${name.padEnd(30)}${cells.map((cell) => cell.padStart(10)).join('')}\n`);
}

async function measure(name: string, rounds: number, calls: Calls): Promise<void> {
  const { bare, native, noble } = await medians(calls, rounds);
  const micros = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
  const ratio = (value: number): string => `${(value / bare).toFixed(2)}x`;
  print(name, micros(bare), micros(native), ratio(native), micros(noble), ratio(noble));
}

const TYPES = {
  ed25519: ['ed25519', 'raw-private'],
  'ml-dsa': ['ml-dsa-65', 'raw-seed'],
  'ml-dsa-44': ['ml-dsa-44', 'raw-seed'],
  'slh-dsa': ['slh-dsa-sha2-128s', 'raw-private'],
} as const;

const inPool = (key: KeyObject, message: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    bareSign(null, message, key, (error, signature) => {
      if (error === null) resolve(signature);
      else reject(error);
    });
  });

async function signatures(native: Crypto, noble: Crypto, alg: SignatureAlg): Promise<void> {
  const message = new Uint8Array(100).fill(7);
  const [fast, slow] = [native.signature(alg), noble.signature(alg)];
  const secret = await fast.generate();
  const [key, slowKey] = [await fast.importSecret(secret), await slow.importSecret(secret)];
  const [type, format] = TYPES[alg];
  const bareKey = createPrivateKey({ key: Buffer.from(secret), format, asymmetricKeyType: type });
  const name = SIGNATURES[alg].set;
  await measure(`${name} sign`, alg === 'slh-dsa' ? 5 : ROUNDS, {
    // Ed25519 is signed on the main thread, the others in the pool, bare and wrapped alike.
    bare: () => (alg === 'ed25519' ? bareSign(null, message, bareKey) : inPool(bareKey, message)),
    native: () => key.sign(message),
    noble: () => slowKey.sign(message),
  });

  const signature = await key.sign(message);
  const [held, slowHeld] = [fast.importPublic(key.publicKey)!, slow.importPublic(key.publicKey)!];
  const bareHeld = createPublicKey(bareKey);
  await measure(`${name} verify`, ROUNDS, {
    bare: () => bareVerify(null, message, bareHeld, signature),
    native: () => held.verify(message, signature),
    noble: () => slowHeld.verify(message, signature),
  });

  const raw = Buffer.from(key.publicKey);
  await measure(`${name} verify, raw key`, ROUNDS, {
    bare: () => {
      const imported = createPublicKey({ key: raw, format: 'raw-public', asymmetricKeyType: type });
      return bareVerify(null, message, imported, signature);
    },
    native: () => fast.verify(key.publicKey, message, signature),
    noble: () => slow.verify(key.publicKey, message, signature),
  });
}

async function kem(native: Crypto, noble: Crypto): Promise<void> {
  const [fast, slow] = [native.kem('ml-kem'), noble.kem('ml-kem')];
  const secret = await fast.generate();
  const [key, slowKey] = [await fast.importSecret(secret), await slow.importSecret(secret)];
  const asymmetricKeyType = 'ml-kem-768';
  const bareKey = createPrivateKey({ key: Buffer.from(secret), format: 'raw-seed', asymmetricKeyType });
  const raw = Buffer.from(key.publicKey);
  await measure('ML-KEM-768 encapsulate', ROUNDS, {
    bare: () => encapsulate(createPublicKey({ key: raw, format: 'raw-public', asymmetricKeyType })),
    native: () => fast.encapsulate(key.publicKey),
    noble: () => slow.encapsulate(key.publicKey),
  });
  const { ciphertext } = await fast.encapsulate(key.publicKey);
  await measure('ML-KEM-768 decapsulate', ROUNDS, {
    bare: () => decapsulate(bareKey, ciphertext),
    native: () => key.decapsulate(ciphertext),
    noble: () => slowKey.decapsulate(ciphertext),
  });
}

const [native, noble] = [await loadCrypto('native'), await loadCrypto('noble')];
process.stdout.write(`node ${process.version}, OpenSSL ${process.versions.openssl}; medians in microseconds\n`);
print('', 'bare', 'native', '/bare', 'noble', '/bare');
for (const alg of ['ed25519', 'ml-dsa-44', 'ml-dsa', 'slh-dsa'] as const) await signatures(native, noble, alg);
await kem(native, noble);
