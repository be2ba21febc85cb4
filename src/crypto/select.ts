// Which provider a command works with: the documented setting `crypto.provider`, `native` unless named otherwise. Nothing
// switches by itself (D-02): a provider that fails its self-test stops the command.

import type { Crypto, ProviderName } from './provider.ts';
import { checkedCrypto } from './self-test.ts';

/**
 * A provider that tests every algorithm before its first use, throwing SelfTestFailed. The second provider is loaded only
 * when it is asked for, because importing it costs more than a whole command.
 */
export async function loadCrypto(name: ProviderName): Promise<Crypto> {
  if (name === 'noble') return checkedCrypto((await import('./noble.ts')).nobleCrypto());
  return checkedCrypto((await import('./native.ts')).nativeCrypto());
}
