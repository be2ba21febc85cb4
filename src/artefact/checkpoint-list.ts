// Recogniser of checkpoints.jsonl (log page 4.2): one `{size, note_b64}` per line, each note judged like a checkpoint file.
// A defect is a finding of its line; the lines behind it are judged all the same.

import { fromBase64 } from '../bytes/base64.ts';
import { decodeCanonical, integer, malformed, object as objectOf, string } from '../bytes/decode.ts';
import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import type { Artefact, ArtefactCheck, ArtefactSignature, KnownKey } from './artefact.ts';
import { LISTED, type SegmentReader, tornNote } from './lines.ts';
import { describeCheckpoint } from './notes.ts';

const checkpointLine = objectOf({ size: integer(0), note_b64: string() });

export class CheckpointList implements SegmentReader {
  readonly #crypto: Crypto;
  readonly #keys: readonly KnownKey[];
  readonly #signatures: ArtefactSignature[] = [];
  readonly #defects: ArtefactCheck[] = [];
  #notes = 0;
  #size = -1;
  #last: Artefact | null = null;

  constructor(crypto: Crypto, keys: readonly KnownKey[]) {
    this.#crypto = crypto;
    this.#keys = keys;
  }

  push(line: Uint8Array): void {
    const object = `line ${this.#notes}`;
    this.#notes++;
    try {
      const raw = decodeCanonical(checkpointLine, line, object);
      const bytes = fromBase64(raw.note_b64) ?? malformed('note_b64', 'standard padded base64 is expected');
      const note = describeCheckpoint(this.#crypto, bytes, this.#keys) ?? malformed('note_b64', 'no checkpoint');
      const size = Number(note.members.find((one) => one.name === 'size')?.value);
      if (size !== raw.size) malformed('size', `the note says ${size}`);
      if (size <= this.#size) malformed('size', `after a checkpoint of size ${this.#size}`);
      this.#size = size;
      this.#last = note;
      for (const one of note.checks) if (!one.ok) this.#note({ ...one, what: `${object}: ${one.what}` });
      if (this.#signatures.length < LISTED)
        this.#signatures.push(...note.signatures.map((one) => ({ ...one, object })));
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      this.#note({ what: object, ok: false, found: error.message });
    }
  }

  #note(defect: ArtefactCheck): void {
    if (this.#defects.length < LISTED) this.#defects.push(defect);
  }

  end(tornBytes: number): Artefact {
    return {
      kind: 'checkpoint list',
      version: 1,
      type: null,
      digest: null,
      words: null,
      members: [
        { name: 'checkpoints', value: String(this.#notes) },
        ...(this.#last?.members ?? []).map((one) => ({ name: `newest.${one.name}`, value: one.value })),
      ],
      signatures: this.#signatures,
      checks:
        this.#defects.length > 0 ? this.#defects : [{ what: 'every note is of its form, and sizes grow', ok: true }],
      unchecked: [...tornNote(tornBytes), 'whether the log still agrees: `ronctl audit verify`'],
    };
  }
}
