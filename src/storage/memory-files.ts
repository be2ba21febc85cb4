// A complete `Files` in memory: the backend `inmem`, and amnesia (I-29), are the same custody store on it. Nothing of it ever
// touches a disk: there is no other file system behind it, and a path outside is absent. Same errors, modes and semantics as
// the real one: hard links share their bytes, an open file lives on after its name is gone, rename replaces. Symbolic links
// cannot be made. Refuses to grow beyond its capacity (StorageFault), as a full disk does.

import { RonError } from '../errors.ts';
import type { Clock, FileInfo, Files, Millis, OpenFile, Random } from '../host.ts';
import { directoryOf, nameOf } from './durable-file.ts';

const FIRST_BYTES = 1024;
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

interface FileNode {
  readonly type: 'file';
  bytes: Uint8Array;
  sizeBytes: number;
  links: number;
  openFiles: number;
  mtimeMs: Millis;
}

interface DirectoryNode {
  readonly type: 'directory';
  readonly entries: Map<string, Node>;
  mtimeMs: Millis;
}

type Node = FileNode | DirectoryNode;

export interface MemoryFilesOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Random;
  readonly uid: number;
  readonly capacityBytes: number;
}

function storageError(code: 'NotFound' | 'Exists' | 'UnsafeFile', path: string, act: string, why: string): RonError {
  return new RonError(code, `cannot ${act} ${path}: ${why}`);
}

const absent = (path: string, act: string): RonError =>
  storageError('NotFound', path, act, 'there is no such file or directory');

export class MemoryFiles implements Files {
  readonly #options: MemoryFilesOptions;
  readonly #root: DirectoryNode = { type: 'directory', entries: new Map(), mtimeMs: 0 };
  #used = 0;

  constructor(options: MemoryFilesOptions) {
    this.#options = options;
  }

  info(path: string): FileInfo | null {
    const node = this.#find(path);
    return node === null ? null : this.#infoOf(node);
  }

  list(path: string): string[] {
    const node = this.#find(path);
    if (node === null) return [];
    if (node.type !== 'directory') return [];
    return [...node.entries.keys()].sort();
  }

  read(path: string, maxBytes: number): Uint8Array | null {
    const node = this.#find(path);
    if (node === null) return null;
    if (node.type !== 'file') throw storageError('UnsafeFile', path, 'open', 'it is a directory');
    if (node.sizeBytes > maxBytes) throw new RonError('TooLarge', `${path} is larger than ${maxBytes} bytes`);
    return node.bytes.slice(0, node.sizeBytes);
  }

  open(path: string, flags: 'read' | 'write' | 'create-new'): OpenFile {
    const found = this.#find(path);
    if (flags === 'create-new') {
      if (found !== null) throw storageError('Exists', path, 'create', 'it exists already');
      const made: FileNode = {
        type: 'file',
        bytes: new Uint8Array(0),
        sizeBytes: 0,
        links: 1,
        openFiles: 0,
        mtimeMs: this.#now(),
      };
      this.#put(path, made, 'create');
      return this.#opened(made, path, true);
    }
    if (found === null) throw absent(path, 'open');
    if (found.type !== 'file') throw storageError('UnsafeFile', path, 'open', 'it is a directory');
    return this.#opened(found, path, flags === 'write');
  }

  makeDirectory(path: string): void {
    if (this.#find(path) !== null) throw storageError('Exists', path, 'make directory', 'it exists already');
    this.#put(path, { type: 'directory', entries: new Map(), mtimeMs: this.#now() }, 'make directory');
  }

  rename(from: string, to: string): void {
    const moved = this.#find(from);
    if (moved === null) throw absent(from, 'rename');
    const replaced = this.#find(to);
    if (replaced === moved) return;
    if (replaced?.type === 'directory' && moved.type === 'directory' && replaced.entries.size > 0) {
      throw storageError('Exists', to, 'rename to', 'the directory is not empty');
    }
    if (replaced !== null && replaced.type !== moved.type) {
      const why = replaced.type === 'directory' ? 'it is a directory' : 'a component of the path is no directory';
      throw storageError(replaced.type === 'directory' ? 'UnsafeFile' : 'NotFound', to, 'rename to', why);
    }
    if (to.startsWith(`${from}/`)) throw new RonError('StorageFault', `cannot rename ${from} into itself`);
    this.#put(to, moved, 'rename to');
    this.#parentOf(from, 'rename').entries.delete(nameOf(from));
    if (replaced?.type === 'file') this.#unlinked(replaced);
  }

  link(from: string, to: string): void {
    const node = this.#find(from);
    if (node === null) throw absent(from, 'create');
    if (node.type !== 'file') throw storageError('UnsafeFile', to, 'create', 'a directory has one name');
    if (this.#find(to) !== null) throw storageError('Exists', to, 'create', 'it exists already');
    this.#put(to, node, 'create');
    node.links++;
  }

  remove(path: string): void {
    const node = this.#find(path);
    if (node === null) throw absent(path, 'remove');
    if (node.type !== 'file') throw storageError('UnsafeFile', path, 'remove', 'it is a directory');
    this.#parentOf(path, 'remove').entries.delete(nameOf(path));
    this.#unlinked(node);
  }

  removeDirectory(path: string): void {
    const node = this.#find(path);
    if (node === null) throw absent(path, 'remove directory');
    if (node.type !== 'directory') {
      throw storageError('NotFound', path, 'remove directory', 'a component of the path is no directory');
    }
    if (node.entries.size > 0) throw storageError('Exists', path, 'remove directory', 'the directory is not empty');
    this.#parentOf(path, 'remove directory').entries.delete(nameOf(path));
  }

  async syncDirectory(path: string): Promise<void> {
    this.syncDirectoryNow(path);
  }

  syncDirectoryNow(path: string): void {
    const node = this.#find(path);
    if (node?.type !== 'directory') throw absent(path, 'open');
  }

  realPath(path: string): string {
    if (this.#find(path) === null) throw absent(path, 'resolve');
    return path;
  }

  fileSystem(path: string): { readonly type: string; readonly freeBytes: number; readonly totalBytes: number } {
    if (this.#find(path) === null) throw absent(path, 'examine the file system of');
    const { capacityBytes } = this.#options;
    return { type: 'memory', freeBytes: Math.max(0, capacityBytes - this.#used), totalBytes: capacityBytes };
  }

  uid(): number {
    return this.#options.uid;
  }

  temporaryDirectory(prefix: string): string {
    if (this.#find('/tmp') === null) this.makeDirectory('/tmp');
    const name = [...this.#options.random.bytes(6)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const path = `/tmp/${prefix}${name}`;
    this.makeDirectory(path);
    return path;
  }

  /** Forgets everything; bytes are overwritten. */
  clear(): void {
    const wipe = (node: Node): void => {
      if (node.type === 'file') node.bytes.fill(0);
      else for (const entry of node.entries.values()) wipe(entry);
    };
    wipe(this.#root);
    this.#root.entries.clear();
    this.#used = 0;
  }

  #opened(node: FileNode, path: string, writable: boolean): OpenFile {
    node.openFiles++;
    let isOpen = true;
    const demandOpen = (): void => {
      if (!isOpen) throw new RonError('StorageFault', `cannot use ${path}: it is closed`);
    };
    const demandWritable = (): void => {
      demandOpen();
      if (!writable) throw new RonError('StorageFault', `cannot write ${path}: it is open for reading`);
    };
    return {
      info: () => {
        demandOpen();
        return this.#infoOf(node);
      },
      stands: () => {
        demandOpen();
        return this.#find(path) === node;
      },
      read: (position, length) => {
        demandOpen();
        return node.bytes.slice(Math.min(position, node.sizeBytes), Math.min(position + length, node.sizeBytes));
      },
      write: (bytes, position) => {
        demandWritable();
        this.#grow(node, path, Math.max(node.sizeBytes, position + bytes.length));
        node.bytes.set(bytes, position);
        node.mtimeMs = this.#now();
      },
      truncate: (sizeBytes) => {
        demandWritable();
        if (sizeBytes < node.sizeBytes) node.bytes.fill(0, sizeBytes, node.sizeBytes);
        this.#grow(node, path, sizeBytes);
        node.mtimeMs = this.#now();
      },
      sync: async () => demandOpen(),
      syncNow: demandOpen,
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        node.openFiles--;
        this.#released(node);
      },
    };
  }

  /** Sets the size; what lies between is zero. */
  #grow(node: FileNode, path: string, sizeBytes: number): void {
    const more = sizeBytes - node.sizeBytes;
    if (more > 0 && this.#used + more > this.#options.capacityBytes) {
      throw new RonError('StorageFault', `cannot write ${path}: the memory for files is used up`, {
        hint: 'A service that keeps everything in memory has to be restarted.',
      });
    }
    if (sizeBytes > node.bytes.length) {
      const larger = new Uint8Array(Math.max(FIRST_BYTES, sizeBytes, node.bytes.length * 2));
      larger.set(node.bytes.subarray(0, node.sizeBytes));
      node.bytes = larger;
    }
    this.#used += more;
    node.sizeBytes = sizeBytes;
  }

  #unlinked(node: FileNode): void {
    node.links--;
    this.#released(node);
  }

  /** Bytes that no name and no open file holds any more. */
  #released(node: FileNode): void {
    if (node.links > 0 || node.openFiles > 0) return;
    this.#used -= node.sizeBytes;
    node.bytes.fill(0);
    node.bytes = new Uint8Array(0);
    node.sizeBytes = 0;
  }

  #put(path: string, node: Node, act: string): void {
    const parent = this.#parentOf(path, act);
    parent.entries.set(nameOf(path), node);
    parent.mtimeMs = this.#now();
  }

  #parentOf(path: string, act: string): DirectoryNode {
    const parent = this.#find(directoryOf(path));
    if (parent?.type !== 'directory') throw absent(path, act);
    return parent;
  }

  #find(path: string): Node | null {
    let node: Node = this.#root;
    for (const name of path.split('/')) {
      if (name === '') continue;
      if (node.type !== 'directory') return null;
      const next = node.entries.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  #infoOf(node: Node): FileInfo {
    const isFile = node.type === 'file';
    return {
      type: node.type,
      mode: isFile ? FILE_MODE : DIRECTORY_MODE,
      uid: this.#options.uid,
      sizeBytes: isFile ? node.sizeBytes : 0,
      mtimeMs: node.mtimeMs,
    };
  }

  #now(): Millis {
    return this.#options.clock.now();
  }
}
