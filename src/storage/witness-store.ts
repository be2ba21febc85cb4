// What a witness has cosigned (log page 4.11): signers/<id>/witness/<hex SHA-256(origin)> holds the newest note of one log
// with both log signatures and both cosignatures of this witness. Comparing and keeping are one step under a kernel lock, and
// what is kept is durable before a cosignature leaves: never two roots for one size, over any crash and any number of
// processes. Refuses (Tampered) a file whose cosignatures are not its own; an unknown origin is 404 before anything is read.
// Limit: an older file of its own verifies too; who may put it back may as well use the keys.

import type { CheckpointBody, LogVerifier, VerifiedCheckpoint } from '../audit/checkpoint.ts';
import { parseBody } from '../audit/checkpoint.ts';
import { cosign, createCosignatureVerifier } from '../audit/cosignature.ts';
import {
  checkWitnessNote,
  claimedOrigin,
  judgeWitnessRequest,
  type WitnessReply,
  type WitnessStatus,
} from '../audit/witness.ts';
import { formatSignatureLines, parseWitnessRequest, type WitnessRequest } from '../audit/witness-request.ts';
import { utf8 } from '../bytes/text.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { Crypto } from '../crypto/provider.ts';
import { formatNote, type NoteSignature, parseNote, parseVkey } from '../envelope/note.ts';
import { ownBytes, RonError } from '../errors.ts';
import type { Clock, Locks } from '../host.ts';
import { NOTE_BYTES_MAX } from './audit-notes.ts';
import { type DurableDeps, ensureDirectory, writeFile } from './durable-file.ts';
import { writeForkEvidence } from './trust-memory.ts';
import type { WitnessIdentity } from './witness-keys.ts';

export interface WitnessDeps extends DurableDeps {
  readonly crypto: Crypto;
  readonly clock: Pick<Clock, 'now'>;
  readonly locks: Locks;
  readonly lockTimeoutMs: number;
  /** signers/<id>/witness */
  readonly directory: string;
  /** trust/logs, for the evidence of a fork. */
  readonly evidenceDirectory: string;
  /** The trusted keys of a log, or null for one that this witness does not know. */
  readonly logOf: (origin: string) => LogVerifier | null;
}

interface OpenedRequest {
  readonly request: WitnessRequest;
  readonly verifier: LogVerifier;
  readonly checkpoint: VerifiedCheckpoint;
}

interface Kept {
  readonly body: CheckpointBody;
  /** Newest of the own cosignatures. */
  readonly timestamp: number;
  readonly note: Uint8Array;
}

const EVIDENCE_MAX = 64;

/** Name of the file, and of the directory in a URL, of a log. */
export const witnessFileName = (origin: string): string => sha256Hex(utf8(origin));

export class WitnessStore {
  readonly #deps: WitnessDeps;
  readonly #identity: WitnessIdentity;
  /** Requests of this process, one after the other; the lock is for other processes. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: WitnessDeps, identity: WitnessIdentity) {
    this.#deps = deps;
    this.#identity = identity;
  }

  /** The newest cosigned note of the log with this hex name, for monitors; null when there is none. */
  cosignedNote(name: string): Uint8Array | null {
    if (!/^[0-9a-f]{64}$/.test(name)) return null;
    return this.#read(name)?.note ?? null;
  }

  /** Judges a request and, when it is right, cosigns and keeps it. Throws Locked, Tampered, StorageFault; never Malformed. */
  async answer(body: Uint8Array): Promise<WitnessReply> {
    const opened = this.#open(body);
    if (opened.reply !== null) return opened.reply;
    const run = this.#last.then(() => this.#answer(opened));
    this.#last = run.catch(() => undefined);
    return run;
  }

  /** The same without keeping or signing anything. */
  judge(body: Uint8Array): WitnessReply {
    const { request, checkpoint, reply } = this.#open(body);
    if (reply !== null) return reply;
    const { origin } = checkpoint;
    const kept = this.#read(witnessFileName(origin));
    const judgement = judgeWitnessRequest(request, checkpoint, kept?.body ?? null);
    if (!judgement.ok) return { ...judgement, origin };
    return { status: 200, checkpoint: judgement.checkpoint, lines: new Uint8Array(0) };
  }

  #open(body: Uint8Array) {
    const refuse = (status: WitnessStatus, message: string, origin: string | null = null) =>
      ({ reply: { status, message, origin }, request: null, verifier: null, checkpoint: null }) as const;
    let request: WitnessRequest;
    try {
      request = parseWitnessRequest(body, 'request');
    } catch (error) {
      if (error instanceof RonError && error.code === 'Malformed') return refuse(400, error.message);
      throw error;
    }
    const origin = claimedOrigin(request.note);
    const verifier = origin === null ? null : this.#deps.logOf(origin);
    if (origin === null) return refuse(400, 'the checkpoint names no log');
    if (verifier === null) return refuse(404, 'this witness does not know the log', origin);
    const judgement = checkWitnessNote(request, verifier);
    if (!judgement.ok) return refuse(judgement.status, judgement.message, origin);
    return { reply: null, request, verifier, checkpoint: judgement.checkpoint } as const;
  }

  async #answer({ request, verifier, checkpoint }: OpenedRequest): Promise<WitnessReply> {
    const { origin } = checkpoint;
    const { files, locks, lockTimeoutMs, directory } = this.#deps;
    ensureDirectory(files, directory);
    const lock = await locks.acquire(directory, lockTimeoutMs);
    if (lock === null) throw new RonError('Locked', 'another process cosigns with this signer', { field: directory });
    try {
      const kept = this.#read(witnessFileName(origin));
      const judgement = judgeWitnessRequest(request, checkpoint, kept?.body ?? null);
      if (judgement.ok) return await this.#cosign(judgement.checkpoint, kept);
      const evidence = await this.#keepEvidence(verifier, kept, judgement.contradiction ?? null);
      const { status, message, size } = judgement;
      return {
        status,
        message,
        origin,
        ...(size === undefined ? {} : { size }),
        ...(evidence === null ? {} : { evidence }),
      };
    } finally {
      lock.release();
    }
  }

  async #cosign(checkpoint: VerifiedCheckpoint, kept: Kept | null): Promise<WitnessReply> {
    const { origin } = checkpoint;
    const timestamp = Math.max(kept?.timestamp ?? 1, Math.floor(this.#deps.clock.now() / 1000));
    const own = await cosign(checkpoint, timestamp, this.#identity.keys);
    const { text, signatures } = parseNote(checkpoint.note, 'checkpoint');
    // The log's own lines alone: what else a stranger's note carries is not kept or handed on.
    const note = formatNote({ text, signatures: [...signatures.filter((one) => one.name === origin), ...own] });
    await writeFile(this.#deps, `${this.#deps.directory}/${witnessFileName(origin)}`, note);
    return { status: 200, checkpoint, lines: formatSignatureLines(own) };
  }

  #read(name: string): Kept | null {
    const path = `${this.#deps.directory}/${name}`;
    const note = this.#deps.files.read(path, NOTE_BYTES_MAX);
    if (note === null) return null;
    const refuse = (why: string): never => {
      throw new RonError('Tampered', `${path}: ${why}`, {
        hint: 'Keep the file and find out who changed it; until then nothing is cosigned for this log.',
      });
    };
    const { text, signatures } = ownBytes(() => parseNote(note, path));
    const body = parseBody(text);
    if (body === null || witnessFileName(body.origin) !== name)
      return refuse('is not a note of the log it is named for');
    const times = this.#identity.vkeys.map((vkey) => this.#timeOf(vkey, text, signatures));
    if (times.includes(null)) return refuse('lacks the own cosignatures');
    return { body, timestamp: Math.max(...(times as number[])), note };
  }

  #timeOf(vkey: string, text: string, signatures: readonly NoteSignature[]): number | null {
    const verifier = createCosignatureVerifier(parseVkey(vkey), this.#deps.crypto);
    const { name, keyId } = verifier.vkey;
    const line = signatures.find((one) => one.name === name && one.keyId === keyId);
    return line === undefined ? null : verifier.check(text, line.signature);
  }

  /** Both notes of a fork, when both carry the log's signatures. Bounded: only who holds the log keys can make them. */
  async #keepEvidence(
    verifier: LogVerifier,
    kept: Kept | null,
    contradiction: VerifiedCheckpoint | null,
  ): Promise<string | null> {
    if (kept === null || contradiction === null) return null;
    const before = verifier.check(kept.note);
    if (!before.ok) return null;
    const { files, random, evidenceDirectory: directory } = this.#deps;
    if (files.list(directory).filter((name) => name.startsWith('fork-')).length >= EVIDENCE_MAX) return null;
    return writeForkEvidence({ files, random, directory }, before.checkpoint, contradiction);
  }
}
