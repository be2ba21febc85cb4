// A C2SP tlog-tiles directory read as an epoch directory: its entry bundles appear as segments/NNNNNN.jsonl, lines joined by
// LF, so that the scan that judges a log judges an export too. Places follow from the sizes of the bundles alone (each entry
// gives two bytes of length for one LF), so that any part is read without the rest. A bundle that is none becomes as many
// blank lines, which no tile and no root fits.

import { BUNDLE_BYTES_MAX, bundlePath, parseBundle } from '../audit/entry-bundle.ts';
import { TILE_WIDTH, tileIndexPath } from '../audit/tile.ts';
import { RonError } from '../errors.ts';
import type { FileInfo, Files, OpenFile } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { segmentName, segmentNumber } from './audit-paths.ts';
import { bound } from './checked-files.ts';

const PER_SEGMENT = LIMITS.auditSegmentRecords / TILE_WIDTH;
const LF = 0x0a;
const SPACE = 0x20;

interface Bundle {
  readonly path: string;
  readonly width: number;
  /** Of its lines in the segment. */
  readonly start: number;
  readonly length: number;
}

/** True for a directory with entry bundles and without segments. */
export function isTlogDirectory(files: Files, directory: string): boolean {
  return files.info(`${directory}/tile/entries`)?.type === 'directory' && files.info(`${directory}/segments`) === null;
}

/** The full bundle, else the widest partial one; null when there is none. */
function findBundle(
  files: Files,
  directory: string,
  index: number,
): { readonly path: string; readonly width: number; readonly sizeBytes: number } | null {
  const partial = files
    .list(`${directory}/tile/entries/${tileIndexPath(index)}.p`)
    .filter((name) => /^[1-9][0-9]{0,2}$/.test(name) && Number(name) < TILE_WIDTH)
    .map(Number);
  const full = `${directory}/${bundlePath(index, TILE_WIDTH)}`;
  const width = files.info(full) === null ? Math.max(0, ...partial) : TILE_WIDTH;
  if (width === 0) return null;
  const path = `${directory}/${bundlePath(index, width)}`;
  const info = files.info(path);
  return info?.type === 'file' ? { path, width, sizeBytes: info.sizeBytes } : null;
}

/** The bundles of a segment up to the first that is missing or partial. */
function bundlesOf(files: Files, directory: string, segment: number): Bundle[] {
  const bundles: Bundle[] = [];
  let start = 0;
  for (let at = 0; at < PER_SEGMENT; at++) {
    const found = findBundle(files, directory, segment * PER_SEGMENT + at);
    if (found === null) break;
    const length = Math.max(0, found.sizeBytes - found.width);
    bundles.push({ path: found.path, width: found.width, start, length });
    start += length;
    if (found.width < TILE_WIDTH) break;
  }
  return bundles;
}

/** The lines of a bundle, each with LF. */
function linesOf(files: Files, bundle: Bundle): Uint8Array {
  const out = new Uint8Array(bundle.length);
  const bytes = files.read(bundle.path, BUNDLE_BYTES_MAX);
  const lines =
    bytes === null || bytes.length !== bundle.length + bundle.width ? null : parseBundle(bytes, bundle.width);
  if (lines === null) return out.fill(SPACE).fill(LF, Math.max(0, bundle.length - bundle.width));
  let at = 0;
  for (const line of lines) {
    out.set(line, at);
    at += line.length;
    out[at++] = LF;
  }
  return out;
}

const readOnly = (): never => {
  throw new RonError('Internal', 'an export is read, never written');
};

function openSegment(files: Files, bundles: readonly Bundle[], info: FileInfo): OpenFile {
  let kept: { readonly bundle: Bundle; readonly lines: Uint8Array } | null = null;
  return {
    info: () => info,
    stands: () => true,
    read(position, length) {
      const end = Math.min(info.sizeBytes, position + length);
      const out = new Uint8Array(Math.max(0, end - position));
      for (const bundle of bundles) {
        const from = Math.max(position, bundle.start);
        const to = Math.min(end, bundle.start + bundle.length);
        if (from >= to) continue;
        if (kept?.bundle !== bundle) kept = { bundle, lines: linesOf(files, bundle) };
        out.set(kept.lines.subarray(from - bundle.start, to - bundle.start), from - position);
      }
      return out;
    },
    write: readOnly,
    truncate: readOnly,
    sync: async () => readOnly(),
    syncNow: readOnly,
    close: () => undefined,
  };
}

/** `directory` is that of the log; everything outside its segments/ is what it is. */
export function tlogFiles(files: Files, directory: string): Files {
  const folder = `${directory}/segments`;
  const numberOf = (path: string): number | null =>
    path.startsWith(`${folder}/`) ? segmentNumber(path.slice(folder.length + 1)) : null;
  const infoOf = (bundles: readonly Bundle[]): FileInfo => {
    const last = bundles.at(-1);
    return {
      ...files.info(`${directory}/tile/entries`)!,
      type: 'file',
      sizeBytes: last === undefined ? 0 : last.start + last.length,
    };
  };
  const overlay: Pick<Files, 'info' | 'list' | 'read' | 'open'> = {
    info(path) {
      if (path === folder) return files.info(`${directory}/tile/entries`);
      const number = numberOf(path);
      if (number === null) return files.info(path);
      const bundles = bundlesOf(files, directory, number);
      return bundles.length === 0 ? null : infoOf(bundles);
    },
    list(path) {
      if (path !== folder) return files.list(path);
      const names: string[] = [];
      const stands = (number: number): boolean => findBundle(files, directory, number * PER_SEGMENT) !== null;
      for (let number = 0; stands(number) || stands(number + 1); number++) {
        if (stands(number)) names.push(segmentName(number));
      }
      return names;
    },
    read(path, maxBytes) {
      if (numberOf(path) === null) return files.read(path, maxBytes);
      throw new RonError('Internal', 'a segment is read in parts');
    },
    open(path, flags) {
      const number = numberOf(path);
      if (number === null) return files.open(path, flags);
      const bundles = bundlesOf(files, directory, number);
      if (bundles.length === 0) throw new RonError('NotFound', `${path}: no such file`);
      return openSegment(files, bundles, infoOf(bundles));
    },
  };
  return { ...bound(files), ...overlay };
}
