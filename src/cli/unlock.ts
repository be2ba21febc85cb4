// Passphrases (store page 8): --passphrase-file F | ID=F | store=F, --passphrase-fd N, a systemd credential
// (`ronctl-store`, `ronctl-signer-ID` in $CREDENTIALS_DIRECTORY), the terminal. Never argv, never a variable.
// A file must be regular, ours, and readable by nobody else. Without a source: MissingAnswer naming the flag.

import { equalBytes } from '../bytes/equal.ts';
import { wipe } from '../bytes/wipe.ts';
import { RonError } from '../errors.ts';
import type { Host, Passphrases, StoreName } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { readDescriptor } from './descriptor.ts';
import { atPlace, resolvedFile } from './input-file.ts';

export interface PassphraseSources {
  readonly files: readonly string[];
  readonly descriptor: number | undefined;
  /** For `fresh` only; falls back to the other sources. */
  readonly newFile: string | undefined;
  readonly resolvePath: (path: string) => string;
  readonly claimStdin: (what: string) => void;
}

const LF = 0x0a;
const SCOPED = /^([a-z0-9][a-z0-9._-]{0,63})=(.+)$/s;

const FILE_FLAG = '--passphrase-file';
const PIPE_HINT = 'Name a regular file; for a pipe use --passphrase-fd N.';

const keyOf = (of: StoreName): string => (of.store === 'custody' ? 'store' : of.id);
const nameOf = (of: StoreName): string => (of.store === 'custody' ? 'the custody store' : `signer ${of.id}`);
const credentialOf = (of: StoreName): string => (of.store === 'custody' ? 'ronctl-store' : `ronctl-signer-${of.id}`);

/** Reads an open descriptor to its end. */
async function fromOpen(fd: number, source: string, field: string): Promise<Uint8Array> {
  try {
    return trimmed(await readDescriptor(fd, LIMITS.passphraseBytes + 1, source), source, field);
  } catch (thrown) {
    throw atPlace(thrown, field);
  }
}

/** Drops one final LF and checks the bounds; wipes what it was given. */
function trimmed(bytes: Uint8Array, source: string, field: string): Uint8Array {
  const end = bytes.at(-1) === LF ? bytes.length - 1 : bytes.length;
  const out = bytes.slice(0, end);
  wipe(bytes);
  if (out.length >= 1 && out.length <= LIMITS.passphraseBytes) return out;
  const { length } = out;
  wipe(out);
  throw new RonError(
    'InvalidValue',
    length === 0
      ? `${source}: the passphrase is empty; 1 to ${LIMITS.passphraseBytes} bytes are expected`
      : `${source}: the passphrase is longer than ${LIMITS.passphraseBytes} bytes`,
    { field, hint: 'Give the file or descriptor that holds the passphrase in its one line.' },
  );
}

export function passphrases(host: Host, sources: PassphraseSources): Passphrases {
  const scoped = new Map<string, string>();
  const bare: string[] = [];
  for (const value of sources.files) {
    const match = SCOPED.exec(value);
    if (match === null) bare.push(value);
    else if (scoped.has(match[1]!))
      throw new RonError('Usage', `--passphrase-file names ${match[1]} twice`, { field: '--passphrase-file' });
    else scoped.set(match[1]!, match[2]!);
  }
  if (bare.length > 1) {
    throw new RonError('Usage', 'several files need their store: --passphrase-file ID=FILE or store=FILE', {
      field: '--passphrase-file',
    });
  }
  if (sources.descriptor !== undefined && bare.length > 0) {
    throw new RonError('Usage', 'give --passphrase-file or --passphrase-fd, not both', { field: '--passphrase-fd' });
  }
  // A source without a name belongs to the first store that asks: two stores never share a passphrase by accident.
  let owner: string | undefined;
  let fromDescriptor: Uint8Array | undefined;

  const own = (of: StoreName, source: string): void => {
    owner ??= keyOf(of);
    if (owner === keyOf(of)) return;
    throw new RonError(
      'MissingAnswer',
      `${source} was given for ${owner === 'store' ? 'the custody store' : `signer ${owner}`}; ${nameOf(of)} needs its own`,
      {
        field: '--passphrase-file',
        hint: `Name the stores: --passphrase-file ${owner}=FILE --passphrase-file ${keyOf(of)}=FILE`,
      },
    );
  };

  const fromStdin = async (flag: string): Promise<Uint8Array> => {
    if (fromDescriptor === undefined) {
      sources.claimStdin(`${flag} -`);
      fromDescriptor = await fromOpen(0, 'standard input', flag);
    }
    return fromDescriptor.slice();
  };

  const fromFile = async (path: string, checked = true, flag = FILE_FLAG): Promise<Uint8Array> => {
    if (path === '-') return fromStdin(flag);
    const absolute = sources.resolvePath(path);
    try {
      const file = host.files.open(resolvedFile(host, absolute, path, PIPE_HINT), 'read');
      try {
        const info = file.info();
        if (checked && (info.uid !== host.files.uid() || (info.mode & 0o077) !== 0)) {
          throw new RonError('UnsafeFile', `${path}: a passphrase file belongs to you and is readable by nobody else`, {
            hint: info.uid === host.files.uid() ? `chmod 600 ${path}` : `Give a file of your own instead of ${path}.`,
          });
        }
        return trimmed(file.read(0, LIMITS.passphraseBytes + 2), path, flag);
      } finally {
        file.close();
      }
    } catch (thrown) {
      throw atPlace(thrown, flag, thrown instanceof RonError && thrown.code === 'UnsafeFile' ? PIPE_HINT : undefined);
    }
  };

  const given = async (of: StoreName): Promise<Uint8Array | null> => {
    const mine = scoped.get(keyOf(of));
    if (mine !== undefined) return fromFile(mine);
    if (bare[0] !== undefined) {
      own(of, '--passphrase-file');
      return fromFile(bare[0]);
    }
    if (sources.descriptor !== undefined) {
      own(of, '--passphrase-fd');
      if (sources.descriptor === 0 && fromDescriptor === undefined) sources.claimStdin('--passphrase-fd 0');
      const source = `descriptor ${sources.descriptor}`;
      fromDescriptor ??= await fromOpen(sources.descriptor, source, '--passphrase-fd');
      return fromDescriptor.slice();
    }
    const directory = host.env.get('CREDENTIALS_DIRECTORY');
    if (directory === undefined || directory === '') return null;
    const credential = `${directory}/${credentialOf(of)}`;
    return host.files.info(credential) === null ? null : fromFile(credential, false);
  };

  const missing = (of: StoreName): never => {
    const others = [...scoped.keys()].map((key) => (key === 'store' ? 'the custody store' : `signer ${key}`));
    throw new RonError(
      'MissingAnswer',
      others.length === 0
        ? `the passphrase of ${nameOf(of)} is needed and there is no terminal to ask on`
        : `the passphrase of ${nameOf(of)} is needed; --passphrase-file was given for ${others.join(', ')} only`,
      {
        field: '--passphrase-file',
        hint: `Give --passphrase-file ${keyOf(of)}=FILE, or --passphrase-fd N.`,
      },
    );
  };

  const ask = async (question: string): Promise<Uint8Array> => {
    const typed = await host.terminal.readSecret(question);
    if (typed.length > 0) return typed;
    throw new RonError('InvalidValue', 'an empty passphrase is refused', { hint: 'Run it again and type one.' });
  };

  return {
    async existing(of) {
      const found = await given(of);
      if (found !== null) return found;
      if (!host.terminal.interactive) return missing(of);
      return ask(`Passphrase of ${nameOf(of)}: `);
    },
    async fresh(of) {
      if (sources.newFile !== undefined) return fromFile(sources.newFile, true, '--new-passphrase-file');
      const found = await given(of);
      if (found !== null) return found;
      if (!host.terminal.interactive) return missing(of);
      const first = await ask(`New passphrase of ${nameOf(of)}: `);
      const second = await ask('Again: ');
      const same = equalBytes(first, second);
      wipe(second);
      if (same) return first;
      wipe(first);
      throw new RonError('InvalidValue', 'the two passphrases differ; nothing was done', { hint: 'Run it again.' });
    },
  };
}
