// The custody service inside this process: the Keys, Signing, Wrapping and Attesting ports over one home.

import type { Attesting } from '../admin-ports.ts';
import type { Keys, Signing, Wrapping } from '../ports.ts';
import { attestingService } from './attestation.ts';
import { type KmsHome, openOnce } from './home.ts';
import { keysService } from './keys.ts';
import { signingService } from './signing.ts';
import { wrappingService } from './wrapping.ts';

export interface KeyKms {
  readonly keys: Keys;
  readonly signing: Signing;
  readonly wrapping: Wrapping;
  readonly attesting: Attesting;
  /** Destroys the private keys that were opened. The store is closed by whoever opened it. */
  close(): Promise<void>;
}

/** As attestations of one command name what made them. */
const BUILD = 'command';

export function inProcessKeys(home: KmsHome): KeyKms {
  const once = openOnce(home);
  const services = {
    open: () => once.open(),
    crypto: () => home.crypto(),
    reader: () => home.reader(),
    verifier: () => (home.oldReader === undefined ? home.reader() : home.oldReader()),
    trusted: () => home.trusted(),
  };
  return {
    keys: keysService(services),
    signing: signingService(services),
    wrapping: wrappingService(services),
    attesting: attestingService(services, BUILD),
    close: () => once.drop(),
  };
}
