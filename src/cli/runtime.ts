// The composition root of a command: from flags, environment and configuration to what operations get. Built once per
// command by cli/base-command.ts; the real Host comes from cli/start.ts, or from a test.

import { resolve } from 'node:path';
import { fromUtf8 } from '../bytes/text.ts';
import type { ClientConfig } from '../config/client-config.ts';
import type { Crypto, ProviderName } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import type { Host, OnProgress } from '../host.ts';
import { LIMITS } from '../limits.ts';
import type { OnlineService, OperationDeps } from '../operations/deps.ts';
import type { TextModel } from '../ui/text-model.ts';
import { atPlace, readInputFile, resolvedFile } from './input-file.ts';
import { checkOutput, checkOutputDirectory, writeOutputFile } from './output-file.ts';
import { passphrases } from './unlock.ts';

/** Flags that `deps` reads; a command passes its own flags object. */
export interface DepsFlags {
  readonly 'passphrase-file'?: readonly string[] | undefined;
  readonly 'passphrase-fd'?: number | undefined;
  readonly 'new-passphrase-file'?: string | undefined;
  readonly 'dry-run'?: boolean | undefined;
  readonly 'lock-timeout'?: number | undefined;
}

/** What is to be confirmed by its id (cli rule 4). */
export interface Consent {
  /** What will happen, e.g. `approve proposal`. */
  readonly act: string;
  readonly id: string;
  /** `sha256:<hex>`. */
  readonly digest: string;
  /** The 12 words of the digest, shown before the question. */
  readonly words: string;
  /** Value of --expect-digest. */
  readonly expectDigest: string | undefined;
}

export interface Runtime {
  readonly host: Host;
  /** Absolute path of the home; it need not exist. */
  readonly home: string;
  readonly config: ClientConfig;
  /** Absolute path of the file that `config` was read from; null = defaults. */
  readonly configFile: string | null;
  /** True when run from src by bin/dev.js. */
  readonly development: boolean;
  /** Directory of the installed package. */
  readonly packageRoot: string;
  readonly providerName: ProviderName;
  /** The result is printed as JSON or YAML. */
  readonly structured: boolean;
  /** The server that was chosen, or null: this home, offline. */
  readonly online: OnlineService | null;
  /** Operations go to the server, or to this home. */
  deps(flags?: DepsFlags): OperationDeps;
  /** For reading: what the server publishes, judged here, in the place of this home's; else the same as `deps`. */
  readDeps(flags?: DepsFlags): Promise<OperationDeps>;
  /** For reading and then handing signed files in: `readDeps` that deliver to the server. */
  signDeps(flags?: DepsFlags): Promise<OperationDeps>;
  /** --signer, RONCTL_SIGNER or signer.default, in this order; undefined when none is set. */
  preferredSigner(flag: string | undefined): string | undefined;
  /** Absolute path of one that the user gave. */
  path(given: string): string;
  /** Absolute path, links resolved, of a file or directory that is read in place. NotFound names flag or argument. */
  inputPath(given: string, what?: 'file' | 'directory' | 'file or directory'): string;
  /** Bytes of a file or, for `-`, of standard input, which one argument may use. NotFound, TooLarge. */
  readInput(given: string, maxBytes: number): Promise<Uint8Array>;
  /** The same as strict UTF-8. */
  readText(given: string, maxBytes: number): Promise<string>;
  /** Absolute path of a directory that a command makes (`--out DIR`). NotFound, naming the flag, without its parent. */
  outputDirectory(given: string, flag?: string): string;
  /** Writes a file atomically (0600), or `-` to stdout instead of the result. Exists without `force`. */
  writeOutput(
    given: string,
    bytes: Uint8Array,
    options: { readonly force: boolean; readonly dryRun?: boolean },
  ): Promise<void>;
  /** True when `writeOutput` put bytes on stdout, so that the result must not follow them. */
  readonly stdoutTaken: boolean;
  /** Wants the last 8 characters of the id retyped, or the full digest by flag. Never skipped by --yes. */
  confirm(consent: Consent): Promise<void>;
  /** A harmless question; `yes` (the --yes flag) answers it. True for yes. */
  ask(question: string, yes: boolean): Promise<boolean>;
  /** One result of a stream, at once: an envelope on its line, or text. */
  emit(data: unknown, text: () => TextModel): Promise<void>;
}

export interface RuntimeParts {
  readonly host: Host;
  readonly home: string;
  readonly config: ClientConfig;
  /** Absolute path of the file that `config` was read from; null = defaults. */
  readonly configFile: string | null;
  readonly development: boolean;
  readonly packageRoot: string;
  readonly structured: boolean;
  readonly onProgress: OnProgress;
  /** The flags and arguments that a value was typed for. */
  readonly placesOf?: (given: string) => readonly string[];
  readonly emit: Runtime['emit'];
  /** Makes the server that was chosen; absent for a command that stays in this home. */
  readonly online?: (deps: () => OperationDeps) => OnlineService;
}

const TAIL = 8;

function providerOf(host: Pick<Host, 'env'>, config: ClientConfig): ProviderName {
  const value = host.env.get('RONCTL_CRYPTO_PROVIDER');
  if (value === undefined || value === '') return config.crypto.provider ?? 'native';
  if (value === 'native' || value === 'noble') return value;
  throw new RonError(
    'InvalidValue',
    `RONCTL_CRYPTO_PROVIDER: native or noble is expected, not ${JSON.stringify(value)}`,
    {
      field: 'RONCTL_CRYPTO_PROVIDER',
    },
  );
}

async function confirmTail(host: Host, { act, id, digest, words, expectDigest }: Consent): Promise<void> {
  if (expectDigest !== undefined) {
    if (expectDigest === digest) return;
    if (!/^sha256:[0-9a-f]{64}$/.test(expectDigest)) {
      throw new RonError('InvalidValue', `--expect-digest: not a digest: ${JSON.stringify(expectDigest)}`, {
        field: '--expect-digest',
        hint: 'Give it in full: sha256: and 64 lower-case hex digits.',
      });
    }
    throw new RonError('VerificationFailed', `the digest of ${id} is ${digest}, not the expected ${expectDigest}`, {
      field: '--expect-digest',
      hint: 'Do not act on it; ask its author which one is meant.',
    });
  }
  const tail = id.slice(-TAIL);
  if (!host.terminal.interactive) {
    throw new RonError('MissingAnswer', `${act} ${id} wants to be confirmed and there is no terminal to ask on`, {
      field: '--expect-digest',
      hint: `Compare the words with a second person, then give --expect-digest ${digest}`,
    });
  }
  host.log.notice(`${act} ${id}`);
  host.log.notice(`words: ${words}`);
  const typed = await host.terminal.readLine(`Type the last ${TAIL} characters of the id:`);
  if (typed.trim() === tail) return;
  throw new RonError('InvalidValue', `what was typed is not the end of ${id}; nothing was done`, {
    field: 'id',
    hint: `Compare the id and its words with its author; if it is the right one, run it again and type its last ${TAIL} characters.`,
  });
}

export function buildRuntime(parts: RuntimeParts): Runtime {
  const { host, home, config } = parts;
  const providerName = providerOf(host, config);
  let crypto: Promise<Crypto> | undefined;
  let stdinUser: string | undefined;
  let dashes = 0;
  let stdoutTaken = false;

  const claimStdin = (what: string): void => {
    if (stdinUser !== undefined) {
      throw new RonError('Usage', `standard input is used twice: by ${stdinUser} and by ${what}`, {
        hint: 'Only one argument may be - in one command.',
      });
    }
    stdinUser = what;
  };
  const path = (given: string): string => resolve(host.env.cwd, given);

  const online = parts.online?.(() => offline({})) ?? null;
  const offline = (flags: DepsFlags): OperationDeps => ({
    host,
    home,
    crypto: () => (crypto ??= import('../crypto/select.ts').then(({ loadCrypto }) => loadCrypto(providerName))),
    passphrases: passphrases(host, {
      files: flags['passphrase-file'] ?? [],
      descriptor: flags['passphrase-fd'],
      newFile: flags['new-passphrase-file'],
      resolvePath: path,
      claimStdin,
    }),
    askYes: host.terminal.interactive ? (question) => runtime.ask(question, false) : undefined,
    onProgress: parts.onProgress,
    dryRun: flags['dry-run'] ?? false,
    online: null,
    serverHere: async () => {
      const { serverOfHome } = await import('./online.ts');
      return serverOfHome({ host, home, config, configFile: parts.configFile, deps: () => offline({}) });
    },
    lockTimeoutMs: flags['lock-timeout'] ?? LIMITS.lockTimeoutMs,
  });

  const runtime: Runtime = {
    host,
    home,
    config,
    configFile: parts.configFile,
    development: parts.development,
    packageRoot: parts.packageRoot,
    providerName,
    structured: parts.structured,
    online,
    deps: (flags = {}) => ({ ...offline(flags), online }),
    readDeps: async (flags = {}) => (online === null ? offline(flags) : online.reading(offline(flags))),
    signDeps: async (flags = {}) => ({ ...(await runtime.readDeps(flags)), online }),
    preferredSigner: (flag) => flag ?? (host.env.get('RONCTL_SIGNER') || undefined) ?? config.signer.default,
    path,
    async readInput(given, maxBytes) {
      if (given === '-') {
        const places = parts.placesOf?.(given) ?? [];
        claimStdin(`${places[dashes++] ?? 'an argument given as'} -`);
        return host.terminal.readStdin(maxBytes);
      }
      return readInputFile(host, path(given), maxBytes, given, parts.placesOf?.(given)[0]);
    },
    inputPath(given, what) {
      try {
        return resolvedFile(host, path(given), given, 'Name a file that is there.', what);
      } catch (thrown) {
        throw atPlace(thrown, parts.placesOf?.(given)[0]);
      }
    },
    async readText(given, maxBytes) {
      const text = fromUtf8(await runtime.readInput(given, maxBytes));
      if (text === null) {
        throw atPlace(new RonError('Malformed', `${given}: not UTF-8 text`), parts.placesOf?.(given)[0]);
      }
      return text;
    },
    outputDirectory(given, flag = '--out') {
      checkOutputDirectory(host, path(given), flag);
      return path(given);
    },
    async writeOutput(given, bytes, { force, dryRun = false }) {
      if (given !== '-') {
        const write = async (): Promise<void> =>
          dryRun ? checkOutput(host, path(given), force) : writeOutputFile(host, path(given), bytes, force);
        await write().catch((thrown: unknown) => {
          throw atPlace(thrown, parts.placesOf?.(given)[0]);
        });
        return;
      }
      if (parts.structured) {
        throw new RonError('Usage', 'stdout cannot carry both the result and the file', {
          field: '--out',
          hint: 'Name a file, or leave --json and --output away.',
        });
      }
      if (dryRun) return;
      stdoutTaken = true;
      host.terminal.writeStdout(bytes);
    },
    get stdoutTaken() {
      return stdoutTaken;
    },
    confirm: (consent) => confirmTail(host, consent),
    async ask(question, yes) {
      if (yes) return true;
      if (!host.terminal.interactive) {
        throw new RonError('MissingAnswer', `${question}: there is no terminal to ask on`, {
          field: '--yes',
          hint: 'Give --yes.',
        });
      }
      return /^y(es)?$/i.test((await host.terminal.readLine(`${question} [y/N]`)).trim());
    },
    emit: parts.emit,
  };
  return runtime;
}
