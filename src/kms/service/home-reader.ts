// A home read without a passphrase and without a lock (store page 4), as the services see it: the authenticated public.json,
// the ledger state that it names, key files, and records of the log proved under the newest verified checkpoint.

import { createLogVerifier, parseBody, type TrustedLog, type VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import type { AuditRecord } from '../../audit/draft.ts';
import { parseRecord } from '../../audit/record.ts';
import { checkTlogProof, parseTlogProof } from '../../audit/tlog-proof.ts';
import { fromTime } from '../../bytes/time.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { parseNote } from '../../envelope/note.ts';
import { fail, RonError } from '../../errors.ts';
import { openLedger } from '../../governance/ledger-open.ts';
import type { Clock, Host } from '../../host.ts';
import type { LogPlace } from '../../keys/acceptance.ts';
import type { PublicView } from '../../keys/public-view.ts';
import { LIMITS } from '../../limits.ts';
import type { Judged } from '../../policy/overlay.ts';
import { parseProfile } from '../../policy/profile.ts';
import { type LogEpoch, readLogFile } from '../../storage/audit-log-file.ts';
import { type EpochPaths, epochPaths } from '../../storage/audit-paths.ts';
import { knownRecord, provenRecord, provenSignRecords, storedRecords } from '../../storage/audit-store.ts';
import { custodyPaths } from '../../storage/custody-state.ts';
import { readHome } from '../../storage/home.ts';
import { ledgerLines } from '../../storage/ledger-segments.ts';
import { type ReadView, withPublicView } from '../../storage/public-reader.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import { listPins, type PinnedAuthority, readAuthority } from '../../storage/trust-pin.ts';
import { type HomeLog, homeLog, pinnedLog, serviceErasOf } from '../../storage/trusted-log.ts';
import { type GovernanceView, governedView, ungovernedView } from './governance-view.ts';
import { epochOf } from './legacy.ts';
import type { KeyReader, ProvenElsewhere, ProvenLog, TrustedService } from './reader.ts';

export interface HomeReaderDeps {
  readonly host: Host;
  readonly home: string;
  readonly crypto: () => Promise<Crypto>;
}

export interface HomeReader extends KeyReader {
  readonly policy: GovernanceView;
}

/** One consistent reading. Throws NotInitialised, Tampered, Changing, NoTrustedKey. */
export async function readHomeState(deps: HomeReaderDeps): Promise<HomeReader> {
  const ctx = await storeContext(deps);
  return withPublicView(ctx, (read) => {
    const policy = policyOf(ctx, read);
    return {
      trust: read.trust,
      storeId: read.view.store_id,
      view: read.view,
      ...trustedHome(ctx, read.home),
      policy,
      judged: judgedNow(deps.host.clock, policy, read),
      log: read.checkpoint === null ? null : provenLog(ctx, read.home.epoch, read.checkpoint),
      keyFile: (name) => ctx.files.read(`${custodyPaths(ctx).keys}/${name}`, LIMITS.signedFileBytes),
    };
  });
}

/** The own service, under its pinned genesis, or while ungoverned under this home's audit/log.json. */
function trustedHome(ctx: StoreContext, home: HomeLog): TrustedService {
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
  const epoch = epochOf(origin) ?? fail('Malformed', `the proof: ${origin} names no epoch`);
  const record = knownRecord(parseRecord(answer.line, 'the record of the proof'));
  if (record.seq !== answer.index) fail('VerificationFailed', 'the proof: the record names another place');
  return { place: { epoch, seq: answer.index }, record };
}

/** Every service that this home trusts: all pinned ledgers, and the own one before its genesis. */
export async function readTrusted(deps: HomeReaderDeps): Promise<readonly TrustedService[]> {
  const ctx = await storeContext(deps);
  const pins = listPins(ctx).map((pin) => trustedPin(ctx.crypto, readAuthority(ctx, pin.ledger_id)));
  if (readLogFile(ctx.files, ctx.paths.audit) === null) return pins;
  const own = homeLog(ctx);
  return own.pinned === null ? [...pins, trustedHome(ctx, own)] : pins;
}

/** The policy in force: the start policy while ungoverned, else the state that public.json names. */
function policyOf(ctx: StoreContext, { view }: Pick<ReadView, 'view'>): GovernanceView {
  if (view.ledger === null) {
    const profile = readHome(ctx.files, ctx.paths)?.profile;
    if (profile === undefined) fail('NotInitialised', 'home.json names no profile', { hint: 'Run `ronctl init`.' });
    return ungovernedView(parseProfile(profile, 'profile'));
  }
  return governedView(ledgerState(ctx, view, view.ledger));
}

function ledgerState(ctx: StoreContext, view: PublicView, head: NonNullable<PublicView['ledger']>) {
  const paths = custodyPaths(ctx);
  const bytes = ctx.files.read(paths.ledgerState, LIMITS.stateFileBytes);
  const state = bytes !== null && sha256Hex(bytes) === head.state_sha256 ? bytes : null;
  const linesFrom = (seq: number): Iterable<Uint8Array> => ledgerLines(ctx.files, paths.ledger, seq, head.seq + 1);
  const lineAt = ({ seq }: { readonly seq: number }): Uint8Array => {
    for (const line of linesFrom(seq)) return line;
    return fail('Tampered', `the ledger has no line ${seq}`, { field: 'ledger' });
  };
  const opened = openLedger(ctx.crypto, { lineAt, linesFrom }, state, head).state;
  if (opened.ledgerId !== view.ledger_id) {
    fail('Tampered', `the ledger is ${opened.ledgerId}, public.json names ${view.ledger_id ?? 'none'}`, {
      field: 'ledger',
    });
  }
  return opened;
}

/** The clock, and the newest time that ledger, log and checkpoint show. */
function judgedNow(clock: Clock, policy: GovernanceView, { head, checkpoint }: ReadView): Judged {
  const seen = [
    policy.mark === null ? 0 : fromTime(policy.mark),
    head === null ? 0 : fromTime(head.record.ts),
    checkpoint === null ? 0 : checkpoint.timestamp * 1000,
  ];
  const wall = new Date(clock.now()).toISOString();
  return {
    now: { wall, boot_id: clock.bootId(), boottime_ms: clock.uptimeMs() },
    highWaterMs: Math.max(...seen),
  };
}

/** Records of earlier epochs are not proved here: what only they could show is `unavailable`. */
function provenLog(ctx: StoreContext, epoch: number, checkpoint: VerifiedCheckpoint): ProvenLog {
  const paths = epochPaths(ctx.paths.audit, epoch);
  const proven = (seq: number): AuditRecord => knownRecord(provenRecord(ctx.files, paths, checkpoint, seq).record);
  return {
    epoch,
    record: (place) => (place.epoch === epoch && place.seq < checkpoint.size ? proven(place.seq) : null),
    signRecords: (kid, inputHash) => signPlaces(ctx, paths, epoch, checkpoint, kid, inputHash),
    find: function* (op) {
      const seqs: number[] = [];
      for (const { record, seq } of storedRecords(ctx.files, paths, 0, checkpoint.size))
        if (record.op === op) seqs.push(seq);
      for (const seq of seqs.reverse()) yield { place: { epoch, seq }, record: proven(seq) };
    },
  };
}

function signPlaces(
  ctx: StoreContext,
  paths: EpochPaths,
  epoch: number,
  checkpoint: VerifiedCheckpoint,
  kid: string,
  inputHash: string,
): readonly LogPlace[] | 'unavailable' {
  try {
    const places: LogPlace[] = [];
    for (const { record } of provenSignRecords(ctx.files, paths, checkpoint, kid, inputHash)) {
      places.push({ epoch, seq: record.seq });
    }
    return places.length === 0 && epoch > 0 ? 'unavailable' : places;
  } catch (error) {
    // A segment that is not here (archived, or gone): the answer is open; `audit verify` says which of the two it is.
    if (error instanceof RonError && error.code === 'Tampered' && error.field === 'missing-records')
      return 'unavailable';
    throw error;
  }
}
