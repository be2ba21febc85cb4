// The custody service inside this process: the Keys, Signing and Wrapping ports over one home.

import type { Keys, Signing, Wrapping } from '../ports.ts';
import { type KmsHome, openOnce } from './home.ts';
import { keysService } from './keys.ts';
import { signingService } from './signing.ts';
import { wrappingService } from './wrapping.ts';

export interface KeyKms {
  readonly keys: Keys;
  readonly signing: Signing;
  readonly wrapping: Wrapping;
  /** Destroys the private keys that were opened. The store is closed by whoever opened it. */
  close(): Promise<void>;
}

export function inProcessKeys(home: KmsHome): KeyKms {
  const once = openOnce(home);
  const services = {
    open: () => once.open(),
    crypto: () => home.crypto(),
    reader: () => home.reader(),
    trusted: () => home.trusted(),
  };
  return {
    keys: keysService(services),
    signing: signingService(services),
    wrapping: wrappingService(services),
    close: () => once.drop(),
  };
}
