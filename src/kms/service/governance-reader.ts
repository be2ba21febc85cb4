// Governance of a home that nobody unsealed (store page 4, governance page 9): the authenticated clear view, the ledger state
// that it names, lines by their place, and the clock. Without a pin of this ledger nothing is authenticated.

import { fromTime } from '../../bytes/time.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import { RonError } from '../../errors.ts';
import type { LinePlace } from '../../governance/index-entry.ts';
import { parseLine } from '../../governance/ledger.ts';
import { applyLine } from '../../governance/ledger-apply.ts';
import { ownLine } from '../../governance/ledger-load.ts';
import { openLedger, replayLedger } from '../../governance/ledger-open.ts';
import type { LedgerState } from '../../governance/ledger-state.ts';
import { type LostKeys, lostKeysOf } from '../../governance/outcome.ts';
import { LIMITS } from '../../limits.ts';
import type { Judged } from '../../policy/overlay.ts';
import { parseProfile } from '../../policy/profile.ts';
import { demandFresh } from '../../storage/audit-notes.ts';
import { noCustodyStore } from '../../storage/custody-recovery.ts';
import { readHome } from '../../storage/home.ts';
import { readLedgerLine, readLineEndingAt } from '../../storage/ledger-reader.ts';
import { ledgerLines } from '../../storage/ledger-segments.ts';
import { type ProvenHead, readMissing } from '../../storage/missing-ledger.ts';
import { type ReadOptions, type ReadView, withPublicView } from '../../storage/public-reader.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import type { Trust } from '../ports.ts';
import { momentNow } from './governance-ledger.ts';
import { type GovernanceView, governedView, ungovernedView } from './governance-view.ts';

export interface GovernanceReading {
  readonly trust: Trust;
  /** View, checkpoint, head record and pin as they were read together. */
  readonly home: ReadView;
  readonly governance: GovernanceView;
  /** Null while ungoverned. */
  readonly state: LedgerState | null;
  readonly judged: Judged;
  /** The exact line at a place, as it stands. */
  readonly line: (place: LinePlace) => Uint8Array;
  readonly lines: (fromSeq: number) => Iterable<Uint8Array>;
  /** Of lines that a restored home brought back and that its own log does not cover. */
  readonly missingHead: ProvenHead | null;
  /** Keys that these lines rotated: the restored store does not have them. */
  readonly lostKeys: LostKeys;
}

/** One consistent reading. `replay` verifies the whole ledger instead of starting from state.json. */
export function readGovernance(
  ctx: StoreContext,
  options: ReadOptions & { readonly replay?: boolean; readonly onLine?: (seq: number) => void } = {},
): GovernanceReading {
  const read = (home: ReadView): GovernanceReading => {
    demandFresh(ctx.files, ctx.clock, home.checkpoint);
    const now = momentNow(ctx.clock);
    const { ledger } = home.view;
    const recordMs = home.head === null ? 0 : fromTime(home.head.record.ts);
    const signedMs = (home.checkpoint?.timestamp ?? 0) * 1000;
    const size = ledger === null ? 0 : ledger.seq + 1;
    const line = (place: LinePlace): Uint8Array => readLedgerLine(ctx.files, ctx.paths.ledger, place);
    const lines = (from: number): Iterable<Uint8Array> => ledgerLines(ctx.files, ctx.paths.ledger, from, size);
    const common: {
      -readonly [K in 'trust' | 'home' | 'line' | 'lines' | 'missingHead' | 'lostKeys']: GovernanceReading[K];
    } = { trust: home.trust, home, line, lines, missingHead: null, lostKeys: { service: false, log: false } };
    if (ledger === null) {
      return {
        ...common,
        governance: ungovernedView(ungovernedProfile(ctx)),
        state: null,
        judged: { now, highWaterMs: Math.max(recordMs, signedMs) },
      };
    }
    const source = { lineAt: line, linesFrom: lines };
    const state =
      options.replay === true
        ? demandHead(replayLedger(ctx.crypto, source, options.onLine), ledger)
        : openLedger(ctx.crypto, source, stateBytes(ctx, ledger.state_sha256), ledger).state;
    demandPinned(home, state);
    demandLastLine(ctx, state);
    const isOld = home.behind !== null || readHome(ctx.files, ctx.paths)?.restored !== undefined;
    const missing = isOld ? readMissing(ctx, ledger.seq) : null;
    const { governed: restored } = state;
    for (const bytes of missing?.lines ?? []) applyLine(state, parseLine(bytes, state), bytes.length, ctx.crypto);
    const highWaterMs = Math.max(recordMs, fromTime(state.mark), state.clockReset === null ? signedMs : 0);
    if (missing !== null) {
      common.missingHead = missing.head;
      common.lostKeys = lostKeysOf(restored, state.governed);
      const behind = (seq: number): Uint8Array | undefined => missing.lines[seq - ledger.seq - 1];
      common.line = (place) => behind(place.seq) ?? line(place);
      common.lines = function* (from) {
        if (from <= ledger.seq) yield* lines(from);
        yield* missing.lines.slice(Math.max(0, from - ledger.seq - 1));
      };
    }
    return { ...common, governance: governedView(state), state, judged: { now, highWaterMs } };
  };
  return withPublicView(ctx, read, options);
}

function stateBytes(ctx: StoreContext, sha256: string): Uint8Array | null {
  const bytes = ctx.files.read(`${ctx.paths.ledger}/state.json`, LIMITS.stateFileBytes);
  return bytes !== null && sha256Hex(bytes) === sha256 ? bytes : null;
}

function ungovernedProfile(ctx: StoreContext) {
  const { published } = ctx.files;
  const said = published === undefined || published.own ? null : published.profile;
  const profile = said ?? readHome(ctx.files, ctx.paths)?.profile;
  if (profile === undefined) throw noCustodyStore(ctx.files, ctx.paths);
  return parseProfile(profile, 'home.json profile');
}

function demandHead(state: LedgerState, head: { readonly seq: number; readonly hash: string }): LedgerState {
  if (state.seq === head.seq && state.hash === head.hash) return state;
  throw new RonError('Tampered', `the ledger ends at line ${state.seq}; line ${head.seq} is committed`, {
    field: 'ledger',
  });
}

/** state.json alone would hide that the ledger was cut. */
function demandLastLine(ctx: StoreContext, state: LedgerState): void {
  const { hash, seq } = ownLine(readLineEndingAt(ctx.files, ctx.paths.ledger, state.seq, state.nextOffset));
  if (seq === state.seq && hash === state.hash) return;
  throw new RonError('Tampered', `line ${state.seq} of the ledger is not the one that was committed`, {
    field: 'ledger',
  });
}

function demandPinned(home: ReadView, state: LedgerState): void {
  const pin = home.home.pinned?.pin;
  if (pin === undefined || pin.genesis_digest === state.genesis.digest) return;
  throw new RonError(
    'PinMismatch',
    `the ledger begins with ${state.genesis.digest}; this home pins ${pin.genesis_digest}`,
    { field: 'genesis' },
  );
}

/** The state of a governed home; Ungoverned (4) otherwise. */
export function demandState(reading: GovernanceReading): LedgerState {
  if (reading.state !== null) return reading.state;
  throw new RonError('Ungoverned', 'no genesis is adopted in this home', {
    hint: 'Run `ronctl governance init --members ... --threshold N`.',
  });
}
