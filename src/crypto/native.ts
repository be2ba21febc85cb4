// The native provider: node:crypto (OpenSSL) for everything that has two implementations. Loads no other library.

import { nativeAead } from './aead.ts';
import { nativeEd25519 } from './ed25519.ts';
import { nativeArgon2id, nativeScrypt } from './kdf.ts';
import { nativeMlDsa } from './ml-dsa.ts';
import { nativeMlKem } from './ml-kem.ts';
import type { Crypto } from './provider.ts';
import { nativeSlhDsa } from './slh-dsa.ts';
import { KEMS, SIGNATURES } from './suite.ts';
import { dhkem, nativeX25519 } from './x25519.ts';
import { xWing } from './xwing.ts';

let made: Crypto | undefined;

/** One value per process, so that self-tests run once. Unchecked: commands get theirs from crypto/select.ts. */
export function nativeCrypto(): Crypto {
  made ??= makeNative();
  return made;
}

function makeNative(): Crypto {
  const mlKem = nativeMlKem('ML-KEM-768', KEMS['ml-kem']);
  const signatures = {
    ed25519: nativeEd25519(),
    'ml-dsa': nativeMlDsa('ML-DSA-65', SIGNATURES['ml-dsa']),
    'ml-dsa-44': nativeMlDsa('ML-DSA-44', SIGNATURES['ml-dsa-44']),
    'slh-dsa': nativeSlhDsa(),
  };
  const kems = { x25519: dhkem(nativeX25519()), 'ml-kem': mlKem, 'x-wing': xWing(nativeX25519(), mlKem) };
  const aeads = {
    'chacha20-poly1305': nativeAead('chacha20-poly1305'),
    'aes-256-gcm': nativeAead('aes-256-gcm'),
  };
  return {
    provider: 'native',
    signature: (alg) => signatures[alg],
    kem: (alg) => kems[alg],
    aead: (alg) => aeads[alg],
    scrypt: nativeScrypt,
    argon2id: nativeArgon2id,
  };
}
