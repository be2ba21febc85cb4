// SLH-DSA-SHA2-128s (FIPS 205) on node:crypto. The stored secret is the 64-byte private key SK.seed, SK.prf, PK.seed, PK.root,
// because Node exports no seed. A signature costs 0.2 s: always in the libuv pool.

import { generateKeyPair } from 'node:crypto';
import { secretBytesOf } from './key-object.ts';
import { nativeSignature } from './native-signature.ts';
import type { SignatureScheme } from './provider.ts';
import { SIGNATURES } from './suite.ts';

const TYPE = 'slh-dsa-sha2-128s';

export function nativeSlhDsa(): SignatureScheme {
  return nativeSignature(
    TYPE,
    SIGNATURES['slh-dsa'],
    () =>
      new Promise((resolve, reject) => {
        generateKeyPair(TYPE, {}, (error, _publicKey, privateKey) => {
          if (error === null) resolve(secretBytesOf(TYPE, privateKey));
          else reject(error);
        });
      }),
  );
}
