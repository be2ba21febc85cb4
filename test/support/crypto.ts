// The provider that a test works with when the provider is not its subject: the one of RONCTL_CRYPTO_PROVIDER (native unless
// it says noble), so that the whole suite can be run once under the second provider.

import { nativeCrypto } from '../../src/crypto/native.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { Crypto } from '../../src/crypto/provider.ts';

export function testCrypto(): Crypto {
  return process.env['RONCTL_CRYPTO_PROVIDER'] === 'noble' ? nobleCrypto() : nativeCrypto();
}
