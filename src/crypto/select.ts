// Which provider a command works with: the documented setting `crypto.provider`, `native` unless named otherwise. Nothing
// switches by itself (D-02): a provider that fails its self-test stops the command.

import type { Crypto, ProviderName } from './provider.ts';

/** Loads the second provider only when it is asked for, because importing it costs more than a whole command. */
export async function loadCrypto(name: ProviderName): Promise<Crypto> {
  if (name === 'noble') return (await import('./noble.ts')).nobleCrypto();
  return (await import('./native.ts')).nativeCrypto();
}
