// Cosignatures that the log side has collected (log page 4.2, 4.11). `cosigned` is the newest note that met the witness
// policy; cosignatures.jsonl holds, per size, notes that do not yet, as in checkpoints.jsonl, so that answers which come days
// apart add up. Neither is part of the log: a reader judges both by their signatures. Kept are lines of witnesses of the
// policy that verify; lines of others are left out, and a wrong line of a known witness is told, never kept.

import type { LogVerifier, VerifiedCheckpoint } from '../audit/checkpoint.ts';
import { createCosignatureVerifier } from '../audit/cosignature.ts';
import type { PolicyJudge, QuorumVerdict } from '../audit/policy-judge.ts';
import { equalBytes } from '../bytes/equal.ts';
import { concat } from '../bytes/framing.ts';
import type { Crypto } from '../crypto/provider.ts';
import { formatNote, type NoteSignature, parseNote } from '../envelope/note.ts';
import { RonError } from '../errors.ts';
import type { Clock, Files } from '../host.ts';
import { checkpointLine, lastCheckpointLine, NOTE_BYTES_MAX, parseCheckpointLine } from './audit-notes.ts';
import type { EpochPaths } from './audit-paths.ts';
import { type DurableDeps, writeFile } from './durable-file.ts';

/** Sizes for which cosignatures are waited for. */
const WAITING_MAX = 16;
/** How far back the checkpoint of an answer is looked for. */
const LOOK_BACK = 4096;
const FILE_BYTES_MAX = WAITING_MAX * 2 * NOTE_BYTES_MAX;

export interface CosignedDeps extends DurableDeps {
  readonly crypto: Crypto;
  readonly clock: Pick<Clock, 'now'>;
}

/** The newest note that met the policy, its log signatures verified; null when there is none. Throws Tampered. */
export function readCosigned(files: Files, paths: EpochPaths, verifier: LogVerifier): VerifiedCheckpoint | null {
  const note = files.read(paths.cosigned, NOTE_BYTES_MAX);
  if (note === null) return null;
  const answer = verifier.check(note);
  if (answer.ok) return answer.checkpoint;
  throw new RonError('Tampered', `${paths.cosigned}: ${answer.message}`, { field: answer.code });
}

/**
 * A note of the log with the cosignatures of `cosigned`, when that is of the same tree: what is given out carries both. They
 * are not judged here, and a `cosigned` that is damaged adds nothing.
 */
export function withCosignatures(files: Files, paths: EpochPaths, note: Uint8Array): Uint8Array {
  try {
    const cosigned = files.read(paths.cosigned, NOTE_BYTES_MAX);
    if (cosigned === null) return note;
    const own = parseNote(note, paths.checkpoint);
    const other = parseNote(cosigned, paths.cosigned);
    const origin = own.text.slice(0, own.text.indexOf('\n'));
    const lines = other.signatures.filter((one) => one.name !== origin);
    if (own.text !== other.text || lines.length === 0) return note;
    const log = own.signatures.filter((one) => one.name === origin);
    return formatNote({ text: own.text, signatures: [...log, ...lines] });
  } catch (error) {
    if (error instanceof RonError) return note;
    throw error;
  }
}

/** Notes that wait for more cosignatures, oldest first. What does not verify is left out: it is only a collection. */
export function readWaiting(files: Files, paths: EpochPaths, verifier: LogVerifier): VerifiedCheckpoint[] {
  const bytes = files.read(paths.cosignatures, FILE_BYTES_MAX);
  if (bytes === null) return [];
  const lines = Buffer.from(bytes).toString('latin1').split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    try {
      const answer = verifier.check(parseCheckpointLine(Buffer.from(line, 'latin1'), paths.cosignatures).note);
      return answer.ok ? [answer.checkpoint] : [];
    } catch (error) {
      if (error instanceof RonError) return [];
      throw error;
    }
  });
}

const sameTree = (one: VerifiedCheckpoint, other: VerifiedCheckpoint): boolean =>
  one.size === other.size && equalBytes(one.root, other.root);

/** What is known about the tree of a checkpoint already, and everything else that waits. */
function known(files: Files, paths: EpochPaths, verifier: LogVerifier, checkpoint: VerifiedCheckpoint) {
  const cosigned = readCosigned(files, paths, verifier);
  const waiting = readWaiting(files, paths, verifier);
  const same = [...waiting, ...(cosigned === null ? [] : [cosigned])].filter((one) => sameTree(one, checkpoint));
  return { cosigned, waiting, lines: same.flatMap((one) => parseNote(one.note, 'note').signatures) };
}

export interface Merged {
  readonly checkpoint: VerifiedCheckpoint;
  /** The note with every cosignature that counts. */
  readonly note: Uint8Array;
  /** Lines that were new. */
  readonly added: number;
  /** Names of witnesses of the policy whose new line is wrong. */
  readonly refused: readonly string[];
  readonly verdict: QuorumVerdict;
  /** It is now what `cosigned` holds. */
  readonly newest: boolean;
}

const idOf = ({ name, keyId }: NoteSignature): string => `${name}+${keyId}`;

/** Adds cosignatures to a verified checkpoint of the log and keeps what came of it; with `write: false` only says it. */
export async function mergeCosignatures(
  deps: CosignedDeps,
  log: { readonly paths: EpochPaths; readonly verifier: LogVerifier; readonly judge: PolicyJudge },
  checkpoint: VerifiedCheckpoint,
  lines: readonly NoteSignature[],
  { write }: { readonly write: boolean } = { write: true },
): Promise<Merged> {
  const { paths, verifier, judge } = log;
  const { files } = deps;
  const { text, signatures } = parseNote(checkpoint.note, 'checkpoint');
  const before = known(files, paths, verifier, checkpoint);
  const verifiers = new Map(
    judge.policy.witnesses.map(({ name, vkey }) => [
      `${vkey.name}+${vkey.keyId}`,
      { name, verifier: createCosignatureVerifier(vkey, deps.crypto) },
    ]),
  );
  const kept = new Map<string, { readonly line: NoteSignature; readonly time: number }>();
  const refused = new Set<string>();
  let added = 0;
  const take = (line: NoteSignature, isNew: boolean): void => {
    const witness = verifiers.get(idOf(line));
    if (witness === undefined) return;
    const time = witness.verifier.check(text, line.signature);
    if (time === null) {
      if (isNew) refused.add(witness.name);
      return;
    }
    const held = kept.get(idOf(line));
    if (held !== undefined && held.time >= time) return;
    if (isNew && held === undefined) added += 1;
    kept.set(idOf(line), { line, time });
  };
  for (const line of [...signatures, ...before.lines]) take(line, false);
  for (const line of lines) take(line, true);
  const own = signatures.filter((one) => one.name === checkpoint.origin);
  const whole = { text, signatures: [...own, ...[...kept.values()].map((one) => one.line)] };
  const note = formatNote(whole);
  const verdict = judge.judge(whole, deps.clock.now());
  const newest = verdict.met && (before.cosigned === null || before.cosigned.size <= checkpoint.size);
  const result = { checkpoint, note, added, refused: [...refused], verdict, newest };
  if (!write) return result;
  const others = before.waiting.filter((one) => !sameTree(one, checkpoint));
  const rest = verdict.met
    ? others.filter((one) => one.size > checkpoint.size)
    : [...others, { size: checkpoint.size, note }].toSorted((a, b) => a.size - b.size).slice(-WAITING_MAX);
  if (newest) await writeFile(deps, paths.cosigned, note);
  if (rest.length > 0 || before.waiting.length > 0) {
    await writeFile(deps, paths.cosignatures, concat(...rest.map((one) => checkpointLine(one.size, one.note))));
  }
  return result;
}

/** Verified notes of the log, newest first, each size once: where the checkpoint of an answer is looked for. */
export function* recentCheckpoints(
  files: Files,
  paths: EpochPaths,
  verifier: LogVerifier,
): Generator<VerifiedCheckpoint> {
  const newest = files.read(paths.checkpoint, NOTE_BYTES_MAX);
  const seen = new Set<number>();
  const verified = function* (note: Uint8Array): Generator<VerifiedCheckpoint> {
    const answer = verifier.check(note);
    if (!answer.ok || seen.has(answer.checkpoint.size)) return;
    seen.add(answer.checkpoint.size);
    yield answer.checkpoint;
  };
  if (newest !== null) yield* verified(newest);
  for (const one of readWaiting(files, paths, verifier).toReversed()) yield* verified(one.note);
  if (files.info(paths.checkpoints) === null) return;
  const file = files.open(paths.checkpoints, 'read');
  try {
    yield* olderNotes(file, paths, verified);
  } finally {
    file.close();
  }
}

function* olderNotes(
  file: Parameters<typeof lastCheckpointLine>[0],
  paths: EpochPaths,
  verified: (note: Uint8Array) => Generator<VerifiedCheckpoint>,
): Generator<VerifiedCheckpoint> {
  let { end } = lastCheckpointLine(file);
  const LF = 0x0a;
  for (let count = 0; end > 0 && count < LOOK_BACK; count++) {
    // Lines are read backwards; one is at most a note in base64.
    const from = Math.max(0, end - 2 * NOTE_BYTES_MAX);
    const chunk = file.read(from, end - from);
    const start = chunk.subarray(0, -1).lastIndexOf(LF) + 1;
    if (start === 0 && from > 0) return;
    yield* verified(parseCheckpointLine(chunk.subarray(start, -1), paths.checkpoints).note);
    end = from + start;
  }
}

/**
 * The checkpoint that a witness has signed: the newest one of the log under which the first line of a known witness verifies.
 * Null when there is none. The answer of an air-gapped witness does not name its checkpoint.
 */
export function checkpointOf(
  lines: readonly NoteSignature[],
  judge: PolicyJudge,
  crypto: Crypto,
  candidates: Iterable<VerifiedCheckpoint>,
): VerifiedCheckpoint | null {
  const known = lines.flatMap((line) => {
    const witness = judge.policy.witnesses.find(({ vkey }) => vkey.name === line.name && vkey.keyId === line.keyId);
    return witness === undefined ? [] : [{ line, verifier: createCosignatureVerifier(witness.vkey, crypto) }];
  });
  if (known.length === 0) return null;
  for (const candidate of candidates) {
    const { text } = parseNote(candidate.note, 'checkpoint');
    if (known.some(({ line, verifier }) => verifier.check(text, line.signature) !== null)) return candidate;
  }
  return null;
}
