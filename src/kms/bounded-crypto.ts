// A provider whose post-quantum signatures take turns. The pool has a thread for each core (performance page, 4), and as many
// signatures again lie ready in it, so that no thread waits for the main one to hand it the next. No more than that: what
// else the pool does, the syncs of checkpoints and stored records, comes behind them.

import type { Crypto, SignatureScheme, SigningKey } from '../crypto/provider.ts';
import type { SignatureAlg } from '../crypto/suite.ts';

const IN_POOL_PER_CORE = 2;

/** Runs at most so many at a time, the others in the order in which they came. */
class Turnstile {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

/** Signatures that the pool makes: the classical ones are over before they could wait. */
const POOLED = /^(?:ml|slh)-dsa/;

export function boundedCrypto(crypto: Crypto, cores: number): Crypto {
  const turns = new Turnstile(IN_POOL_PER_CORE * Math.max(1, cores));
  const bounded = (key: SigningKey): SigningKey => ({
    alg: key.alg,
    publicKey: key.publicKey,
    sign: (message) => turns.run(() => key.sign(message)),
    destroy: () => key.destroy(),
  });
  const schemes = new Map<SignatureAlg, SignatureScheme>();

  function scheme(alg: SignatureAlg): SignatureScheme {
    const inner = crypto.signature(alg);
    if (!POOLED.test(alg)) return inner;
    return { ...inner, importSecret: async (secret) => bounded(await inner.importSecret(secret)) };
  }

  return {
    ...crypto,
    signature: (alg) => {
      const known = schemes.get(alg) ?? scheme(alg);
      schemes.set(alg, known);
      return known;
    },
  };
}
