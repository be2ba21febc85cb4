// Custody services whose keys this home trusts (keys page 10): by a pinned genesis and its key chain, or, for the own store
// before its genesis, by audit/log.json. With them key objects and tlog-proofs from elsewhere are judged.

import { createLogVerifier, parseBody, type TrustedLog } from '../../audit/checkpoint.ts';
import { parseRecord } from '../../audit/record.ts';
import { checkTlogProof, parseTlogProof } from '../../audit/tlog-proof.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { parseNote } from '../../envelope/note.ts';
import { fail } from '../../errors.ts';
import { epochNumber } from '../../governance/key-chain.ts';
import type { Host } from '../../host.ts';
import { type LogEpoch, readLogFile } from '../../storage/audit-log-file.ts';
import { knownRecord } from '../../storage/audit-store.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import { listPins, type PinnedAuthority, readAuthority } from '../../storage/trust-pin.ts';
import { type HomeLog, homeLog, pinnedLog, serviceErasOf } from '../../storage/trusted-log.ts';
import type { ProvenElsewhere, TrustedService } from './reader.ts';

/** The own service, under its pinned genesis, or while ungoverned under this home's audit/log.json. */
export function trustedHome(ctx: StoreContext, home: HomeLog): TrustedService {
  if (home.pinned !== null) return trustedPin(ctx.crypto, home.pinned, home.file.epochs);
  return {
    serviceKeys: [home.file.serviceKeys],
    checkProof: (proof) =>
      proofUnder(ctx.crypto, proof, (origin) => {
        const epoch = home.file.epochs.find((one) => one.origin === origin);
        return epoch === undefined ? null : { ...home.log, origin, keys: epoch.keys };
      }),
  };
}

/** A service whose genesis is pinned here. `epochs`: hints of its own home. */
function trustedPin(crypto: Crypto, pinned: PinnedAuthority, epochs: readonly LogEpoch[] = []): TrustedService {
  const { authority, genesis } = pinned;
  const ours = new RegExp(`(^|/)${genesis.genesis.store_id}/e(0|[1-9][0-9]*)$`);
  return {
    serviceKeys: serviceErasOf(authority),
    checkProof: (proof) =>
      proofUnder(crypto, proof, (origin) =>
        ours.test(origin) ? pinnedLog(authority, origin, epochs.find((one) => one.origin === origin)?.keys) : null,
      ),
  };
}

function proofUnder(crypto: Crypto, bytes: Uint8Array, logOf: (origin: string) => TrustedLog | null): ProvenElsewhere {
  const proof = parseTlogProof(bytes, 'the proof');
  const origin = parseBody(parseNote(proof.checkpoint, 'the checkpoint of the proof').text)?.origin ?? '';
  const log = logOf(origin);
  if (log === null) fail('NoTrustedKey', `no trusted key is known for the log ${JSON.stringify(origin)} of the proof`);
  const answer = checkTlogProof(proof, createLogVerifier(log, crypto));
  if (!answer.ok) return fail('VerificationFailed', `the proof: ${answer.message}`, { field: answer.code });
  const epoch = epochNumber(origin) ?? fail('Malformed', `the proof: ${origin} names no epoch`);
  const record = knownRecord(parseRecord(answer.line, 'the record of the proof'));
  if (record.seq !== answer.index) fail('VerificationFailed', 'the proof: the record names another place');
  return { place: { epoch, seq: answer.index }, record };
}

/** Every service that this home trusts: all pinned ledgers, and the own one before its genesis. */
export async function readTrusted(deps: {
  readonly host: Host;
  readonly home: string;
  readonly crypto: () => Promise<Crypto>;
}): Promise<readonly TrustedService[]> {
  const ctx = await storeContext(deps);
  const pins = listPins(ctx).map((pin) => trustedPin(ctx.crypto, readAuthority(ctx, pin.ledger_id)));
  if (readLogFile(ctx.files, ctx.paths.audit) === null) return pins;
  const own = homeLog(ctx);
  return own.pinned === null ? [...pins, trustedHome(ctx, own)] : pins;
}
