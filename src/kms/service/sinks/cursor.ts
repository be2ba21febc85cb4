// audit/export/<sink>.cursor (log page 4.11): how far a sink has taken the log. Two slots of 4,096 bytes, written in turn, each
// one canonical JSON line with the SHA-256 of its content and a number that rises; the higher valid one counts, so that a torn
// write only repeats what was sent before it. Synced after the sink has acknowledged. What holds no valid slot begins anew.

import { canonicalText, parseCanonical } from '../../../bytes/canonical-json.ts';
import { hex64, integer, object } from '../../../bytes/decode.ts';
import { utf8 } from '../../../bytes/text.ts';
import { sha256Hex } from '../../../crypto/hash.ts';
import { RonError } from '../../../errors.ts';
import type { Files } from '../../../host.ts';
import { ensureDirectory } from '../../../storage/durable-file.ts';

export interface Cursor {
  readonly epoch: number;
  /** Of the next record. */
  readonly index: number;
  /** Of the next line of checkpoints.jsonl, in bytes. */
  readonly notes: number;
  /** SHA-256 of the last note that was sent; 64 zeros before one. */
  readonly note: string;
}

const SLOT_BYTES = 4096;
export const FIRST_CURSOR: Cursor = { epoch: 0, index: 0, notes: 0, note: '0'.repeat(64) };

const members = { epoch: integer(0), index: integer(0), notes: integer(0), note: hex64, n: integer(0) };
const slot = object({ ...members, sha256: hex64 });

function readSlot(bytes: Uint8Array): (Cursor & { readonly n: number }) | null {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return null;
  try {
    const { sha256, ...content } = slot(parseCanonical(bytes.subarray(0, end), 'cursor'), 'cursor');
    return sha256Hex(utf8(canonicalText(content))) === sha256 ? content : null;
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}

const SUFFIX = '.cursor';

/** The newest valid slot; null when there is none. */
function newestSlot(bytes: Uint8Array | null): (Cursor & { readonly n: number }) | null {
  const slots = [0, SLOT_BYTES].flatMap((at) => {
    const found = bytes === null ? null : readSlot(bytes.subarray(at, at + SLOT_BYTES));
    return found === null ? [] : [found];
  });
  return slots.toSorted((a, b) => b.n - a.n)[0] ?? null;
}

/** Every sink that has a cursor in this home, served now or not. */
export function readCursors(files: Files, exportDir: string): { readonly sink: string; readonly cursor: Cursor }[] {
  const names = files.list(exportDir).filter((name) => name.endsWith(SUFFIX));
  return names.map((name) => {
    const newest = newestSlot(files.read(`${exportDir}/${name}`, 2 * SLOT_BYTES));
    return { sink: name.slice(0, -SUFFIX.length), cursor: newest ?? FIRST_CURSOR };
  });
}

export class CursorFile {
  readonly #files: Files;
  readonly #path: string;
  #n = 0;

  constructor(files: Files, exportDir: string, sink: string) {
    this.#files = files;
    this.#path = `${exportDir}/${sink}${SUFFIX}`;
    ensureDirectory(files, exportDir);
  }

  read(): Cursor {
    const newest = newestSlot(this.#files.read(this.#path, 2 * SLOT_BYTES));
    if (newest === null) return FIRST_CURSOR;
    const { n, ...cursor } = newest;
    this.#n = n;
    return cursor;
  }

  /** Durable when resolved. */
  async write(cursor: Cursor): Promise<void> {
    const content = { ...cursor, n: ++this.#n };
    const line = `${canonicalText({ ...content, sha256: sha256Hex(utf8(canonicalText(content))) })}\n`;
    const fresh = this.#files.info(this.#path) === null;
    const file = this.#files.open(this.#path, fresh ? 'create-new' : 'write');
    try {
      file.write(utf8(line.padEnd(SLOT_BYTES, ' ')), (this.#n % 2) * SLOT_BYTES);
      await file.sync();
    } finally {
      file.close();
    }
    if (fresh) this.#files.syncDirectoryNow(this.#path.slice(0, this.#path.lastIndexOf('/')));
  }
}
