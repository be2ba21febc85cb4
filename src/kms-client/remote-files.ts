// This home with a server's public files in the place of its own (service page 4): store/, ledger/ and audit/ come from the
// server and are judged by whoever reads them; trust/, signers/, inbox/ and everything else stay this home's. Nothing of the
// server's is written here. Files that are replaced whole are read whole, again at every opening, so that no reader sees half
// of one and half of the next; files that only grow are read in blocks, which are kept.

import { equalBytes } from '../bytes/equal.ts';
import { fail, RonError } from '../errors.ts';
import type { FileInfo, Files, OpenFile } from '../host.ts';
import { LIMITS } from '../limits.ts';

/** The public files of a server; each call waits for its answer. Paths are below its home, without a leading slash. */
export interface PublishedFiles {
  info(path: string): FileInfo | null;
  list(path: string): readonly string[];
  /** At most 512 KiB; shorter at the end of the file; null when there is no such file. */
  read(path: string, offset: number, length: number): Uint8Array | null;
}

const PUBLISHED = /^(?:store|ledger|audit)(?:\/|$)/;
/** What of it a server gives out; the rest is not even asked for. */
const PUBLIC = /^(?:store(?:\/public\.json|\/keys(?:\/[^/]+)?)?|(?:ledger|audit)(?:\/.*)?)$/;
/** Their bytes never change once written; only more come. */
const GROWING =
  /^(?:ledger\/[0-9]+\.jsonl|audit\/e[0-9]+\/(?:segments\/[0-9]+\.jsonl|checkpoints\.jsonl|index\/[0-9]+\.sign))$/;
const TILE = /^audit\/e[0-9]+\/tile\/[0-9]+\/(?:x[0-9]{3}\/)*[0-9]{3}(?:\.p\/[0-9]+)?$/;
const WHOLE =
  /^(?:store\/public\.json|store\/keys\/[^/]+|ledger\/[^/]+\.json|audit\/log\.json|audit\/e[0-9]+\/(?:head|cosigned|checkpoint|counters\.json|hints\.json))$/;

export const BLOCK_BYTES = 512 * 1024;
const BLOCKS_KEPT = 32;
const ATTEMPTS = 5;

class Remote {
  readonly #server: PublishedFiles;
  readonly #uid: number;
  readonly #directories = new Set<string>();
  readonly #tiles = new Map<string, Uint8Array>();
  /** Of files that only grow, by `path:block`; the oldest goes first. */
  readonly #blocks = new Map<string, Uint8Array>();
  /** What the newest `info` has read, until it is opened. */
  readonly #fresh = new Map<string, Uint8Array>();
  readonly #sizes = new Map<string, number>();

  constructor(server: PublishedFiles, uid: number) {
    this.#server = server;
    this.#uid = uid;
  }

  /** Owner and modes are this account's: what counts are the bytes, and those are verified. */
  #file(sizeBytes: number): FileInfo {
    return { type: 'file', mode: 0o600, uid: this.#uid, sizeBytes, mtimeMs: 0 };
  }

  info(path: string): FileInfo | null {
    if (!PUBLIC.test(path)) return null;
    if (this.#directories.has(path)) return this.directory();
    if (TILE.test(path) || WHOLE.test(path)) {
      const bytes = this.#whole(path);
      if (bytes === null) return null;
      this.#fresh.set(path, bytes);
      return this.#file(bytes.length);
    }
    const info = this.#server.info(path);
    if (info?.type === 'directory') {
      this.#directories.add(path);
      return this.directory();
    }
    if (info?.type !== 'file') return null;
    this.#sizes.set(path, info.sizeBytes);
    return this.#file(info.sizeBytes);
  }

  directory(): FileInfo {
    return { type: 'directory', mode: 0o700, uid: this.#uid, sizeBytes: 0, mtimeMs: 0 };
  }

  list(path: string): string[] {
    // What it lists is no authority: whoever reads checks names and what is behind them.
    return PUBLIC.test(path) ? [...this.#server.list(path)].sort() : [];
  }

  open(path: string): OpenFile {
    if (!GROWING.test(path)) {
      const bytes = this.#fresh.get(path) ?? this.#whole(path) ?? absent(path);
      this.#fresh.delete(path);
      return reading(bytes.length, this.#file(bytes.length), (at, length) => bytes.slice(at, at + length));
    }
    const size = this.#sizes.get(path) ?? this.info(path)?.sizeBytes ?? absent(path);
    this.#sizes.delete(path);
    return reading(size, this.#file(size), (at, length) => this.#range(path, at, Math.min(length, size - at)));
  }

  read(path: string, maxBytes: number): Uint8Array | null {
    if (this.info(path) === null) return null;
    const file = this.open(path);
    const { sizeBytes } = file.info();
    if (sizeBytes > maxBytes) fail('TooLarge', `${path} is larger than ${maxBytes} bytes`);
    return file.read(0, sizeBytes);
  }

  /** All of a file that may be replaced meanwhile. */
  #whole(path: string): Uint8Array | null {
    const known = this.#tiles.get(path);
    if (known !== undefined) return known;
    const bytes = this.#stable(path);
    if (bytes !== null && TILE.test(path)) this.#tiles.set(path, bytes);
    return bytes;
  }

  #stable(path: string): Uint8Array | null {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const first = this.#server.read(path, 0, BLOCK_BYTES);
      if (first === null || first.length < BLOCK_BYTES) return first;
      const before = this.#server.info(path);
      const bytes = this.#parts(path, first, before?.sizeBytes ?? 0);
      const after = this.#server.info(path);
      const again = this.#server.read(path, 0, BLOCK_BYTES);
      const isSame = before?.sizeBytes === after?.sizeBytes && before?.mtimeMs === after?.mtimeMs;
      if (isSame && again !== null && equalBytes(again, first) && bytes?.length === after?.sizeBytes) return bytes;
    }
    return fail('Changing', `${path} changed at each of ${ATTEMPTS} attempts to read it from the server`);
  }

  #parts(path: string, first: Uint8Array, sizeBytes: number): Uint8Array | null {
    if (sizeBytes > LIMITS.stateFileBytes) fail('TooLarge', `${path} is larger than ${LIMITS.stateFileBytes} bytes`);
    const out = new Uint8Array(sizeBytes);
    out.set(first.subarray(0, sizeBytes));
    for (let at = first.length; at < sizeBytes; ) {
      const part = this.#server.read(path, at, Math.min(BLOCK_BYTES, sizeBytes - at));
      if (part === null || part.length === 0) return null;
      out.set(part.subarray(0, sizeBytes - at), at);
      at += part.length;
    }
    return out;
  }

  /** Bytes of a file that only grows, from blocks of 512 KiB. */
  #range(path: string, position: number, length: number): Uint8Array {
    if (length <= 0) return new Uint8Array(0);
    const out = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const at = position + done;
      const block = Math.floor(at / BLOCK_BYTES);
      const from = at - block * BLOCK_BYTES;
      const wanted = Math.min(length - done, BLOCK_BYTES - from);
      const bytes = this.#block(path, block, from + wanted).subarray(from, from + wanted);
      out.set(bytes, done);
      done += bytes.length;
      if (bytes.length < wanted) break;
    }
    return out.subarray(0, done);
  }

  #block(path: string, block: number, atLeast: number): Uint8Array {
    const key = `${path}:${block}`;
    const known = this.#blocks.get(key);
    if (known !== undefined && known.length >= atLeast) return known;
    const bytes = this.#server.read(path, block * BLOCK_BYTES, BLOCK_BYTES) ?? absent(path);
    if (bytes.length > BLOCK_BYTES) fail('Unreachable', `the server sent more of ${path} than was asked for`);
    this.#blocks.delete(key);
    this.#blocks.set(key, bytes);
    if (this.#blocks.size > BLOCKS_KEPT) this.#blocks.delete(this.#blocks.keys().next().value!);
    return bytes;
  }
}

const absent = (path: string): never => fail('NotFound', `the server has no ${path}`);

function reading(sizeBytes: number, info: FileInfo, read: (position: number, length: number) => Uint8Array): OpenFile {
  return {
    info: () => info,
    stands: () => true,
    read: (position, length) => (position >= sizeBytes ? new Uint8Array(0) : read(position, length)),
    write: readOnly,
    truncate: readOnly,
    sync: () => Promise.resolve(),
    syncNow: () => undefined,
    close: () => undefined,
  };
}

function readOnly(): never {
  throw new RonError('Unsupported', 'files of a server are only read');
}

export interface RemoteFilesOptions {
  /** This machine's files. */
  readonly own: Files;
  /** Absolute path of this home. */
  readonly home: string;
  readonly server: PublishedFiles;
  /** As errors and results name it. */
  readonly name: string;
  /** Of an ungoverned server, as it says; null = not known. */
  readonly profile?: () => string | null;
}

/** `own` with the server's public files below the home. Throws what the server's calls throw. */
export function remoteFiles({ own, home, server, name, profile }: RemoteFilesOptions): Files {
  const remote = new Remote(server, own.uid());
  const published = (path: string): string | null => {
    if (!path.startsWith(`${home}/`)) return null;
    const below = path.slice(home.length + 1);
    return PUBLISHED.test(below) ? below : null;
  };
  /** For what only this home's own files may do. */
  const writable = (path: string): string => (published(path) === null ? path : readOnly());
  const logFile = `${home}/audit/log.json`;
  let isOwn: boolean | undefined;
  return {
    published: {
      by: name,
      get profile() {
        return profile?.() ?? null;
      },
      get own() {
        if (isOwn === undefined) {
          const here = own.read(logFile, LIMITS.stateFileBytes);
          const there = here === null ? null : remote.read('audit/log.json', LIMITS.stateFileBytes);
          isOwn = here !== null && there !== null && equalBytes(here, there);
        }
        return isOwn;
      },
    },
    info(path) {
      const below = published(path);
      if (below !== null) return remote.info(below);
      // Without a home of its own there are no pins either, and nothing is authenticated.
      return own.info(path) ?? (path === home ? remote.directory() : null);
    },
    list(path) {
      const below = published(path);
      return below === null ? own.list(path) : remote.list(below);
    },
    read(path, maxBytes) {
      const below = published(path);
      return below === null ? own.read(path, maxBytes) : remote.read(below, maxBytes);
    },
    open(path, flags) {
      const below = published(path);
      if (below === null) return own.open(path, flags);
      return flags === 'read' ? remote.open(below) : readOnly();
    },
    makeDirectory: (path) => own.makeDirectory(writable(path)),
    rename: (from, to) => own.rename(writable(from), writable(to)),
    link: (from, to) => own.link(writable(from), writable(to)),
    remove: (path) => own.remove(writable(path)),
    removeDirectory: (path) => own.removeDirectory(writable(path)),
    syncDirectory: async (path) => own.syncDirectory(writable(path)),
    syncDirectoryNow: (path) => own.syncDirectoryNow(writable(path)),
    realPath: (path) => own.realPath(path),
    fileSystem: (path) => own.fileSystem(path),
    uid: () => own.uid(),
    temporaryDirectory: (prefix) => own.temporaryDirectory(prefix),
  };
}
