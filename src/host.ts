// What the program asks of the outside: interfaces only. The real one is cli/node-host.ts; tests replace single members.

/** Milliseconds since the Unix epoch. */
export type Millis = number;

/** A moment as it is judged (governance page 11): wall clock, and time since boot for comparisons within one boot. */
export interface Moment {
  /** RFC 3339 UTC with milliseconds. */
  readonly wall: string;
  readonly boot_id: string;
  readonly boottime_ms: number;
}

export interface Clock {
  /** Wall clock, ms since the epoch. */
  now(): Millis;
  /** Monotonic ms, for durations within this process. */
  monotonicMs(): number;
  /** `round(uptime * 1000)`. */
  uptimeMs(): number;
  /** Changes at every boot; opaque. */
  bootId(): string;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  bytes(length: number): Uint8Array;
}

export type FileType = 'file' | 'directory' | 'symlink' | 'other';

export interface FileInfo {
  readonly type: FileType;
  /** Permission bits, e.g. 0o600. */
  readonly mode: number;
  readonly uid: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

/** An open file. Every method maps to one system call that a fault test can fail. */
export interface OpenFile {
  info(): FileInfo;
  /** The path that it was opened by still names this very file; false once that was moved, removed or replaced. */
  stands(): boolean;
  /**
   * Reads up to `length` bytes at `position`; shorter at the end of the file. `into`, of at least that length, is memory
   * that the answer may lie in.
   */
  read(position: number, length: number, into?: Uint8Array): Uint8Array;
  /** Writes all bytes at `position`, or throws. A short write is an error. */
  write(bytes: Uint8Array, position: number): void;
  truncate(sizeBytes: number): void;
  /** fdatasync or stronger. */
  sync(): Promise<void>;
  syncNow(): void;
  close(): void;
}

/** Bytes for a place in an open file. */
export interface PlacedBytes {
  readonly file: OpenFile;
  readonly bytes: Uint8Array;
  readonly position: number;
}

/** Where the public files of the home come from, when not from this disk. They never vouch for themselves. */
export interface PublishedBy {
  /** Name of the server. */
  readonly by: string;
  /** It serves this very home: its log is the one that lies here. */
  readonly own: boolean;
  /** What the server says its profile is, while it has no ledger that would say so; null = not known. */
  readonly profile: string | null;
}

/**
 * Files by absolute path. Errors are `RonError`: NotFound, Exists, UnsafeFile, StorageFault (ENOSPC, EIO, EROFS, ...).
 * Nothing follows a symbolic link in the last component.
 */
export interface Files {
  /** Set when store/, ledger/ and audit/ of the home are those of a running server. */
  readonly published?: PublishedBy;
  /** lstat; null when absent. */
  info(path: string): FileInfo | null;
  /** Names in a directory, sorted by UTF-16; empty when absent. */
  list(path: string): string[];
  /** Whole file; null when absent. Refuses more than `maxBytes` before reading. */
  read(path: string, maxBytes: number): Uint8Array | null;
  open(path: string, flags: 'read' | 'write' | 'create-new'): OpenFile;
  /**
   * Writes each, synced before the next; resolves when the last one is durable, to whether all files still stand. The first
   * error ends it. There where a thread of its own does it; elsewhere storage/durable-file.ts takes the same steps.
   */
  readonly writeInOrder?: (writes: readonly PlacedBytes[]) => Promise<boolean>;
  makeDirectory(path: string): void;
  rename(from: string, to: string): void;
  /** Hard link; Exists when `to` is there. The no-overwrite publish. */
  link(from: string, to: string): void;
  remove(path: string): void;
  removeDirectory(path: string): void;
  /** fsync of a directory. */
  syncDirectory(path: string): Promise<void>;
  /** The same, and the process waits: not while a server answers. */
  syncDirectoryNow(path: string): void;
  /** Resolves symbolic links of a path that the user gave (not inside a home). */
  realPath(path: string): string;
  fileSystem(path: string): { readonly type: string; readonly freeBytes: number; readonly totalBytes: number };
  /** Effective uid of this process. */
  uid(): number;
  temporaryDirectory(prefix: string): string;
}

export interface Lock {
  release(): void;
}

export interface Locks {
  /** Kernel lock on one lock file (created when missing), or null when another process holds it after `timeoutMs`. */
  acquire(path: string, timeoutMs: number): Promise<Lock | null>;
}

export interface Terminal {
  /** Both stdin and stderr are terminals, so a question can be asked. */
  readonly interactive: boolean;
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  readonly columns: number;
  /** Reads one line of bytes without echo; the caller wipes them. Throws Interrupted on Ctrl-C. */
  readSecret(prompt: string): Promise<Uint8Array>;
  /** Asks on stderr, reads one line. */
  readLine(prompt: string): Promise<string>;
  /** All of standard input. */
  readStdin(maxBytes: number): Promise<Uint8Array>;
  writeStdout(bytes: Uint8Array | string): void;
  writeStderr(text: string): void;
}

export interface Env {
  get(name: string): string | undefined;
  /** Every name that is set. */
  names(): readonly string[];
  readonly platform: string;
  readonly arch: string;
  readonly hostname: string;
  readonly cpus: number;
  /** uid and login of the account that runs this. */
  readonly user: { readonly uid: number; readonly login: string; readonly homeDirectory: string };
  readonly cwd: string;
  readonly pid: number;
}

export interface Log {
  /** A notice for the operator, one line on stderr. */
  notice(line: string): void;
  warn(line: string): void;
}

export interface ProcessResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly durationMs: number;
}

export interface Processes {
  /** Runs a program by argv, without a shell, with exactly the variables given. */
  run(
    argv: readonly string[],
    options: {
      readonly env: Readonly<Record<string, string>>;
      readonly cwd?: string;
      readonly stdin?: Uint8Array;
      readonly timeoutMs?: number;
    },
  ): Promise<ProcessResult>;
}

export interface Workers {
  readonly parallelism: number;
  /** Starts the threads, all but this one, in which `run` will soon be asked for the task. */
  prepare(task: string): void;
  /**
   * Runs a named task of cli/worker.ts, in a worker thread or inline; `input` must be structured-clonable. `onPart` gets what
   * the task gives out on its way.
   */
  run<T>(task: string, input: unknown, onPart?: (part: unknown) => void): Promise<T>;
}

export interface Host {
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly locks: Locks;
  readonly terminal: Terminal;
  readonly env: Env;
  readonly log: Log;
  readonly processes: Processes;
  readonly workers: Workers;
}

export interface ProgressEvent {
  readonly phase: string;
  readonly done: number;
  readonly total?: number;
  /** e.g. `records`, `bytes`. */
  readonly unit: string;
}

export type OnProgress = (event: ProgressEvent) => void;

/** Which sealed store a passphrase belongs to. */
export type StoreName = { readonly store: 'custody' } | { readonly store: 'signer'; readonly id: string };

/**
 * Where passphrases come from (file, descriptor, terminal); built in cli/unlock.ts, called only when a private key is
 * really needed. The callee wipes the bytes it gets. 1..1024 bytes, one final LF already dropped.
 */
export interface Passphrases {
  /** The passphrase of an existing store. MissingAnswer without a source. */
  existing(of: StoreName): Promise<Uint8Array>;
  /** A new one; typed twice at a terminal. */
  fresh(of: StoreName): Promise<Uint8Array>;
}
