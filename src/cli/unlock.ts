// Passphrases (store page 8): --passphrase-file F | ID=F | store=F, --passphrase-fd N, a systemd credential
// (`ronctl-store`, `ronctl-signer-ID` in $CREDENTIALS_DIRECTORY), the terminal. Never argv, never a variable.
// A file must be regular, ours, and readable by nobody else. Without a source: MissingAnswer naming the flag.

import { equalBytes } from '../bytes/equal.ts';
import { wipe } from '../bytes/wipe.ts';
import { RonError } from '../errors.ts';
import type { Host, Passphrases, StoreName } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { readDescriptor } from './node-terminal.ts';

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

const keyOf = (of: StoreName): string => (of.store === 'custody' ? 'store' : of.id);
const nameOf = (of: StoreName): string => (of.store === 'custody' ? 'the custody store' : `signer ${of.id}`);
const credentialOf = (of: StoreName): string => (of.store === 'custody' ? 'ronctl-store' : `ronctl-signer-${of.id}`);

/** Drops one final LF and checks the bounds; wipes what it was given. */
function trimmed(bytes: Uint8Array, source: string): Uint8Array {
  const end = bytes.at(-1) === LF ? bytes.length - 1 : bytes.length;
  const out = bytes.slice(0, end);
  wipe(bytes);
  if (out.length >= 1 && out.length <= LIMITS.passphraseBytes) return out;
  const { length } = out;
  wipe(out);
  throw new RonError(
    'InvalidValue',
    `${source}: a passphrase has 1 to ${LIMITS.passphraseBytes} bytes, ${length} found`,
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

  const fromFile = (path: string, checked = true): Uint8Array => {
    const real = host.files.realPath(sources.resolvePath(path));
    const file = host.files.open(real, 'read');
    try {
      const info = file.info();
      if (checked && (info.uid !== host.files.uid() || (info.mode & 0o077) !== 0)) {
        throw new RonError('UnsafeFile', `${path}: a passphrase file belongs to you and is readable by nobody else`, {
          field: '--passphrase-file',
          hint: `chmod 600 ${path}`,
        });
      }
      return trimmed(file.read(0, LIMITS.passphraseBytes + 2), path);
    } finally {
      file.close();
    }
  };

  const given = (of: StoreName): Uint8Array | null => {
    const mine = scoped.get(keyOf(of));
    if (mine !== undefined) return fromFile(mine);
    if (bare[0] !== undefined) {
      own(of, '--passphrase-file');
      return fromFile(bare[0]);
    }
    if (sources.descriptor !== undefined) {
      own(of, '--passphrase-fd');
      if (sources.descriptor === 0) sources.claimStdin('--passphrase-fd 0');
      const source = `descriptor ${sources.descriptor}`;
      fromDescriptor ??= trimmed(readDescriptor(sources.descriptor, LIMITS.passphraseBytes + 1, source), source);
      return fromDescriptor.slice();
    }
    const directory = host.env.get('CREDENTIALS_DIRECTORY');
    if (directory === undefined || directory === '') return null;
    const credential = `${directory}/${credentialOf(of)}`;
    return host.files.info(credential) === null ? null : fromFile(credential, false);
  };

  const missing = (of: StoreName): never => {
    throw new RonError(
      'MissingAnswer',
      `the passphrase of ${nameOf(of)} is needed and there is no terminal to ask on`,
      {
        field: '--passphrase-file',
        hint: `Give --passphrase-file ${keyOf(of)}=FILE, or --passphrase-fd N.`,
      },
    );
  };

  const ask = async (question: string): Promise<Uint8Array> => {
    const typed = await host.terminal.readSecret(question);
    if (typed.length > 0) return typed;
    throw new RonError('InvalidValue', 'an empty passphrase is refused');
  };

  return {
    async existing(of) {
      const found = given(of);
      if (found !== null) return found;
      if (!host.terminal.interactive) return missing(of);
      return ask(`Passphrase of ${nameOf(of)}: `);
    },
    async fresh(of) {
      if (sources.newFile !== undefined) return fromFile(sources.newFile);
      const found = given(of);
      if (found !== null) return found;
      if (!host.terminal.interactive) return missing(of);
      const first = await ask(`New passphrase of ${nameOf(of)}: `);
      const second = await ask('Again: ');
      const same = equalBytes(first, second);
      wipe(second);
      if (same) return first;
      wipe(first);
      throw new RonError('InvalidValue', 'the two passphrases differ');
    },
  };
}
