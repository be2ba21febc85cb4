// Self-tests of a provider (keys page 1): before its first use in a process every algorithm gives one known answer. A wrong
// answer, or an algorithm that the runtime lacks, is SelfTestFailed (exit 23) in every profile; nothing switches by itself.
// Attack: a broken or planted OpenSSL silently changes the implementation that judges evidence.

import { fromBase64Url } from '../bytes/base64.ts';
import { equalBytes } from '../bytes/equal.ts';
import { RonError } from '../errors.ts';
import { AEAD_ANSWERS, KDF_ANSWERS, KEM_ANSWERS, SIGNATURE_ANSWERS } from './known-answers.ts';
import type { Crypto, Kem, SignatureScheme } from './provider.ts';
import { AEADS, type AeadAlg, KEMS, type KemAlg, SIGNATURES, type SignatureAlg } from './suite.ts';

export type KdfAlg = 'scrypt' | 'argon2id';
export type TestedAlg = SignatureAlg | KemAlg | AeadAlg | KdfAlg;

export const TESTED_ALGS: readonly TestedAlg[] = [
  ...(Object.keys(SIGNATURES) as SignatureAlg[]),
  ...(Object.keys(KEMS) as KemAlg[]),
  ...(Object.keys(AEADS) as AeadAlg[]),
  'scrypt',
  'argon2id',
];

const bytes = (text: string): Uint8Array => fromBase64Url(text)!;
const flipped = (input: Uint8Array): Uint8Array => input.with(input.length - 1, input[input.length - 1]! ^ 1);

/** What a known answer shows to be wrong; null when the answer is right. */
type Finding = string | null;

function verification(crypto: Crypto, alg: SignatureAlg): Finding {
  const answer = SIGNATURE_ANSWERS[alg];
  const scheme = crypto.signature(alg);
  const [publicKey, message, signature] = [bytes(answer.publicKey), bytes(answer.message), bytes(answer.signature)];
  if (!scheme.verify(publicKey, message, signature)) return 'a known signature is refused';
  // The first byte: the last ones of ML-DSA and SLH-DSA would do as well, but in Ed25519 they decide S < L alone.
  const changed = signature.with(0, signature[0]! ^ 1);
  return scheme.verify(publicKey, message, changed) ? 'a changed signature is accepted' : null;
}

async function signing(crypto: Crypto, alg: SignatureAlg): Promise<Finding> {
  const answer = SIGNATURE_ANSWERS[alg];
  const key = await crypto.signature(alg).importSecret(bytes(answer.secret));
  try {
    if (!equalBytes(key.publicKey, bytes(answer.publicKey))) return 'the public key of a known secret is wrong';
    if (alg !== 'ed25519') return null;
    const signature = await key.sign(bytes(answer.message));
    return equalBytes(signature, bytes(answer.signature)) ? null : 'a known message is signed wrongly';
  } finally {
    key.destroy();
  }
}

async function decapsulation(crypto: Crypto, alg: KemAlg): Promise<Finding> {
  const answer = KEM_ANSWERS[alg];
  const shared = await crypto.kem(alg).decapsulate(bytes(answer.secret), bytes(answer.ciphertext));
  return shared !== null && equalBytes(shared, bytes(answer.shared)) ? null : 'a known encapsulation opens wrongly';
}

function sealing(crypto: Crypto, alg: AeadAlg): Finding {
  const answer = AEAD_ANSWERS[alg];
  const [key, nonce, aad] = [bytes(answer.key), bytes(answer.nonce), bytes(answer.aad)];
  const sealed = crypto.aead(alg).seal(key, nonce, aad, bytes(answer.plaintext));
  if (!equalBytes(sealed, bytes(answer.sealed))) return 'a known plaintext is sealed wrongly';
  return crypto.aead(alg).open(key, nonce, aad, flipped(sealed)) === null ? null : 'a changed tag is accepted';
}

async function derivation(crypto: Crypto, alg: KdfAlg): Promise<Finding> {
  const { passphrase, salt, scrypt, argon2id } = KDF_ANSWERS;
  const answer = alg === 'scrypt' ? scrypt.key : argon2id.key;
  const key =
    alg === 'scrypt'
      ? await crypto.scrypt(bytes(passphrase), bytes(salt), scrypt.cost, 32)
      : await crypto.argon2id(bytes(passphrase), bytes(salt), argon2id.cost, 32);
  return equalBytes(key, bytes(answer)) ? null : 'a known passphrase is derived wrongly';
}

const isSignature = (alg: TestedAlg): alg is SignatureAlg => Object.hasOwn(SIGNATURES, alg);
const isKem = (alg: TestedAlg): alg is KemAlg => Object.hasOwn(KEMS, alg);
const isAead = (alg: TestedAlg): alg is AeadAlg => Object.hasOwn(AEADS, alg);

/** The tests of one provider, each run at most once. Verification and AEAD are tested at once, the rest in promises. */
class SelfTests {
  readonly #crypto: Crypto;
  readonly #now = new Map<TestedAlg, RonError | null>();
  readonly #later = new Map<TestedAlg, Promise<void>>();

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** The part that verification and AEAD need. Throws SelfTestFailed. */
  now(alg: SignatureAlg | AeadAlg): void {
    let result = this.#now.get(alg);
    if (result === undefined) {
      result = this.#judge(alg, () =>
        isSignature(alg) ? verification(this.#crypto, alg) : sealing(this.#crypto, alg),
      );
      this.#now.set(alg, result);
    }
    if (result !== null) throw result;
  }

  /** Everything about an algorithm. Rejects with SelfTestFailed. */
  full(alg: TestedAlg): Promise<void> {
    let running = this.#later.get(alg);
    if (running === undefined) {
      running = this.#runFull(alg);
      this.#later.set(alg, running);
    }
    return running;
  }

  async #runFull(alg: TestedAlg): Promise<void> {
    if (isAead(alg)) return this.now(alg);
    if (isSignature(alg)) this.now(alg);
    let finding: Finding;
    try {
      if (isSignature(alg)) finding = await signing(this.#crypto, alg);
      else if (isKem(alg)) finding = await decapsulation(this.#crypto, alg);
      else finding = await derivation(this.#crypto, alg);
    } catch (error) {
      throw this.#failed(alg, `it does not run here (${String(error)})`, error);
    }
    if (finding !== null) throw this.#failed(alg, finding);
  }

  #judge(alg: TestedAlg, test: () => Finding): RonError | null {
    try {
      const finding = test();
      return finding === null ? null : this.#failed(alg, finding);
    } catch (error) {
      return this.#failed(alg, `it does not run here (${String(error)})`, error);
    }
  }

  #failed(alg: TestedAlg, why: string, cause?: unknown): RonError {
    const { provider } = this.#crypto;
    return new RonError('SelfTestFailed', `self-test of ${alg} in provider ${provider} failed: ${why}`, {
      data: { alg, provider },
      cause,
    });
  }
}

const testsOf = new WeakMap<Crypto, SelfTests>();
const checkedOf = new WeakMap<Crypto, Crypto>();

/** The same tests for a provider and for its checked form. */
function tests(crypto: Crypto): SelfTests {
  let found = testsOf.get(crypto);
  if (found === undefined) {
    found = new SelfTests(crypto);
    testsOf.set(crypto, found);
  }
  return found;
}

/** Tests the named algorithms of a provider, each once per process. Throws SelfTestFailed naming algorithm and provider. */
export async function selfTest(crypto: Crypto, algs: readonly TestedAlg[]): Promise<void> {
  for (const alg of algs) await tests(crypto).full(alg);
}

/** The same again in a process that has run for a while, whatever was found before. Throws SelfTestFailed. */
export async function selfTestAgain(crypto: Crypto, algs: readonly TestedAlg[]): Promise<void> {
  const again = new SelfTests(crypto);
  for (const alg of algs) await again.full(alg);
}

export interface SelfTestResult {
  readonly alg: TestedAlg;
  readonly ok: boolean;
  /** What is wrong, for people. */
  readonly detail?: string;
}

/** Every algorithm of a provider, for `doctor`. Never rejects. */
export async function selfTestAll(crypto: Crypto): Promise<SelfTestResult[]> {
  const results: SelfTestResult[] = [];
  for (const alg of TESTED_ALGS) {
    try {
      await tests(crypto).full(alg);
      results.push({ alg, ok: true });
    } catch (error) {
      results.push({ alg, ok: false, detail: (error as Error).message });
    }
  }
  return results;
}

function checkedSignature(scheme: SignatureScheme, self: SelfTests): SignatureScheme {
  const { alg } = scheme.suite;
  return {
    suite: scheme.suite,
    generate: async () => {
      await self.full(alg);
      return scheme.generate();
    },
    importSecret: async (secret) => {
      await self.full(alg);
      return scheme.importSecret(secret);
    },
    importPublic: (publicKey) => {
      self.now(alg);
      return scheme.importPublic(publicKey);
    },
    verify: (publicKey, message, signature) => {
      self.now(alg);
      return scheme.verify(publicKey, message, signature);
    },
  };
}

function checkedKem(kem: Kem, self: SelfTests): Kem {
  const { alg } = kem.suite;
  const after = async <T>(use: () => Promise<T>): Promise<T> => {
    await self.full(alg);
    return use();
  };
  return {
    suite: kem.suite,
    isPublicKey: (publicKey) => kem.isPublicKey(publicKey),
    generate: () => after(() => kem.generate()),
    importSecret: (secret) => after(() => kem.importSecret(secret)),
    publicKey: (secret) => after(() => kem.publicKey(secret)),
    encapsulate: (publicKey) => after(() => kem.encapsulate(publicKey)),
    decapsulate: (secret, ciphertext) => after(() => kem.decapsulate(secret, ciphertext)),
  };
}

/** A provider that tests an algorithm at its first use. */
export function checkedCrypto(crypto: Crypto): Crypto {
  let checked = checkedOf.get(crypto);
  if (checked !== undefined) return checked;
  const self = tests(crypto);
  const signatures = new Map<SignatureAlg, SignatureScheme>();
  const kems = new Map<KemAlg, Kem>();
  checked = {
    provider: crypto.provider,
    signature: (alg) => {
      const scheme = signatures.get(alg) ?? checkedSignature(crypto.signature(alg), self);
      signatures.set(alg, scheme);
      return scheme;
    },
    kem: (alg) => {
      const kem = kems.get(alg) ?? checkedKem(crypto.kem(alg), self);
      kems.set(alg, kem);
      return kem;
    },
    aead: (alg) => {
      self.now(alg);
      return crypto.aead(alg);
    },
    scrypt: async (...args) => {
      await self.full('scrypt');
      return crypto.scrypt(...args);
    },
    argon2id: async (...args) => {
      await self.full('argon2id');
      return crypto.argon2id(...args);
    },
  };
  testsOf.set(checked, self);
  checkedOf.set(crypto, checked);
  checkedOf.set(checked, checked);
  return checked;
}
