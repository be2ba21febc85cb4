// Reads an inherited descriptor to its end (`-`, --passphrase-fd N): a pipe or terminal through the event loop, so that
// Ctrl-C and SIGTERM end the wait. Refuses a descriptor that the caller did not hand over: the runtime has pipes and event
// descriptors of its own under low numbers, and reading one would wait for ever.

import { fstatSync, readSync, type Stats, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { wipe } from '../bytes/wipe.ts';
import { RonError } from '../errors.ts';
import { fileError } from './node-files.ts';

const CHUNK_BYTES = 65_536;
/** Descriptors that are looked at for the other end of a pipe. */
const NEAR = 64;

function statOf(fd: number): Stats | null {
  try {
    return fstatSync(fd);
  } catch {
    return null;
  }
}

/** Zero bytes are refused by a descriptor that is not open for writing, and change nothing on one that is. */
function isWritable(fd: number): boolean {
  try {
    writeSync(fd, new Uint8Array(0));
    return true;
  } catch {
    return false;
  }
}

/** True when this process holds the writing end too: such a pipe never ends. */
function isOwnPipe(fd: number, { dev, ino }: Stats): boolean {
  for (let other = 0; other < NEAR; other++) {
    const found = other === fd ? null : statOf(other);
    if (found?.isFIFO() === true && found.dev === dev && found.ino === ino && isWritable(other)) return true;
  }
  return false;
}

const notOpen = (name: string): RonError =>
  new RonError('InvalidValue', `${name} is not open for reading`, {
    hint: 'Open it for the command, for example: --passphrase-fd 3 3<FILE',
  });

class Collected {
  readonly #chunks: Uint8Array[] = [];
  readonly #maxBytes: number;
  readonly #name: string;
  #size = 0;

  constructor(maxBytes: number, name: string) {
    this.#maxBytes = maxBytes;
    this.#name = name;
  }

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size <= this.#maxBytes) return;
    this.wipe();
    throw new RonError('TooLarge', `${this.#name} holds more than ${this.#maxBytes} bytes`);
  }

  /** Everything in one array; the parts are wiped. */
  take(): Uint8Array {
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.wipe();
    return whole;
  }

  wipe(): void {
    for (const chunk of this.#chunks) wipe(chunk);
  }
}

/** Regular files and devices that never block. */
function readNow(fd: number, into: Collected, name: string): void {
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    let count: number;
    try {
      count = readSync(fd, chunk, 0, chunk.length, null);
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EBADF') throw notOpen(name);
      throw fileError(thrown, name, 'read');
    }
    if (count === 0) return;
    into.add(chunk.subarray(0, count));
  }
}

async function streamOf(fd: number): Promise<NodeJS.ReadableStream & { destroy(): unknown }> {
  if (fd === 0) return process.stdin;
  if (isatty(fd)) return new (await import('node:tty')).ReadStream(fd);
  return new (await import('node:net')).Socket({ fd, readable: true, writable: false });
}

async function readStream(fd: number, into: Collected, name: string): Promise<void> {
  const stream = await streamOf(fd);
  try {
    for await (const chunk of stream) into.add(chunk as Uint8Array);
  } catch (thrown) {
    throw fileError(thrown, name, 'read');
  } finally {
    stream.destroy();
  }
}

/** All bytes. InvalidValue when it is not open for reading, TooLarge beyond `maxBytes`. `name` stands in errors. */
export async function readDescriptor(fd: number, maxBytes: number, name: string): Promise<Uint8Array> {
  const stats = statOf(fd);
  const waits = stats !== null && (stats.isFIFO() || stats.isSocket() || isatty(fd));
  const known = stats !== null && (waits || stats.isFile() || stats.isCharacterDevice());
  // 1 and 2 are where the results go, even when a terminal or socket stands there that could be read.
  if (fd === 1 || fd === 2 || !known || (stats.isFIFO() && (isWritable(fd) || isOwnPipe(fd, stats))))
    throw notOpen(name);
  const into = new Collected(maxBytes, name);
  if (waits) await readStream(fd, into, name);
  else readNow(fd, into, name);
  return into.take();
}
