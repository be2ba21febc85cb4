// The tail check of an opened log (log page 4.5, I-26): from the newest checkpoint to the authenticated head. What was
// never acknowledged is cut; a missing or wrong tile is rebuilt when the root agrees; everything else is Tampered.

import { RecordChain } from '../audit/chain.ts';
import { chainRecord } from '../audit/chain-record.ts';
import type { LogVerifier, VerifiedCheckpoint } from '../audit/checkpoint.ts';
import { countersDigest, countersFile, type KidCounters, parseCounters } from '../audit/counters.ts';
import type { AuditRecord } from '../audit/draft.ts';
import { FINDINGS } from '../audit/findings.ts';
import type { HeadSlot } from '../audit/head.ts';
import { leafHash, NO_PREVIOUS } from '../audit/leaf.ts';
import { parseRecord } from '../audit/record.ts';
import { frontierFromTiles, tilePath } from '../audit/tile.ts';
import { Frontier, foldRoot } from '../audit/tree.ts';
import type { JsonObject } from '../bytes/canonical-json.ts';
import { equalBytes } from '../bytes/equal.ts';
import { toHex } from '../bytes/hex.ts';
import { fail, ownBytes } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type HintRecord, hintOf } from './audit-index.ts';
import { endOfRecords, wholeLines } from './audit-lines.ts';
import { lastCheckpointLine, newestNote, parseCheckpointLine, requireCheckpoint } from './audit-notes.ts';
import { type EpochPaths, segmentNumber } from './audit-paths.ts';
import type { AuditDeps } from './audit-signer.ts';
import { knownRecord, provenRecord } from './audit-store.ts';
import { cachedTileReader, TileBuilder, tileReader, writeTiles } from './audit-tiles.ts';
import { writeFile } from './durable-file.ts';

export interface RecoveredEpoch {
  readonly frontier: Frontier;
  readonly prev: string;
  readonly mono: number;
  readonly boot: string;
  readonly counters: KidCounters;
  readonly countersChanged: boolean;
  readonly stateSeq: number | null;
  readonly manifest: Frontier | null;
  readonly segmentBytes: number;
  readonly checkpointsBytes: number;
  readonly checkpoint: VerifiedCheckpoint | null;
  readonly tiles: TileBuilder;
  readonly untiled: readonly Uint8Array[];
  readonly hints: readonly HintRecord[];
  /** Details of the `gap` records that are due. */
  readonly gaps: readonly JsonObject[];
}

const tampered = (code: string, message: string): never => fail('Tampered', message, { field: code });

/** Cuts what lies behind the head; returns how many bytes that were. */
export async function cutTail(
  files: Files,
  paths: EpochPaths,
  end: { segment: number; bytes: number },
): Promise<number> {
  let cut = 0;
  const numbers = files.list(paths.segments).map(segmentNumber);
  for (const number of numbers) {
    if (number === null || number < end.segment) continue;
    const keep = number === end.segment ? end.bytes : 0;
    const file = files.open(paths.segment(number), 'write');
    try {
      const { sizeBytes } = file.info();
      if (sizeBytes <= keep) continue;
      file.truncate(keep);
      await file.sync();
      cut += sizeBytes - keep;
    } finally {
      file.close();
    }
  }
  return cut;
}

interface Notes {
  readonly checkpoint: VerifiedCheckpoint | null;
  readonly bytes: number;
}

/** The newest checkpoint of both files; an unfinished line is cut, and `checkpoint` brought up to checkpoints.jsonl. */
async function recoverNotes(deps: AuditDeps, paths: EpochPaths, verifier: LogVerifier): Promise<Notes> {
  const { files } = deps;
  const newest = newestNote(files, paths, verifier);
  if (files.info(paths.checkpoints) === null) {
    return newest === null
      ? { checkpoint: null, bytes: 0 }
      : tampered('checkpoint-missing', `${paths.checkpoints} is missing`);
  }
  const file = files.open(paths.checkpoints, 'write');
  let last: ReturnType<typeof lastCheckpointLine>;
  try {
    last = lastCheckpointLine(file);
    if (file.info().sizeBytes > last.end) {
      file.truncate(last.end);
      await file.sync();
    }
  } finally {
    file.close();
  }
  if (last.line === null) {
    return newest === null
      ? { checkpoint: null, bytes: 0 }
      : tampered('checkpoint-missing', `${paths.checkpoints} is empty`);
  }
  const stored = requireCheckpoint(
    verifier.check(ownBytes(() => parseCheckpointLine(last.line!, paths.checkpoints)).note),
    paths.checkpoints,
  );
  if (newest === null || stored.size > newest.size) {
    await writeFile(deps, paths.checkpoint, stored.note);
    return { checkpoint: stored, bytes: last.end };
  }
  if (stored.size < newest.size) tampered('checkpoint-missing', `${paths.checkpoints} lacks size ${newest.size}`);
  if (!equalBytes(stored.root, newest.root)) tampered('fork', `two roots are signed at size ${stored.size}`);
  return { checkpoint: newest, bytes: last.end };
}

/** Tiles and frontier at the checkpoint; rebuilt from the records when a tile is missing or wrong. */
async function recoverTiles(
  deps: AuditDeps,
  paths: EpochPaths,
  checkpoint: VerifiedCheckpoint | null,
): Promise<{ readonly frontier: Frontier; readonly tiles: TileBuilder; readonly rebuilt: boolean }> {
  if (checkpoint === null) return { frontier: new Frontier(), tiles: TileBuilder.empty(), rebuilt: false };
  const read = cachedTileReader(tileReader(deps.files, paths));
  const hashes = frontierFromTiles(read, checkpoint.size);
  const tiles = TileBuilder.restore(checkpoint.size, read);
  if (hashes !== null && tiles !== null && equalBytes(foldRoot(hashes), checkpoint.root)) {
    return { frontier: Frontier.restore(checkpoint.size, hashes), tiles, rebuilt: false };
  }
  const frontier = new Frontier();
  const fresh = TileBuilder.empty();
  for (const { line } of wholeLines(deps.files, paths, 0, checkpoint.size)) {
    const leaf = leafHash(line);
    frontier.append(leaf);
    fresh.append(leaf);
  }
  if (!equalBytes(frontier.root(), checkpoint.root)) {
    tampered('root-mismatch', `the records do not have the root of the checkpoint of size ${checkpoint.size}`);
  }
  await replaceTiles(deps, paths, fresh);
  return { frontier, tiles: fresh, rebuilt: true };
}

async function replaceTiles(deps: AuditDeps, paths: EpochPaths, builder: TileBuilder): Promise<void> {
  for (const one of builder.take()) {
    const path = `${paths.directory}/${tilePath(one.tile)}`;
    if (deps.files.info(path) !== null) deps.files.remove(path);
    await writeTiles(deps, paths, [one]);
  }
}

/** Where the replay of the counters begins, and what they are there. */
interface CounterStart {
  readonly from: number;
  readonly counters: KidCounters | null;
  readonly stateSeq: number | null;
}

function counterStart(
  files: Files,
  paths: EpochPaths,
  checkpoint: VerifiedCheckpoint | null,
  file: Uint8Array | null,
  firstEpoch: boolean,
): CounterStart {
  if (checkpoint === null || checkpoint.size === 0) {
    return { from: 0, counters: firstEpoch ? new Map() : null, stateSeq: null };
  }
  const last = knownRecord(provenRecord(files, paths, checkpoint, checkpoint.size - 1).record);
  const stateSeq = last.detail?.['state_seq'];
  if (last.op !== 'manifest' || typeof stateSeq !== 'number' || stateSeq >= last.seq) {
    return tampered('checkpoint-record', `record ${last.seq} under the checkpoint is no manifest record`);
  }
  const state = knownRecord(provenRecord(files, paths, checkpoint, stateSeq).record);
  if (state.op !== 'state') return tampered('checkpoint-record', `record ${stateSeq} is no state record`);
  const matches = file !== null && countersDigest(file) === state.detail?.['counters'];
  return { from: stateSeq + 1, counters: matches ? parseCounters(file) : null, stateSeq };
}

/** Checks the log up to its head and brings it into the state in which a writer goes on. */
export async function recoverEpoch(
  deps: AuditDeps,
  request: {
    readonly paths: EpochPaths;
    readonly verifier: LogVerifier;
    readonly head: HeadSlot;
    readonly remembered: VerifiedCheckpoint | null;
    /** Nothing comes before it: every kid counts from 1. */
    readonly firstEpoch: boolean;
  },
): Promise<RecoveredEpoch> {
  const { files } = deps;
  const { paths, head, remembered } = request;
  const notes = await recoverNotes(deps, paths, request.verifier);
  const checkpoint = notes.checkpoint;
  const covered = checkpoint?.size ?? 0;
  if (head.size < covered) {
    tampered('head-mismatch', `the head says ${head.size} records, below the checkpoint of size ${covered}`);
  }
  if (remembered !== null && covered < remembered.size) {
    tampered(
      'rolled-back',
      `this home remembers a checkpoint of size ${remembered.size}, the log has one of ${covered}`,
    );
  }
  const { frontier, tiles, rebuilt } = await recoverTiles(deps, paths, checkpoint);
  const file = files.read(paths.counters, LIMITS.stateFileBytes);
  const start = counterStart(files, paths, checkpoint, file, request.firstEpoch);

  const chain = new RecordChain(request.firstEpoch && start.from === 0, ({ code, seq, message }) => {
    if (FINDINGS[code] === 'tampered') tampered(code, `record ${seq}: ${message}`);
  });
  if (start.counters !== null) chain.seedCounters(start.counters);
  let counted = start.counters !== null;
  let stateSeq = start.stateSeq;
  let changed = false;
  let prev: string | null = start.from === 0 ? NO_PREVIOUS : null;
  let last: AuditRecord | null = null;
  let manifest: Frontier | null = checkpoint === null ? null : frontier.clone();
  const untiled: Uint8Array[] = [];
  const hints: HintRecord[] = [];
  for (const { seq, line } of wholeLines(files, paths, start.from, head.size)) {
    const record = knownRecord(ownBytes(() => parseRecord(line, `record ${seq}`)));
    const leaf = leafHash(line);
    if (prev !== null && record.prev !== prev)
      tampered('prev-mismatch', `record ${seq} does not follow record ${seq - 1}`);
    chain.next(chainRecord(record), seq);
    prev = toHex(leaf);
    last = record;
    if (record.kid !== undefined) changed = true;
    if (record.op === 'state') {
      stateSeq = seq;
      changed = false;
    }
    if ((record.op === 'state' || record.op === 'epoch.open') && !counted) {
      if (file !== null && countersDigest(file) === record.detail?.['counters']) {
        chain.seedCounters(parseCounters(file));
        counted = true;
      }
    }
    if (seq >= covered) {
      frontier.append(leaf);
      untiled.push(leaf);
      hints.push(hintOf(record));
      if (record.op === 'manifest') manifest = frontier.clone();
    }
  }
  if (!equalBytes(frontier.root(), head.root)) {
    tampered('head-mismatch', `the ${head.size} records do not have the root that the head says`);
  }
  if (!counted) tampered('counter', `${paths.counters} does not have the digest of state record ${start.stateSeq}`);
  await repairCounters(deps, paths, file, chain);

  const end = endOfRecords(files, paths, head.size);
  if (files.info(paths.segment(end.segment)) === null)
    tampered('missing-records', `${paths.segment(end.segment)} is missing`);
  const cut = await cutTail(files, paths, end);
  return {
    frontier,
    prev: prev ?? NO_PREVIOUS,
    mono: last?.mono ?? 0,
    boot: last?.boot ?? '',
    counters: chain.kids,
    countersChanged: changed,
    stateSeq,
    manifest,
    segmentBytes: end.bytes,
    checkpointsBytes: notes.bytes,
    checkpoint,
    tiles,
    untiled,
    hints,
    gaps: [...(cut > 0 ? [{ kind: 'log-tail', bytes: cut }] : []), ...(rebuilt ? [{ kind: 'tiles' }] : [])],
  };
}

/** A crash between a `state` record and counters.json leaves the file of the state before. */
async function repairCounters(
  deps: AuditDeps,
  paths: EpochPaths,
  file: Uint8Array | null,
  chain: RecordChain,
): Promise<void> {
  const state = chain.state;
  if (state === null || (file !== null && countersDigest(file) === state.counters)) return;
  const fresh = countersFile(state.kids);
  if (countersDigest(fresh) !== state.counters) {
    tampered('counter', `state record ${state.seq} does not have the digest of the counters before it`);
  }
  await writeFile(deps, paths.counters, fresh);
}
