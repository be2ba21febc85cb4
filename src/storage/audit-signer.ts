// Signing an epoch's checkpoints (log page 4.6). Order: tiles, synced; sign and verify the own signatures; checkpoints.jsonl,
// synced; `checkpoint` replaced; index and hints. An unchanged size is signed again with a new timestamp and replaces
// `checkpoint` only. At a key change one checkpoint carries both pairs.

import {
  type CheckpointBody,
  createLogVerifier,
  type LogKeyEra,
  type LogSigningKeys,
  logVkeys,
  signCheckpoint,
  type VerifiedCheckpoint,
} from '../audit/checkpoint.ts';
import type { Frontier } from '../audit/tree.ts';
import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import type { Clock, Files, Random } from '../host.ts';
import { type HintRecord, writeHints } from './audit-index.ts';
import { logFileBytes, requireLogFile } from './audit-log-file.ts';
import { checkpointLine } from './audit-notes.ts';
import { type EpochPaths, logFilePath } from './audit-paths.ts';
import { dropOldTiles, type TileBuilder, writeTiles } from './audit-tiles.ts';
import { writeFile } from './durable-file.ts';
import { SignIndexWriter } from './sign-index.ts';

export interface AuditDeps {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
}

export interface SignerState {
  readonly auditDir: string;
  readonly paths: EpochPaths;
  readonly epoch: number;
  readonly origin: string;
  readonly keys: LogSigningKeys;
  readonly eras: readonly LogKeyEra[];
  /** The pair before, when the keys changed with the newest checkpoint. */
  readonly old?: LogSigningKeys;
  readonly tiles: TileBuilder;
  readonly checkpoint: VerifiedCheckpoint | null;
  /** Bytes of whole lines in checkpoints.jsonl. */
  readonly checkpointsBytes: number;
}

/** What has come since the newest checkpoint; the signer takes from it what it has dealt with. */
export interface Unsigned {
  leaves: Uint8Array[];
  hints: HintRecord[];
}

const NO_SERVICE_KEYS = { ed25519: new Uint8Array(), ml_dsa_65: new Uint8Array() };

export class CheckpointSigner {
  readonly #deps: AuditDeps;
  readonly #state: SignerState;
  readonly #signs: SignIndexWriter;
  #checkpoint: VerifiedCheckpoint | null;
  #checkpointsBytes: number;
  #keys: LogSigningKeys;
  #eras: readonly LogKeyEra[];
  #old: LogSigningKeys | null;
  #next: LogSigningKeys | null = null;

  constructor(deps: AuditDeps, state: SignerState) {
    this.#deps = deps;
    this.#state = state;
    this.#signs = new SignIndexWriter(deps, state.paths);
    this.#checkpoint = state.checkpoint;
    this.#checkpointsBytes = state.checkpointsBytes;
    this.#keys = state.keys;
    this.#eras = state.eras;
    this.#old = state.old ?? null;
  }

  get checkpoint(): VerifiedCheckpoint | null {
    return this.#checkpoint;
  }

  /** From the next larger size on these keys sign. */
  rotate(next: LogSigningKeys): void {
    this.#next = next;
  }

  async sign(covered: Frontier, unsigned: Unsigned): Promise<VerifiedCheckpoint> {
    const { origin, paths } = this.#state;
    const body: CheckpointBody = { origin, size: covered.size, root: covered.root() };
    const previous = this.#checkpoint;
    const grown = previous === null || previous.size < body.size;
    const pairs = await this.#pairs(body.size, grown);
    if (grown) await this.#writeTiles(body.size, unsigned);
    const timestamp = Math.max(previous?.timestamp ?? 1, Math.floor(this.#deps.clock.now() / 1000));
    const note = await signCheckpoint(body, timestamp, pairs);
    const log = { origin, keys: this.#eras, serviceKeys: NO_SERVICE_KEYS, trust: 'local' } as const;
    const answer = createLogVerifier(log, this.#deps.crypto).check(note);
    if (!answer.ok) throw new RonError('SelfCheckFailed', `the checkpoint just signed is refused: ${answer.message}`);
    if (grown) await this.#appendNote(body.size, note);
    await writeFile(this.#deps, paths.checkpoint, note);
    this.#checkpoint = answer.checkpoint;
    if (grown) {
      const from = previous?.size ?? 0;
      await dropOldTiles(this.#deps.files, paths, from, body.size);
      await this.#writeHints(from, body.size, unsigned);
    }
    return answer.checkpoint;
  }

  /** Who signs this size: the pair in force; at a key change, and again at that size, the old pair before the new one. */
  async #pairs(size: number, grown: boolean): Promise<readonly LogSigningKeys[]> {
    if (grown && this.#next !== null) {
      const keys = this.#next;
      this.#eras = [...this.#eras, { from: size, vkeys: logVkeys(this.#state.origin, keys) }];
      const log = requireLogFile(this.#deps.files, this.#state.auditDir);
      const epochs = log.epochs.map((one) => (one.n === this.#state.epoch ? { ...one, keys: this.#eras } : one));
      await writeFile(this.#deps, logFilePath(this.#state.auditDir), logFileBytes({ ...log, epochs }));
      this.#old = this.#keys;
      this.#keys = keys;
      this.#next = null;
    }
    const changedHere = this.#old !== null && this.#eras.at(-1)!.from === size;
    return changedHere ? [this.#old!, this.#keys] : [this.#keys];
  }

  async #writeTiles(size: number, unsigned: Unsigned): Promise<void> {
    const { tiles, paths } = this.#state;
    for (const leaf of unsigned.leaves.splice(0, size - tiles.size)) tiles.append(leaf);
    await writeTiles(this.#deps, paths, tiles.take());
  }

  async #appendNote(size: number, note: Uint8Array): Promise<void> {
    const { files } = this.#deps;
    const { checkpoints, directory } = this.#state.paths;
    const fresh = files.info(checkpoints) === null;
    const line = checkpointLine(size, note);
    const file = files.open(checkpoints, fresh ? 'create-new' : 'write');
    try {
      file.write(line, this.#checkpointsBytes);
      await file.sync();
    } finally {
      file.close();
    }
    if (fresh) await files.syncDirectory(directory);
    this.#checkpointsBytes += line.length;
  }

  async #writeHints(from: number, size: number, unsigned: Unsigned): Promise<void> {
    const covered = unsigned.hints.filter((one) => one.seq < size);
    await this.#signs.add(covered.map(({ seq, sign }) => ({ seq, key: sign ?? null })));
    await writeHints(this.#deps, this.#state.paths, from, size, unsigned.hints);
    unsigned.hints = unsigned.hints.filter((one) => one.seq >= size);
  }
}
