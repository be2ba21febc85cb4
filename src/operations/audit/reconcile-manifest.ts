// The sealed manifest against public.json (`audit reconcile --unseal`): every version that is not retired has its sealed record,
// whose public halves have the digests that public.json shows, and no sealed record of a key stands beside them. Opens the
// store as a dry run does: nothing is repaired or written.

import { wipe } from '../../bytes/wipe.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import { withVersion } from '../../keys/key-id.ts';
import { openKeyVersion } from '../../keys/key-record.ts';
import type { PublicView } from '../../keys/public-view.ts';
import { openCustodyStore } from '../../storage/custody-open.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import type { OperationDeps } from '../deps.ts';
import type { ReconcileFindings } from './reconcile-findings.ts';

/** Throws what an open of the store throws. */
export async function compareManifest(
  deps: OperationDeps,
  view: PublicView,
  findings: ReconcileFindings,
): Promise<void> {
  const store = await openCustodyStore(deps, { dryRun: true });
  try {
    const held = new Set(store.recordIds().filter((id) => id.includes('#v')));
    for (const key of view.keys) {
      for (const { n, state, pub } of key.versions) {
        const kid = withVersion(key.kid, n);
        if (held.delete(kid) !== (state !== 'retired')) {
          const message = `${kid} is ${state} in public.json, and the manifest ${state === 'retired' ? 'holds' : 'lacks'} it`;
          findings.add('manifest-different', message, { file: 'store/manifest.ronk' });
        } else if (state !== 'retired') await comparePub(store, kid, pub, findings);
      }
    }
    for (const kid of held) {
      const message = `the manifest holds ${kid}, which public.json does not have`;
      findings.add('manifest-different', message, { file: 'store/manifest.ronk' });
    }
  } finally {
    await store.close();
  }
}

async function comparePub(
  store: CustodyStore,
  kid: string,
  shown: Readonly<Record<string, string>>,
  findings: ReconcileFindings,
): Promise<void> {
  const item = await store.read(kid);
  const { secrets, pub } = openKeyVersion(kid, item.meta, item.secret);
  wipe(item.secret, ...secrets);
  const digests = Object.entries(pub).map(([member, bytes]) => [member, sha256Hex(bytes)] as const);
  const same = digests.length === Object.keys(shown).length && digests.every(([member, hex]) => shown[member] === hex);
  if (same) return;
  findings.add('manifest-different', `the sealed public halves of ${kid} are not those of public.json`, {
    file: 'store/manifest.ronk',
  });
}
