// Opening a ledger (governance page 9, R-45 g): from the authenticated state.json when there is one, replayed forward with the
// signatures of the newer lines; else a full replay. Both must end at the committed head. Refuses (Tampered) a line that
// does not hash, follow or verify, and a state that does not lead to the head.

import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import type { LinePlace } from './index-entry.ts';
import { parseLine } from './ledger.ts';
import { applyLine, startLedger } from './ledger-apply.ts';
import { linesOfEntry, loadProposal } from './ledger-load.ts';
import type { LedgerState } from './ledger-state.ts';
import { decodeState } from './state-file.ts';

export interface LedgerSource {
  /** The exact line that begins there. */
  lineAt(place: LinePlace): Uint8Array;
  /** Committed lines from `seq` on, in order. */
  linesFrom(seq: number): Iterable<Uint8Array>;
}

export interface LedgerHead {
  readonly seq: number;
  readonly hash: string;
}

function tampered(error: unknown, seq: number): never {
  if (!(error instanceof RonError)) throw error;
  throw new RonError('Tampered', `ledger line ${seq}: ${error.message}`, {
    ...(error.field === undefined ? {} : { field: error.field }),
    cause: error,
  });
}

/** Replays everything from line 0. `onLine` reports progress. */
export function replayLedger(crypto: Crypto, source: LedgerSource, onLine?: (seq: number) => void): LedgerState {
  let state: LedgerState | null = null;
  for (const bytes of source.linesFrom(0)) {
    const seq: number = state === null ? 0 : state.seq + 1;
    try {
      const line = parseLine(bytes, state);
      if (state === null) state = startLedger(crypto, line, bytes.length);
      else applyLine(state, line, bytes.length, crypto);
    } catch (error) {
      tampered(error, seq);
    }
    onLine?.(seq);
  }
  if (state === null) throw new RonError('Tampered', 'the ledger has no lines');
  return state;
}

export interface OpenedLedger {
  readonly state: LedgerState;
  /** state.json was missing or of another ledger line: everything was replayed. */
  readonly replayed: boolean;
}

/** `stateBytes` = ledger/state.json if its digest is the authenticated one, else null. */
export function openLedger(
  crypto: Crypto,
  source: LedgerSource,
  stateBytes: Uint8Array | null,
  head: LedgerHead,
): OpenedLedger {
  const state = stateBytes === null ? replayLedger(crypto, source) : continueLedger(crypto, source, stateBytes);
  if (state.seq !== head.seq || state.hash !== head.hash) {
    throw new RonError('Tampered', `the ledger ends at line ${state.seq}; line ${head.seq} is committed`, {
      field: 'ledger',
    });
  }
  return { state, replayed: stateBytes === null };
}

function continueLedger(crypto: Crypto, source: LedgerSource, stateBytes: Uint8Array): LedgerState {
  const state = decodeState(stateBytes, (entry, sets) => {
    try {
      return loadProposal(
        crypto,
        entry,
        sets,
        linesOfEntry(entry, (place) => source.lineAt(place)),
      );
    } catch (error) {
      return tampered(error, entry.seq);
    }
  });
  for (const bytes of source.linesFrom(state.seq + 1)) {
    try {
      applyLine(state, parseLine(bytes, state), bytes.length, crypto);
    } catch (error) {
      tampered(error, state.seq + 1);
    }
  }
  return state;
}
