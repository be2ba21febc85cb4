// Host.Terminal: writes that report a full disk and fall silent on a closed pipe, whole standard input, and the reader of
// secrets: raw mode, bytes into one buffer, no echo, no reveal key, nothing through a string (D-24).

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { utf8 } from '../bytes/text.ts';
import { wipe } from '../bytes/wipe.ts';
import { RonError } from '../errors.ts';
import type { Terminal } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { readDescriptor } from './descriptor.ts';
import { fileError } from './node-files.ts';

const errnoOf = (thrown: unknown): unknown => (thrown instanceof Error && 'code' in thrown ? thrown.code : undefined);

/** Waits without a timer: a pipe that is full and does not block. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
}

/** Writes everything to a descriptor. False when its reader is gone. */
function writeAll(fd: number, bytes: Uint8Array, name: string): boolean {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (thrown) {
      const errno = errnoOf(thrown);
      if (errno === 'EPIPE') return false;
      if (errno !== 'EAGAIN') throw fileError(thrown, name, 'write');
      pause();
    }
  }
  return true;
}

const ENTER = new Set([0x0d, 0x0a]);
const ERASE = new Set([0x7f, 0x08]);
const INTERRUPT = 0x03;
const END = 0x04;
const KILL_LINE = 0x15;

/** The line editor of the secret reader, on bytes. */
class SecretLine {
  readonly #bytes = new Uint8Array(LIMITS.passphraseBytes);
  #length = 0;

  /** What the byte ended: the line, by Enter; everything, by Ctrl-C or by Ctrl-D on an empty line. */
  type(byte: number): 'more' | 'line' | 'interrupt' {
    if (ENTER.has(byte)) return 'line';
    if (byte === INTERRUPT || (byte === END && this.#length === 0)) return 'interrupt';
    if (ERASE.has(byte)) this.#erase();
    else if (byte === KILL_LINE) this.wipe();
    else {
      if (this.#length === this.#bytes.length) {
        throw new RonError('InvalidValue', `a passphrase has at most ${LIMITS.passphraseBytes} bytes`);
      }
      this.#bytes[this.#length++] = byte;
    }
    return 'more';
  }

  /** Takes one UTF-8 character back. */
  #erase(): void {
    while (this.#length > 0) {
      const byte = this.#bytes[--this.#length]!;
      this.#bytes[this.#length] = 0;
      if ((byte & 0xc0) !== 0x80) return;
    }
  }

  take(): Uint8Array {
    const line = this.#bytes.slice(0, this.#length);
    this.wipe();
    return line;
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#length = 0;
  }
}

/** Reads secrets from a terminal. What was pasted behind one line answers the next question. */
class SecretReader {
  readonly #input = process.stdin;
  #pasted = new Uint8Array(0);

  /** `ask` shows the question; it is called when nothing is echoed any more. */
  read(ask: () => void): Promise<Uint8Array> {
    const line = new SecretLine();
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        this.#input.off('data', onData).off('end', onEnd).pause();
        this.#input.setRawMode(false);
        line.wipe();
        settle();
      };
      const stop = (why: string): void => finish(() => reject(new RonError('Interrupted', why)));
      const onEnd = (): void => stop('the terminal was closed while a passphrase was read');
      const onData = (chunk: Uint8Array): void => {
        try {
          const outcome = this.#type(line, chunk);
          if (outcome === 'interrupt') stop('interrupted while a passphrase was read');
          else if (outcome !== 'more') finish(() => resolve(outcome));
        } catch (thrown) {
          finish(() => reject(thrown));
        } finally {
          wipe(chunk);
        }
      };
      this.#input.setRawMode(true);
      this.#input.on('data', onData).on('end', onEnd).resume();
      ask();
      const pasted = this.#pasted;
      this.#pasted = new Uint8Array(0);
      if (pasted.length > 0) onData(pasted);
    });
  }

  /** Types bytes up to the end of a line and keeps the rest; the line when it ended. */
  #type(line: SecretLine, chunk: Uint8Array): Uint8Array | 'more' | 'interrupt' {
    for (const [at, byte] of chunk.entries()) {
      const outcome = line.type(byte);
      if (outcome === 'more') continue;
      if (outcome === 'interrupt') return outcome;
      // Ctrl-C typed behind the line, before the terminal left raw mode, is still Ctrl-C.
      if (chunk.includes(INTERRUPT, at + 1)) return 'interrupt';
      // Not slice: that of a Buffer is a view of the chunk, which is wiped.
      this.#pasted = new Uint8Array(chunk.subarray(at + 1));
      return line.take();
    }
    return 'more';
  }
}

/** Descriptors of the standard streams. */
export interface Streams {
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
}

export function nodeTerminal({ stdin, stdout, stderr }: Streams = { stdin: 0, stdout: 1, stderr: 2 }): Terminal {
  const stdoutIsTty = isatty(stdout);
  const stderrIsTty = isatty(stderr);
  const interactive = isatty(stdin) && stderrIsTty;
  let stdoutOpen = true;
  let secrets: SecretReader | undefined;
  const needTerminal = (): void => {
    if (!interactive) throw new RonError('MissingAnswer', 'an answer is needed and there is no terminal to ask on');
  };
  const writeStderr = (text: string): void => {
    try {
      writeAll(stderr, utf8(text), 'standard error');
    } catch {
      // A full disk under stderr: nowhere is left to say so, and the exit code must stay what it is.
    }
  };
  return {
    interactive,
    stdoutIsTty,
    stderrIsTty,
    get columns() {
      return process.stdout.columns ?? 80;
    },
    async readSecret(prompt) {
      needTerminal();
      secrets ??= new SecretReader();
      try {
        return await secrets.read(() => writeStderr(prompt));
      } finally {
        writeStderr('\n');
      }
    },
    async readLine(prompt) {
      needTerminal();
      const { askLine } = await import('../ui/prompt.ts');
      return askLine(prompt);
    },
    readStdin: (maxBytes) => readDescriptor(stdin, maxBytes, 'standard input'),
    writeStdout(bytes) {
      if (stdoutOpen) stdoutOpen = writeAll(stdout, typeof bytes === 'string' ? utf8(bytes) : bytes, 'standard output');
    },
    writeStderr,
  };
}
