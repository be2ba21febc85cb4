// Remembered checkpoints (log page 4.8, R-20): trust/logs/<hex SHA-256(origin 00 vkey_ed25519 LF vkey_mldsa44)>.checkpoint
// holds the highest checkpoint that this home has verified. It moves forward only, with a verified consistency proof. The
// origin under other keys without a verified transition is refused; a fork leaves a gov.evidence.v1 file with both notes.

import {
  createLogVerifier,
  type LogVerifier,
  parseBody,
  type TrustedLog,
  type VerifiedCheckpoint,
} from '../audit/checkpoint.ts';
import { consistencyProof, type HashReader, verifyConsistency } from '../audit/proof.ts';
import { toBase64 } from '../bytes/base64.ts';
import { canonicalFile } from '../bytes/canonical-json.ts';
import { equalBytes } from '../bytes/equal.ts';
import { concat, u8 } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { Crypto } from '../crypto/provider.ts';
import { payloadType } from '../envelope/h.ts';
import { parseNote } from '../envelope/note.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { NOTE_BYTES_MAX } from './audit-notes.ts';
import { type DurableDeps, directoryOf, ensureDirectory, writeFile } from './durable-file.ts';

const SUFFIX = '.checkpoint';

/** File name of the memory of a log under one pair of keys. */
export function memoryName(origin: string, vkeys: readonly string[]): string {
  return `${sha256Hex(concat(utf8(origin), u8(0), utf8(vkeys.join('\n'))))}${SUFFIX}`;
}

/** Origin of a stored note, without any verification; null when it is none. */
function claimedOrigin(note: Uint8Array): string | null {
  try {
    return parseBody(parseNote(note, 'remembered checkpoint').text)?.origin ?? null;
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}

/**
 * The newest remembered checkpoint of a log, under any of its key pairs; null when none is remembered. `directory` is
 * trust/logs. Throws Tampered for a memory that does not verify, and (`log-keys-changed`) when this home remembers the
 * origin under keys that are not trusted for it.
 */
export function readRemembered(files: Files, directory: string, verifier: LogVerifier): VerifiedCheckpoint | null {
  const { origin, keys } = verifier.log;
  const known = new Set(keys.map((era) => memoryName(origin, era.vkeys)));
  let newest: VerifiedCheckpoint | null = null;
  for (const name of files.list(directory)) {
    if (!name.endsWith(SUFFIX)) continue;
    const path = `${directory}/${name}`;
    const note = files.read(path, NOTE_BYTES_MAX);
    if (note === null) continue;
    if (!known.has(name)) {
      if (claimedOrigin(note) !== origin) continue;
      throw new RonError('Tampered', `this home remembers ${origin} under other log keys (${path})`, {
        field: 'log-keys-changed',
        hint: 'Find out who changed the log keys; a rotation is a record in the log and needs a quorum.',
      });
    }
    const answer = verifier.check(note);
    if (!answer.ok) throw new RonError('Tampered', `${path}: ${answer.message}`, { field: answer.code });
    if (newest === null || answer.checkpoint.size > newest.size) newest = answer.checkpoint;
  }
  return newest;
}

/** Origins that this home remembers, unverified: for saying which log is missing. */
export function rememberedOrigins(files: Files, directory: string): string[] {
  const names = files.list(directory).filter((name) => name.endsWith(SUFFIX));
  const origins = names.flatMap((name) => {
    const note = files.read(`${directory}/${name}`, NOTE_BYTES_MAX);
    const origin = note === null ? null : claimedOrigin(note);
    return origin === null ? [] : [origin];
  });
  return [...new Set(origins)];
}

/** An epoch of this log, later than `n`, that this home remembers: the origin, or null. */
export function laterEpoch(
  { files, paths }: { readonly files: Files; readonly paths: { readonly trustedLogs: string } },
  { origin, n }: { readonly origin: string; readonly n: number },
): string | null {
  const prefix = origin.slice(0, -String(n).length);
  const isLater = (one: string): boolean => one.startsWith(prefix) && Number(one.slice(prefix.length)) > n;
  return rememberedOrigins(files, paths.trustedLogs).find(isLater) ?? null;
}

export interface MemoryDeps extends DurableDeps {
  readonly crypto: Crypto;
  /** trust/logs of the home. */
  readonly directory: string;
}

/**
 * Remembers a verified checkpoint of `log`. `proof`: the consistency proof from what was remembered, or what reads subtree
 * hashes of the log at the checkpoint's size, to make it. Throws Tampered (`fork`) when both cannot be of one log. An older checkpoint
 * than the remembered one changes nothing and is answered by `older`.
 */
export async function rememberCheckpoint(
  deps: MemoryDeps,
  log: TrustedLog,
  checkpoint: VerifiedCheckpoint,
  proof: HashReader | readonly Uint8Array[],
): Promise<'moved' | 'same' | 'older'> {
  const remembered = readRemembered(deps.files, deps.directory, createLogVerifier(log, deps.crypto));
  if (remembered !== null) {
    if (remembered.size > checkpoint.size) return 'older';
    const path = pathBetween(remembered.size, checkpoint.size, proof);
    if (!verifyConsistency(remembered.size, checkpoint.size, remembered.root, checkpoint.root, path)) {
      await writeForkEvidence(deps, remembered, checkpoint);
      throw new RonError(
        'Tampered',
        `the log at size ${checkpoint.size} does not extend the remembered checkpoint of size ${remembered.size}`,
        { field: 'fork' },
      );
    }
    const isOlderNote = remembered.size === checkpoint.size && checkpoint.timestamp < remembered.timestamp;
    if (isOlderNote || equalBytes(remembered.note, checkpoint.note)) return 'same';
  }
  const era = log.keys.filter((one) => one.from <= checkpoint.size).at(-1) ?? log.keys[0]!;
  ensureDirectory(deps.files, directoryOf(deps.directory));
  ensureDirectory(deps.files, deps.directory);
  await writeFile(deps, `${deps.directory}/${memoryName(log.origin, era.vkeys)}`, checkpoint.note);
  return 'moved';
}

function pathBetween(old: number, size: number, proof: HashReader | readonly Uint8Array[]): readonly Uint8Array[] {
  if (old === size) return [];
  return typeof proof === 'function' ? consistencyProof(old, size, proof) : proof;
}

/** Keeps both notes of a fork in fork-<digest>.evidence.json (gov.evidence.v1). Returns the path. */
export async function writeForkEvidence(
  deps: DurableDeps & { readonly directory: string },
  one: VerifiedCheckpoint,
  other: VerifiedCheckpoint,
): Promise<string> {
  const objects = [one, other].map((checkpoint) => ({ checkpoint_b64: toBase64(checkpoint.note) }));
  const evidence = canonicalFile({ kind: 'fork', objects, type: payloadType('gov.evidence.v1') });
  ensureDirectory(deps.files, directoryOf(deps.directory));
  ensureDirectory(deps.files, deps.directory);
  const path = `${deps.directory}/fork-${sha256Hex(evidence).slice(0, 16)}.evidence.json`;
  if (deps.files.info(path) === null) await writeFile(deps, path, evidence);
  return path;
}
