// manifest.json of a native export (log page 4.9): {files:{name: sha256}, format:"ron-audit-export/1", from, gaps:[{from,to}],
// origin, to}, canonical with LF. `from` and `to` bound the records that were asked for; `gaps` are all records below the
// checkpoint that are not in the export, in order. It is not signed: what it says is compared with what is. Refused: names
// outside the export, gaps that touch, overlap or fall back, a newer format (NewerVersion).

import { canonicalFile } from '../bytes/canonical-json.ts';
import { array, decodeFile, hex64, integer, literal, malformed, map, object, string } from '../bytes/decode.ts';
import { RonError } from '../errors.ts';

export const EXPORT_FORMAT = 'ron-audit-export/1';
const NAME =
  /^(?:checkpoint|checkpoints\.jsonl|counters\.json|cosigned|key-chain\.json|(?:segments|tile)\/[0-9a-z./]{1,64})$/;
const FILES_MAX = 1_000_000;

export interface RecordRange {
  readonly from: number;
  /** Behind the last. */
  readonly to: number;
}

export interface ExportManifest {
  readonly origin: string;
  readonly from: number;
  readonly to: number;
  readonly gaps: readonly RecordRange[];
  /** Lower hex SHA-256 by path below the export. */
  readonly files: ReadonlyMap<string, string>;
}

const range = object({ from: integer(0), to: integer(1) });
const shape = object({
  format: literal(EXPORT_FORMAT),
  origin: string({ maxBytes: 255 }),
  from: integer(0),
  to: integer(0),
  gaps: array(range, 100_000),
  files: map(NAME, hex64, FILES_MAX),
});

export function formatManifest(manifest: ExportManifest): Uint8Array {
  const { origin, from, to, gaps, files } = manifest;
  return canonicalFile({
    format: EXPORT_FORMAT,
    origin,
    from,
    to,
    gaps: gaps.map((gap) => ({ from: gap.from, to: gap.to })),
    files: Object.fromEntries(files),
  });
}

/** Throws Malformed, or NewerVersion for another number of this format. */
export function parseManifest(bytes: Uint8Array, what: string): ExportManifest {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const format = /"format":"(ron-audit-export\/[0-9]+)"/.exec(text)?.[1];
  if (format !== undefined && format !== EXPORT_FORMAT) {
    throw new RonError('NewerVersion', `${what}: ${format} was written by a newer ronctl`, { field: 'format' });
  }
  const { format: _, ...manifest } = decodeFile(shape, bytes, what);
  let last = -1;
  for (const [at, gap] of manifest.gaps.entries()) {
    if (gap.from <= last || gap.to <= gap.from) malformed(`gaps[${at}]`, `${what}: gaps are in order and apart`);
    last = gap.to;
  }
  for (const name of manifest.files.keys()) {
    if (name.split('/').some((part) => part === '' || part === '.' || part === '..')) {
      malformed('files', `${what}: not a name of an export: ${name}`);
    }
  }
  return manifest;
}

/** What is there of `size` records, in order. */
export function presentRanges(gaps: readonly RecordRange[], size: number): RecordRange[] {
  const out: RecordRange[] = [];
  let at = 0;
  for (const gap of gaps) {
    if (gap.from > at) out.push({ from: at, to: Math.min(gap.from, size) });
    at = Math.max(at, gap.to);
  }
  if (at < size) out.push({ from: at, to: size });
  return out.filter((one) => one.to > one.from);
}
