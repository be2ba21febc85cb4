// A home in memory (I-29, service page 8): the custody store, ledger and log of backend `inmem`, made at the start, gone at the
// end, on files of which nothing reaches a disk. Governed by a genesis it only verifies until a ledger is given whose head a
// tlog-proof of the service that kept it, or the operator's own `--expect-ledger-head`, confirms; it never starts from
// configuration alone. Its service and log keys are of this life, so it executes nothing of that ledger.
// Attack: a restart plus a looser environment bypasses a freeze.

import { toTime } from '../../bytes/time.ts';
import { parseEnvelope } from '../../envelope/dsse.ts';
import { fail, RonError } from '../../errors.ts';
import { type VerifiedGenesis, verifyGenesis } from '../../governance/genesis.ts';
import { type LedgerSource, replayLedger } from '../../governance/ledger-open.ts';
import type { LedgerState } from '../../governance/ledger-state.ts';
import { viewHashOf } from '../../governance/outcome.ts';
import { encodeState } from '../../governance/state-file.ts';
import type { Host } from '../../host.ts';
import type { Profile } from '../../policy/profile.ts';
import type { KdfCost } from '../../sealed/kdf-parameters.ts';
import { DEFAULT_LOG_ORIGIN, initCustody } from '../../storage/custody-creation.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import { MemoryFiles } from '../../storage/memory-files.ts';
import { type StoreDeps, storeContext } from '../../storage/store-deps.ts';
import { writeChain, writePin } from '../../storage/trust-pin.ts';
import { chainOfState } from './governance-chain.ts';
import { readTrusted } from './trusted-services.ts';

/** Nothing else has this path, because nothing else is on these files. */
export const MEMORY_HOME = '/home';
/** Room for the log of one life; beyond it writes are refused like on a full disk. */
export const MEMORY_BYTES = 256 * 1024 * 1024;
/** The passphrase is 32 random bytes that nobody knows: the floor of the bounds is enough. */
const KDF: KdfCost = { alg: 'argon2id', m_kib: 19_456, t: 2, p: 1 };
const ACTOR = 'system';

export interface MemoryHomeRequest {
  readonly profile: Profile;
  readonly version: string;
  /** Envelope file of the genesis that governs this life; null = ungoverned. */
  readonly genesis: Uint8Array | null;
  /** The digest that the genesis must have, where configuration or a pin names one. */
  readonly genesisDigest: string | null;
  /** Lines of a ledger with LF; null = not given. */
  readonly ledger: Uint8Array | null;
  /** `sha256:<hex>` of its last line, as the operator knows it. */
  readonly expectHead: string | null;
  /** A tlog-proof of a `manifest` record that names the head. */
  readonly headProof: Uint8Array | null;
}

export interface MemoryHome {
  readonly deps: StoreDeps;
  readonly files: MemoryFiles;
  /** Why it only verifies; null when it does not. */
  readonly verifyOnly: string | null;
  /** The genesis that governs, also while its ledger is not there. */
  readonly governedBy: GoverningGenesis | null;
}

export interface GoverningGenesis {
  readonly ledgerId: string;
}

/** Throws PinMismatch, VerificationFailed, Tampered, NotAuthenticated. */
export async function memoryHome(deps: StoreDeps, request: MemoryHomeRequest): Promise<MemoryHome> {
  const { host } = deps;
  const files = new MemoryFiles({
    clock: host.clock,
    random: host.random,
    uid: host.env.user.uid,
    capacityBytes: MEMORY_BYTES,
  });
  const passphrase = host.random.bytes(32).slice();
  const memoryHost: Host = { ...host, files, locks: { acquire: async () => ({ release: () => undefined }) } };
  const inMemory: StoreDeps = {
    ...deps,
    host: memoryHost,
    home: MEMORY_HOME,
    passphrases: { existing: async () => passphrase.slice(), fresh: async () => passphrase.slice() },
  };
  const crypto = await deps.crypto();
  const genesis = request.genesis === null ? null : verifyGenesis(crypto, parseEnvelope(request.genesis, '--genesis'));
  demandDigest(genesis, request.genesisDigest);
  const profile = genesis?.genesis.profile ?? request.profile;
  const { version } = request;
  const store = await initCustody(inMemory, { profile, base: DEFAULT_LOG_ORIGIN, actor: ACTOR, version, kdf: KDF });
  try {
    const verifyOnly = genesis === null ? null : await govern(inMemory, store, genesis, request);
    await store.checkpoint();
    const governedBy = genesis === null ? null : { ledgerId: genesis.genesis.ledger_id };
    return { deps: inMemory, files, verifyOnly, governedBy };
  } finally {
    await store.close();
  }
}

function demandDigest(genesis: VerifiedGenesis | null, wanted: string | null): void {
  if (wanted === null || genesis?.digest === wanted) return;
  if (genesis === null) {
    fail('MissingAnswer', `the genesis ${wanted} governs this service, and its file was not given`, {
      field: '--genesis',
      hint: 'Give it with --genesis F: it lies in trust/ of every home that pins it.',
    });
  }
  fail('PinMismatch', `the genesis is ${genesis.digest}; ${wanted} is expected`, { field: '--genesis' });
}

async function govern(
  deps: StoreDeps,
  store: CustodyStore,
  verified: VerifiedGenesis,
  request: MemoryHomeRequest,
): Promise<string | null> {
  const context = await storeContext(deps);
  await writePin(context, verified, toTime(context.clock.now()));
  if (request.ledger === null) return 'no ledger was given whose head is confirmed';
  const lines = linesOf(request.ledger);
  const source: LedgerSource = {
    lineAt: ({ seq }) => lines[seq] ?? fail('Tampered', `the ledger that was given has no line ${seq}`),
    linesFrom: (seq) => lines.slice(seq),
  };
  const state = replayLedger(context.crypto, source);
  if (state.genesis.digest !== verified.digest) {
    fail('PinMismatch', `the ledger begins with the genesis ${state.genesis.digest}, not with ${verified.digest}`, {
      field: '--ledger',
    });
  }
  if (state.executing !== null) {
    fail(
      'Conflict',
      'the ledger ends in the middle of an execution; the service that keeps it has to finish it first',
      {
        field: '--ledger',
      },
    );
  }
  await writeChain(
    context,
    state.ledgerId,
    chainOfState(state, (place) => source.lineAt(place)),
  );
  await demandConfirmed(deps, state, request);
  await adoptLedger(store, state, lines);
  return null;
}

function linesOf(ledger: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < ledger.length; ) {
    const end = ledger.indexOf(0x0a, at);
    if (end < 0) fail('Malformed', 'the ledger that was given ends in half a line', { field: '--ledger' });
    lines.push(ledger.slice(at, end));
    at = end + 1;
  }
  if (lines.length === 0) fail('Malformed', 'the ledger that was given is empty', { field: '--ledger' });
  return lines;
}

/** Attack: an older ledger, without the line that froze or revoked, is valid in itself. */
async function demandConfirmed(deps: StoreDeps, state: LedgerState, request: MemoryHomeRequest): Promise<void> {
  const { expectHead, headProof } = request;
  if (expectHead !== null) {
    if (expectHead === state.hash) return;
    fail('VerificationFailed', `the ledger ends with line ${state.seq}, ${state.hash}; ${expectHead} is expected`, {
      field: '--expect-ledger-head',
    });
  }
  if (headProof === null) {
    fail('NotAuthenticated', 'nothing confirms that the ledger which was given is the newest', {
      field: '--ledger',
      hint: 'Give --expect-ledger-head H; `ronctl governance log` shows it where the ledger is kept.',
    });
  }
  const refusals: string[] = [];
  for (const trusted of await readTrusted(deps)) {
    try {
      const { record } = trusted.checkProof(headProof);
      const named = record.detail?.['ledger'];
      const isHead =
        record.op === 'manifest' &&
        typeof named === 'object' &&
        named !== null &&
        !Array.isArray(named) &&
        (named as Record<string, unknown>)['seq'] === state.seq &&
        (named as Record<string, unknown>)['hash'] === state.hash;
      if (isHead) return;
      refusals.push(`the proof names another head than line ${state.seq}`);
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      refusals.push(error.message);
    }
  }
  fail('VerificationFailed', `the head of the ledger is not confirmed: ${refusals.join('; ')}`, { field: '--ledger' });
}

/** The given lines as they are, under one record of this life. */
async function adoptLedger(store: CustodyStore, state: LedgerState, lines: readonly Uint8Array[]): Promise<void> {
  const { ledgerId, genesis } = state;
  await store.mutate({
    adopt: { genesisDigest: genesis.digest, ledgerId },
    ledger: {
      ledgerId,
      lines,
      head: { seq: state.seq, hash: state.hash },
      state: encodeState(state),
      actor: ACTOR,
    },
    publicView: (current) => ({
      ...current,
      policy: { seq: state.seq, hash: viewHashOf(state.governed, 'global') },
    }),
    audit: {
      op: 'genesis.adopt',
      actor: ACTOR,
      result: 'ok',
      detail: { ledger_id: ledgerId, genesis_digest: genesis.digest },
    },
  });
}
