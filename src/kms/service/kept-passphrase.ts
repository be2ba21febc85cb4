// The passphrase of the custody store for the life of a server: asked for once, given again when the store is opened anew
// after a storage error. An open store keeps it in memory anyway.

import { wipe } from '../../bytes/wipe.ts';
import type { Passphrases } from '../../host.ts';

export interface KeptPassphrase {
  readonly passphrases: Passphrases;
  close(): void;
}

export function keptPassphrase(source: Passphrases): KeptPassphrase {
  let kept: Uint8Array | null = null;
  return {
    passphrases: {
      fresh: (of) => source.fresh(of),
      existing: async (of) => {
        if (of.store !== 'custody') return source.existing(of);
        kept ??= await source.existing(of);
        return kept.slice();
      },
    },
    close: () => {
      if (kept !== null) wipe(kept);
      kept = null;
    },
  };
}
