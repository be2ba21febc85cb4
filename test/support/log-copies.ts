// Logs that many tests damage: built once with the real writer on MemoryFiles, kept as a table of files, and copied without
// copying bytes, in memory or on disk. A change replaces the file in one copy only.

import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { RonError } from '../../src/errors.ts';
import type { FileInfo, Files, OpenFile } from '../../src/host.ts';
import { ensureHome, homePaths } from '../../src/storage/home.ts';
import { MemoryFiles } from '../../src/storage/memory-files.ts';
import { auditDeps, countingRandom, fillLog, newLog, testClock } from './audit.ts';

export const HOME = '/home';
export const AUDIT = `${HOME}/audit`;
export const EPOCH = `${AUDIT}/e0`;

/** Bytes by path; null is a directory. */
type Table = ReadonlyMap<string, Uint8Array | null>;

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const refuse = (code: 'NotFound' | 'Exists', path: string): never => {
  throw new RonError(code, `${path}: ${code}`);
};

/** A home whose files a test changes, by their paths below `HOME`. */
export interface DamagedLog {
  bytes(path: string): Uint8Array;
  has(path: string): boolean;
  put(path: string, bytes: Uint8Array | string): void;
  /** Paths of files below a directory. */
  below(directory: string): string[];
  /** A file, or a directory with everything in it. */
  drop(path: string): void;
  makeDirectory(path: string): void;
  /** Everything of another log of the same kind below `directory` in the place of what is here. */
  takeFrom(other: DamagedLog, directory: string): void;
}

/** One copy. Every read of bytes goes through `read` of an open file or `read` of a whole one, and is counted. */
export class LogCopy implements Files, DamagedLog {
  readonly #table: Map<string, Uint8Array | null>;
  reads = 0;
  readBytes = 0;
  readonly readPaths = new Set<string>();

  constructor(table: Table) {
    this.#table = new Map(table);
  }

  /** Bytes of a file, uncounted. */
  bytes(path: string): Uint8Array {
    return this.#table.get(path) ?? refuse('NotFound', path);
  }

  has(path: string): boolean {
    return this.#table.has(path);
  }

  put(path: string, bytes: Uint8Array | string): void {
    // Never a Buffer, whose slices share their bytes.
    this.#table.set(path, new Uint8Array(typeof bytes === 'string' ? Buffer.from(bytes) : bytes));
  }

  /** Paths of files below a directory. */
  below(directory: string): string[] {
    return [...this.#table].flatMap(([path, bytes]) =>
      bytes !== null && path.startsWith(`${directory}/`) ? [path] : [],
    );
  }

  drop(path: string): void {
    for (const one of this.#table.keys()) {
      if (one === path || one.startsWith(`${path}/`)) this.#table.delete(one);
    }
  }

  /** Everything of another copy below `directory` in the place of what is here. */
  takeFrom(other: LogCopy, directory: string): void {
    this.drop(directory);
    for (const [path, bytes] of other.#table) {
      if (path === directory || path.startsWith(`${directory}/`)) this.#table.set(path, bytes);
    }
  }

  /** Into a directory, which stands for `HOME`. */
  writeTo(directory: string): DiskLog {
    for (const [path, bytes] of this.#table) {
      if (path !== HOME && !path.startsWith(`${HOME}/`)) continue;
      const at = `${directory}${path.slice(HOME.length)}`;
      if (bytes === null) mkdirSync(at, { mode: 0o700 });
      else writeFileSync(at, bytes, { mode: 0o600 });
    }
    return new DiskLog(directory);
  }

  copy(): LogCopy {
    return new LogCopy(this.#table);
  }

  #count(path: string, bytes: Uint8Array): Uint8Array {
    this.reads += 1;
    this.readBytes += bytes.length;
    this.readPaths.add(path);
    return bytes;
  }

  info(path: string): FileInfo | null {
    const bytes = this.#table.get(path);
    if (bytes === undefined) return null;
    const type = bytes === null ? 'directory' : 'file';
    return { type, mode: bytes === null ? 0o700 : 0o600, uid: 1000, sizeBytes: bytes?.length ?? 0, mtimeMs: 0 };
  }

  list(path: string): string[] {
    return [...this.#table.keys()]
      .filter((one) => parentOf(one) === path)
      .map(nameOf)
      .sort();
  }

  read(path: string, maxBytes: number): Uint8Array | null {
    const bytes = this.#table.get(path) ?? null;
    if (bytes !== null && bytes.length > maxBytes) throw new RonError('TooLarge', path);
    return bytes === null ? null : this.#count(path, bytes.slice());
  }

  open(path: string, flags: 'read' | 'write' | 'create-new'): OpenFile {
    if (flags === 'create-new') {
      if (this.#table.has(path)) refuse('Exists', path);
      this.#table.set(path, new Uint8Array());
    } else this.bytes(path);
    return {
      info: () => this.info(path)!,
      stands: () => this.has(path),
      read: (position, length) => this.#count(path, this.bytes(path).slice(position, position + length)),
      write: (bytes, position) => {
        const old = this.bytes(path);
        const grown = new Uint8Array(Math.max(old.length, position + bytes.length));
        grown.set(old);
        grown.set(bytes, position);
        this.#table.set(path, grown);
      },
      truncate: (size) => this.#table.set(path, this.bytes(path).slice(0, size)),
      sync: async () => undefined,
      syncNow: () => undefined,
      close: () => undefined,
    };
  }

  makeDirectory(path: string): void {
    if (this.#table.has(path)) refuse('Exists', path);
    this.#table.set(path, null);
  }

  rename(from: string, to: string): void {
    this.#table.set(to, this.bytes(from));
    this.#table.delete(from);
  }

  link(from: string, to: string): void {
    if (this.#table.has(to)) refuse('Exists', to);
    this.#table.set(to, this.bytes(from));
  }

  remove(path: string): void {
    if (!this.#table.delete(path)) refuse('NotFound', path);
  }

  removeDirectory(path: string): void {
    this.remove(path);
  }

  async syncDirectory(): Promise<void> {}

  syncDirectoryNow(): void {}

  realPath(path: string): string {
    return path;
  }

  fileSystem(): { readonly type: string; readonly freeBytes: number; readonly totalBytes: number } {
    return { type: 'tmpfs', freeBytes: 2 ** 30, totalBytes: 2 ** 30 };
  }

  uid(): number {
    return 1000;
  }

  temporaryDirectory(prefix: string): string {
    return `/tmp/${prefix}x`;
  }
}

/** A home on disk. Copies are hard links; a change replaces the file in one of them. */
export class DiskLog implements DamagedLog {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  #at(path: string): string {
    return `${this.directory}${path.slice(HOME.length)}`;
  }

  bytes(path: string): Uint8Array {
    return readFileSync(this.#at(path));
  }

  has(path: string): boolean {
    return existsSync(this.#at(path));
  }

  put(path: string, bytes: Uint8Array | string): void {
    this.drop(path);
    writeFileSync(this.#at(path), bytes, { mode: 0o600 });
  }

  below(directory: string): string[] {
    const from = this.#at(directory);
    return readdirSync(from, { recursive: true, withFileTypes: true }).flatMap((one) =>
      one.isFile() ? [`${directory}${`${one.parentPath}/${one.name}`.slice(from.length)}`] : [],
    );
  }

  drop(path: string): void {
    rmSync(this.#at(path), { recursive: true, force: true });
  }

  makeDirectory(path: string): void {
    mkdirSync(this.#at(path), { mode: 0o700 });
  }

  takeFrom(other: DiskLog, directory: string): void {
    this.drop(directory);
    linkAll(other.#at(directory), this.#at(directory));
  }

  copyTo(directory: string): DiskLog {
    linkAll(this.directory, directory);
    return new DiskLog(directory);
  }
}

function linkAll(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700 });
  for (const one of readdirSync(from, { withFileTypes: true })) {
    const place = [`${from}/${one.name}`, `${to}/${one.name}`] as const;
    if (one.isDirectory()) linkAll(...place);
    else linkSync(...place);
  }
}

const memory = (): MemoryFiles =>
  new MemoryFiles({ clock: testClock(), random: countingRandom('memory'), uid: 1000, capacityBytes: 2 ** 31 });

function tableOf(files: MemoryFiles): Table {
  const table = new Map<string, Uint8Array | null>();
  const walk = (path: string): void => {
    const info = files.info(path)!;
    if (info.type === 'file') {
      table.set(path, files.read(path, info.sizeBytes));
      return;
    }
    if (path !== '') table.set(path, null);
    for (const name of files.list(path)) walk(`${path}/${name}`);
  };
  walk('');
  return table;
}

/** A home with a log of each size, from one growing log; a checkpoint after every `every` records and at each size. */
export async function logsOfSizes(
  sizes: readonly number[],
  every: number,
  clock = testClock(),
): Promise<ReadonlyMap<number, LogCopy>> {
  const files = memory();
  files.makeDirectory(HOME);
  await ensureHome({ files, random: countingRandom('home'), clock: testClock() }, homePaths(HOME));
  const log = await newLog(AUDIT, auditDeps(files, clock));
  const out = new Map<number, LogCopy>();
  for (const size of sizes.toSorted((a, b) => a - b)) {
    await fillLog(log, size, every);
    out.set(size, new LogCopy(tableOf(files)));
  }
  log.close();
  return out;
}
