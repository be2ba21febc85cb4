// Ledger lines that a restored home lacks (log page 4.7): brought back from a copy of the home that went on, proved by its log,
// and kept beside the committed ones until the restore is accepted, which commits them.
//   ledger/missing.json = {format:"ronctl-missing-ledger/1", head:{seq, hash, record, tlog_proof}, lines:[text]} LF
// `head` is the newest line as the log of that copy proves it (its `manifest` record and a tlog-proof), as in a request.
// Nothing in it counts by itself: every line is verified again on top of the committed ledger.

import { canonicalFile } from '../bytes/canonical-json.ts';
import { array, integer, literal, object, sha256Digest, string } from '../bytes/decode.ts';
import { fromUtf8, utf8 } from '../bytes/text.ts';
import { ownBytes } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type DurableDeps, ensureDirectory, writeFile } from './durable-file.ts';
import { decodeFormatted, type HomePaths } from './home.ts';

const FORMAT = 'ronctl-missing-ledger/1';

export interface ProvenHead {
  readonly seq: number;
  readonly hash: string;
  readonly record: string;
  readonly tlog_proof: string;
}

export interface MissingLedger {
  readonly head: ProvenHead;
  /** Exact lines without LF, in order; the last one is that of `head`. */
  readonly lines: readonly Uint8Array[];
}

const shape = object({
  format: literal(FORMAT),
  head: object({
    seq: integer(0),
    hash: sha256Digest,
    record: string({ maxBytes: LIMITS.auditLineBytes }),
    tlog_proof: string({ maxBytes: LIMITS.payloadBytes }),
  }),
  lines: array(string({ maxBytes: LIMITS.requestFileBytes }), 1_000_000, 1),
});

const pathOf = (paths: Pick<HomePaths, 'ledger'>): string => `${paths.ledger}/missing.json`;

type Place = { readonly files: Files; readonly paths: HomePaths };

/**
 * The lines that follow line `seq` of a home that was restored or rolled back; null when there are none. Only for such a home:
 * elsewhere whoever puts a file there could have lines counted that nobody committed.
 */
export function readMissing({ files, paths }: Place, seq: number): MissingLedger | null {
  const bytes = files.read(pathOf(paths), LIMITS.stateFileBytes);
  if (bytes === null) return null;
  const { head, lines } = ownBytes(() => decodeFormatted(shape, FORMAT, bytes, pathOf(paths)));
  return head.seq - lines.length === seq ? { head, lines: lines.map(utf8) } : null;
}

export async function keepMissing(deps: DurableDeps & Place, { head, lines }: MissingLedger): Promise<void> {
  ensureDirectory(deps.files, deps.paths.ledger);
  const text = lines.map((line) => fromUtf8(line)!);
  await writeFile(deps, pathOf(deps.paths), canonicalFile({ format: FORMAT, head: { ...head }, lines: text }));
}

/** Once they are committed. */
export function dropMissing({ files, paths }: Place): void {
  if (files.info(pathOf(paths)) !== null) files.remove(pathOf(paths));
}
