// ledger/state.json (governance page 9, X-16): the state at one ledger line, so that readers and openers need not replay.
//   {v: 1, ledger_id, seq, hash, policy, overlays, index, ...} canonical JSON + LF, authenticated by `state_sha256` in
//   public.json. Beyond the members of the page it holds what a continued replay needs: genesis facts, signer sets, keys,
//   bases, raises, changes of the PQ state, clauses, key chain, an unfinished intent, the next offset and the times of section 11.
// Refuses any other member; proposals that are still open are read from the ledger and verified again.

import { canonicalFile, type Json, type JsonObject } from '../bytes/canonical-json.ts';
import {
  any,
  array,
  type Decoder,
  integer,
  literal,
  map,
  nullable,
  object,
  sha256Digest,
  string,
  time,
  within,
} from '../bytes/decode.ts';
import { fromUtf8 } from '../bytes/text.ts';
import { RonError } from '../errors.ts';
import { decodeOverlay, overlayJson } from '../policy/overlay.ts';
import { decodeProfile } from '../policy/profile.ts';
import { decodePolicyState, policyStateJson, type Scope } from '../policy/state.ts';
import { decodePqState } from '../rollout/phases.ts';
import { claimant, disputeRefs, type FiledDispute } from './dispute.ts';
import { type IndexEntry, indexEntries, indexJson, isClosed } from './index-entry.ts';
import { intentBody, moment } from './ledger.ts';
import { admitIntent } from './ledger-admit.ts';
import type { LedgerState, OpenProposal, PqChange, Raise } from './ledger-state.ts';
import { ledgerId, logKeys, nonce, proposalId, publicKeys, scope } from './names.ts';
import { changes } from './proposal.ts';
import { auditor, members, type SignerSet, threshold } from './signer-set.ts';

const signerSet: Decoder<SignerSet> = object({
  ledger_id: ledgerId,
  epoch: integer(0),
  members,
  threshold,
  auditor: nullable(auditor),
});

const raise: Decoder<Raise> = object({ judged_at: moment, audit_seq: integer(0), origin: string({ maxBytes: 255 }) });

const pqChange: Decoder<PqChange> = object({
  scope,
  from: nullable(decodePqState),
  to: decodePqState,
  judged_at: moment,
  audit_seq: integer(0),
  origin: string({ maxBytes: 255 }),
});

const filed: Decoder<FiledDispute> = object({
  ledger_id: ledgerId,
  refs: disputeRefs,
  claimant,
  text_sha256: sha256Digest,
  at: time,
  digest: sha256Digest,
  seq: integer(1),
});

const required = {
  v: literal(1),
  ledger_id: ledgerId,
  seq: integer(0),
  hash: sha256Digest,
  next_offset: integer(0),
  mark: time,
  wrote_at: time,
  clock_reset: nullable(integer(1)),
  genesis: object({ digest: sha256Digest, name: string({ maxBytes: 64 }), profile: decodeProfile, nonce }),
  policy: decodePolicyState,
  sets: array(signerSet, 10_000, 1),
  keys: object({ service: publicKeys, log: logKeys }),
  overlays: array(any, 100_000),
  bases: object({ global: integer(0), other_tenants: integer(0), tenants: map(/^.{1,64}$/u, integer(0), 100_000) }),
  raises: map(/^(?:global|tenant:.{1,64})$/u, raise, 100_000),
  pq_changes: array(pqChange, 100_000),
  clauses: array(
    object({
      id: proposalId,
      proposal_digest: sha256Digest,
      scope,
      changeset: changes,
      valid_for_s: integer(1),
      judged_at: moment,
    }),
    100_000,
  ),
  chain: array(proposalId, 100_000),
  executing: nullable(object({ id: proposalId, intent: intentBody })),
  index: indexEntries,
};
const shape = object(required, { disputes: array(filed, 100_000, 1) });

export function encodeState(state: LedgerState): Uint8Array {
  const json: JsonObject = {
    v: 1,
    ledger_id: state.ledgerId,
    seq: state.seq,
    hash: state.hash,
    next_offset: state.nextOffset,
    mark: state.mark,
    wrote_at: state.wroteAt,
    clock_reset: state.clockReset,
    genesis: state.genesis,
    policy: policyStateJson(state.governed.policy),
    sets: state.sets as unknown as Json,
    keys: { service: { ...state.governed.serviceKeys }, log: { ...state.governed.logKeys } },
    overlays: state.overlays.map(overlayJson),
    bases: {
      global: state.bases.global,
      other_tenants: state.bases.otherTenants,
      tenants: Object.fromEntries(state.bases.tenants),
    },
    raises: Object.fromEntries(state.raises) as unknown as Json,
    pq_changes: state.pqChanges as unknown as Json,
    clauses: state.clauses as unknown as Json,
    chain: state.chain,
    executing:
      state.executing === null ? null : ({ id: state.executing.id, intent: state.executing.intent } as unknown as Json),
    // Left out while there are none: a state of before stays what it was.
    ...(state.disputes.length === 0 ? {} : { disputes: state.disputes as unknown as Json }),
    index: indexJson(state.index),
  };
  return canonicalFile(json);
}

/**
 * An entry whose proposal must be loaded before the state can go on. Measured by what the clock said last, not by the mark:
 * else one line of 2099 hides every proposal, also the clock-reset that would end it.
 */
export function isNeeded(entry: IndexEntry, wroteAt: string): boolean {
  return !isClosed(entry) && (entry.execution === 'executing' || entry.expires_at > wroteAt);
}

/**
 * The digest is the check of the bytes: they are what a writer of ours wrote. Reading them strictly once more would make every
 * reader of a long ledger slow (I-26).
 */
function readJson(bytes: Uint8Array): Json {
  const text = fromUtf8(bytes);
  try {
    return JSON.parse(text ?? '') as Json;
  } catch (error) {
    throw new RonError('Malformed', 'ledger/state.json is no JSON', { cause: error });
  }
}

/**
 * Decodes a state that was authenticated by its digest. `load` reads one proposal with its statements and possessions from
 * the ledger and verifies them again.
 */
export function decodeState(
  bytes: Uint8Array,
  load: (entry: IndexEntry, sets: readonly SignerSet[]) => OpenProposal,
): LedgerState {
  const raw = within('ledger/state.json', () => shape(readJson(bytes), ''));
  const open = new Map<string, OpenProposal>();
  for (const entry of raw.index.values()) if (isNeeded(entry, raw.wrote_at)) open.set(entry.id, load(entry, raw.sets));
  const state: LedgerState = {
    ledgerId: raw.ledger_id,
    genesis: raw.genesis,
    seq: raw.seq,
    hash: raw.hash,
    nextOffset: raw.next_offset,
    mark: raw.mark,
    wroteAt: raw.wrote_at,
    clockReset: raw.clock_reset,
    governed: {
      profile: raw.genesis.profile,
      policy: raw.policy,
      set: raw.sets.at(-1)!,
      serviceKeys: raw.keys.service,
      logKeys: raw.keys.log,
    },
    sets: raw.sets,
    overlays: raw.overlays.map((one, index) => decodeOverlay(one, `overlays[${index}]`)),
    bases: { global: raw.bases.global, otherTenants: raw.bases.other_tenants, tenants: raw.bases.tenants },
    raises: raw.raises as Map<Scope, Raise>,
    pqChanges: raw.pq_changes,
    clauses: raw.clauses,
    chain: raw.chain,
    executing: null,
    disputes: raw.disputes ?? [],
    index: raw.index,
    open,
  };
  if (raw.executing !== null) {
    const { after } = admitIntent(state, raw.executing.intent);
    state.executing = { ...raw.executing, after };
  }
  return state;
}
