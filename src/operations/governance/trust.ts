// `governance trust`: pins a genesis in this home, after its digest (or its 12 words) was compared with a person. Needs no
// `init`: an approver's machine has home.json, trust/ and signers/ only. Another genesis under a pinned id is PinMismatch,
// and one with signer keys that stand in another pinned ledger is refused.

import { within } from '../../bytes/decode.ts';
import { toTime } from '../../bytes/time.ts';
import { envelopeDigest, parseEnvelope } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import { verifyGenesis } from '../../governance/genesis.ts';
import { ensureHome } from '../../storage/home.ts';
import { storeContext } from '../../storage/store-deps.ts';
import { readPin, writePin } from '../../storage/trust-pin.ts';
import type { OperationDeps } from '../deps.ts';
import { refuseReusedKeys } from './genesis-keys.ts';
import { type GenesisResult, genesisResult } from './genesis-result.ts';

export interface TrustRequest {
  readonly bytes: Uint8Array;
  readonly what: string;
  /** What was compared. */
  readonly digest: string;
}

export interface TrustResult extends Omit<GenesisResult, 'status'> {
  readonly pin: 'pinned' | 'known';
  readonly pinned_at: string;
}

export async function trust(request: TrustRequest, deps: OperationDeps): Promise<TrustResult> {
  const ctx = await storeContext(deps);
  const verified = within(request.what, () => verifyGenesis(ctx.crypto, parseEnvelope(request.bytes, request.what)));
  if (envelopeDigest(verified.envelope) !== request.digest) {
    throw new RonError('PinMismatch', `the genesis has the digest ${verified.digest}, not ${request.digest}`, {
      field: '--expect-digest',
    });
  }
  const { ledger_id: ledgerId } = verified.genesis;
  const known = readPin(ctx, ledgerId);
  const now = toTime(ctx.clock.now());
  if (known !== null && known.genesis_digest !== verified.digest) {
    throw new RonError('PinMismatch', `${ledgerId} is pinned with ${known.genesis_digest}, not ${verified.digest}`, {
      field: 'genesis',
    });
  }
  refuseReusedKeys(ctx, verified.genesis);
  const { status: _status, ...result } = genesisResult(ctx.crypto, verified.envelope, verified.genesis, 'adopted');
  if (!deps.dryRun && known === null) {
    await ensureHome(ctx, ctx.paths);
    await writePin(ctx, verified, now);
  }
  return { ...result, pin: known === null ? 'pinned' : 'known', pinned_at: known?.pinned_at ?? now };
}
