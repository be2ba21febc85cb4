// The ledger in the hands of its one writer (governance page 9): opened from the custody store, appended in batches, each
// batch committed by one audit record. The state is changed as lines are built; when the commit fails the store refuses
// everything else, so a state ahead of the disk is never used.

import { fromTime, toTime } from '../../bytes/time.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { RonError } from '../../errors.ts';
import type { LinePlace } from '../../governance/index-entry.ts';
import { buildLine, type LineBody, parseLine } from '../../governance/ledger.ts';
import { applyLine } from '../../governance/ledger-apply.ts';
import { openLedger } from '../../governance/ledger-open.ts';
import type { LedgerState } from '../../governance/ledger-state.ts';
import { encodeState } from '../../governance/state-file.ts';
import type { Clock, Millis, Moment } from '../../host.ts';
import type { Judged } from '../../policy/overlay.ts';
import type { CustodyStore, LedgerBatch } from '../../storage/custody-port.ts';

export function momentNow(clock: Clock): Moment {
  return { wall: toTime(clock.now()), boot_id: clock.bootId(), boottime_ms: clock.uptimeMs() };
}

/** What `highWaterMs` reads of the log. */
export type LogTimes = Pick<CustodyStore, 'logSize' | 'record' | 'newestCheckpoint'>;

/**
 * Governance page 11. The newest record alone forgets: a clock set back writes records, and the next command would take
 * theirs for the newest time seen. Timestamps of checkpoints never fall, so they count until a clock-reset.
 */
export function highWaterMs(log: LogTimes, state: Pick<LedgerState, 'mark' | 'clockReset'> | null): Millis {
  const newest = log.logSize === 0 ? 0 : fromTime(log.record(log.logSize - 1).ts);
  const signed = (state?.clockReset ?? null) === null ? log.newestCheckpoint().signedAtMs : 0;
  return Math.max(state === null ? 0 : fromTime(state.mark), newest, signed);
}

/** How far this ledger and its log go. */
export interface LedgerPlace {
  readonly ledgerSeq: number;
  readonly origin: string;
  readonly logSize: number;
}

export class LedgerWriter {
  readonly store: CustodyStore;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly state: LedgerState;
  /** state.json was missing or of another line. */
  readonly replayed: boolean;
  readonly #added = new Map<number, Uint8Array>();

  private constructor(store: CustodyStore, crypto: Crypto, clock: Clock, state: LedgerState, replayed: boolean) {
    this.store = store;
    this.crypto = crypto;
    this.clock = clock;
    this.state = state;
    this.replayed = replayed;
  }

  /** Null while the store is ungoverned. Throws Tampered, PinMismatch. */
  static open(store: CustodyStore, crypto: Crypto, clock: Clock): LedgerWriter | null {
    const head = store.view.ledger;
    if (head === null) {
      if (store.genesisDigest === null) return null;
      throw new RonError('Tampered', 'the store was adopted by a genesis, and public.json names no ledger', {
        field: 'ledger',
      });
    }
    const source = {
      lineAt: (place: LinePlace) => lineOf(store, place.seq),
      linesFrom: (seq: number) => store.ledgerLines(seq),
    };
    const { state, replayed } = openLedger(crypto, source, store.ledgerState(), head);
    if (state.genesis.digest !== store.genesisDigest) {
      throw new RonError(
        'PinMismatch',
        `the ledger begins with the genesis ${state.genesis.digest}; the store adopted ${store.genesisDigest ?? 'none'}`,
      );
    }
    return new LedgerWriter(store, crypto, clock, state, replayed);
  }

  /** The exact line with this seq, committed or just added. */
  line(seq: number): Uint8Array {
    return this.#added.get(seq) ?? lineOf(this.store, seq);
  }

  now(): Moment {
    return momentNow(this.clock);
  }

  place(): LedgerPlace {
    return { ledgerSeq: this.state.seq, origin: this.store.origin, logSize: this.store.logSize };
  }

  /** Highest time of ledger, log and checkpoints: what the clock must not be behind. */
  highWaterMs(): Millis {
    return highWaterMs(this.store, this.state);
  }

  judged(): Judged {
    return { now: this.now(), highWaterMs: this.highWaterMs() };
  }

  /** Judges and applies the next line; `flush` writes and commits it. Throws without having changed anything. */
  add(content: LineBody): void {
    const { line, bytes } = buildLine(this.state, { ts: toTime(this.clock.now()), content });
    applyLine(this.state, line, bytes.length, this.crypto);
    this.#added.set(line.seq, bytes);
  }

  /** Takes a line that was written elsewhere, exactly as it is; judged like an own one. */
  extend(bytes: Uint8Array): void {
    const line = parseLine(bytes, this.state);
    applyLine(this.state, line, bytes.length, this.crypto);
    this.#added.set(line.seq, bytes);
  }

  /** Writes and commits what was added as one batch; durable when resolved. */
  flush(actor: string): Promise<void> {
    return this.commit(actor, (batch) => this.store.appendLedger(batch));
  }

  /** The same by another mutation, which commits the batch. */
  async commit(actor: string, act: (batch: LedgerBatch) => Promise<unknown>): Promise<void> {
    if (this.#added.size === 0) return;
    await act({
      ledgerId: this.state.ledgerId,
      lines: [...this.#added.values()],
      head: { seq: this.state.seq, hash: this.state.hash },
      state: encodeState(this.state),
      actor,
    });
    this.#added.clear();
  }

  async append(content: LineBody, actor: string): Promise<void> {
    this.add(content);
    await this.flush(actor);
  }
}

function lineOf(store: CustodyStore, seq: number): Uint8Array {
  for (const line of store.ledgerLines(seq)) return line;
  throw new RonError('Tampered', `the ledger has no line ${seq}`, { field: 'ledger' });
}
