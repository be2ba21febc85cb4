// What a sink was sent, judged as it comes (log page 4.11, X-33): `{"index":N,"line":"..."}` and `{"checkpoint":"..."}`, in order, at
// least once. Records are final only under a checkpoint whose two signatures and root are right; what came again must be what
// came before as long as it is not final, and counts for nothing afterwards. Refused (as findings): holes, other lines under
// an index, a checkpoint over more than was sent.

import { decodeCanonical, integer, object, string } from '../bytes/decode.ts';
import { equalBytes } from '../bytes/equal.ts';
import { toHex } from '../bytes/hex.ts';
import { utf8 } from '../bytes/text.ts';
import { RonError } from '../errors.ts';
import { RecordChain } from './chain.ts';
import { chainRecord } from './chain-record.ts';
import type { CheckpointAnswer, VerifiedCheckpoint } from './checkpoint.ts';
import type { Findings } from './findings.ts';
import { leafHash, NO_PREVIOUS } from './leaf.ts';
import { parseRecord } from './record.ts';
import { Frontier } from './tree.ts';

const recordShape = object({ index: integer(0), line: string() });
const checkpointShape = object({ checkpoint: string() });
const RECORD = utf8('{"index":');
const CHECKPOINT = utf8('{"checkpoint":"');

const begins = (line: Uint8Array, with_: Uint8Array): boolean => equalBytes(line.subarray(0, with_.length), with_);

/** True for the first line of a file that a sink wrote. */
export const isSinkLine = (line: Uint8Array): boolean => begins(line, RECORD) || begins(line, CHECKPOINT);

export class SinkStream {
  readonly #findings: Findings;
  readonly #check: (note: Uint8Array) => CheckpointAnswer | null;
  readonly #chain: RecordChain;
  readonly #final = new Frontier();
  /** Leaves of the records behind the newest checkpoint. */
  #pending: Uint8Array[] = [];
  #prev: string = NO_PREVIOUS;
  #broken = false;
  #repeated = 0;
  #checkpoints = 0;
  #newest: VerifiedCheckpoint | null = null;

  /** `check`: null while no key is trusted for the log, which is said by the caller. */
  constructor(findings: Findings, firstEpoch: boolean, check: (note: Uint8Array) => CheckpointAnswer | null) {
    this.#findings = findings;
    this.#check = check;
    this.#chain = new RecordChain(firstEpoch, ({ code, seq, message }) => findings.add(code, message, { index: seq }));
  }

  /** Records so far, without repetitions. */
  get records(): number {
    return this.#final.size + this.#pending.length;
  }

  /** Under a checkpoint. */
  get final(): number {
    return this.#final.size;
  }

  get repeated(): number {
    return this.#repeated;
  }

  get checkpoints(): number {
    return this.#checkpoints;
  }

  get newest(): VerifiedCheckpoint | null {
    return this.#newest;
  }

  /** One line without LF. */
  push(line: Uint8Array): void {
    if (this.#broken) return;
    try {
      if (begins(line, CHECKPOINT)) {
        this.#takeCheckpoint(utf8(decodeCanonical(checkpointShape, line, 'message').checkpoint));
        return;
      }
      const { index, line: text } = decodeCanonical(recordShape, line, 'message');
      this.#takeRecord(index, utf8(text));
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      this.#findings.add('record-invalid', error.message, { index: this.records });
      this.#broken = true;
    }
  }

  #takeRecord(index: number, line: Uint8Array): void {
    const leaf = leafHash(line);
    if (index < this.records) {
      this.#repeated++;
      const before = this.#pending[index - this.#final.size];
      if (before === undefined || equalBytes(before, leaf)) return;
      this.#findings.add('leaf-mismatch', `record ${index} came twice, with other lines`, { index });
      this.#broken = true;
      return;
    }
    if (index > this.records) {
      this.#findings.add('missing-records', `record ${index} follows record ${this.records - 1}`, {
        index: this.records,
      });
      this.#broken = true;
      return;
    }
    const record = parseRecord(line, `record ${index}`);
    if (record.prev !== this.#prev) {
      this.#findings.add('prev-mismatch', 'prev is not the leaf hash before it', { index });
    }
    if ('newer' in record) this.#findings.add('newer-format', `${record.op} is of a newer ronctl`, { index });
    else this.#chain.next(chainRecord(record), index);
    this.#pending.push(leaf);
    this.#prev = toHex(leaf);
  }

  #takeCheckpoint(note: Uint8Array): void {
    const answer = this.#check(note);
    if (answer === null) return;
    if (!answer.ok) {
      this.#findings.add(answer.code, answer.message);
      return;
    }
    const { checkpoint } = answer;
    // An older one that came again.
    if (checkpoint.size < this.#final.size) return;
    this.#checkpoints++;
    if (checkpoint.size > this.records) {
      const message = `a checkpoint covers ${checkpoint.size} records, ${this.records} came before it`;
      this.#findings.add('missing-records', message, { index: this.records });
      this.#broken = true;
      return;
    }
    const from = this.#final.size;
    for (const leaf of this.#pending.splice(0, checkpoint.size - from)) this.#final.append(leaf);
    if (!equalBytes(this.#final.root(), checkpoint.root)) {
      const again = this.#newest?.size === checkpoint.size;
      const message = `the ${checkpoint.size} records do not have the root that was signed`;
      this.#findings.add(again ? 'fork' : 'root-mismatch', message, again ? {} : { index: from });
      this.#broken = true;
      return;
    }
    this.#newest = checkpoint;
  }
}
