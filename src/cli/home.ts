// Where the home and the client configuration are (cli rule 7, service page 6): RONCTL_HOME, else home.dir of the
// configuration, else the XDG state directory. With RONCTL_HOME set nothing outside it is read unasked.

import { isAbsolute, join, resolve } from 'node:path';
import { fromUtf8 } from '../bytes/text.ts';
import { type ClientConfig, EMPTY_CLIENT_CONFIG, parseClientConfig } from '../config/client-config.ts';
import { RonError } from '../errors.ts';
import type { Files, Host } from '../host.ts';
import { atPlace } from './input-file.ts';

const CONFIG_BYTES = 64 * 1024;

const variable = (host: Pick<Host, 'env'>, name: string): string | undefined => {
  const value = host.env.get(name);
  return value === undefined || value === '' ? undefined : value;
};

/** An XDG base directory: the variable when it is absolute, else the default below the user's own directory. */
function xdg(host: Pick<Host, 'env'>, name: string, fallback: string): string {
  const value = variable(host, name);
  return value !== undefined && isAbsolute(value) ? value : join(host.env.user.homeDirectory, fallback);
}

export interface LoadedConfig {
  readonly config: ClientConfig;
  /** Absolute; null when no file was found. */
  readonly file: string | null;
}

function configBytes(files: Files, file: string, place: string | undefined): Uint8Array | null {
  try {
    return files.read(file, CONFIG_BYTES);
  } catch (thrown) {
    throw atPlace(thrown, place);
  }
}

/** The first file found is used, never merged; a file that a flag or variable names must exist. */
export async function loadClientConfig(
  host: Pick<Host, 'env' | 'files'>,
  flag: string | undefined,
): Promise<LoadedConfig> {
  const named = flag ?? variable(host, 'RONCTL_CONFIG');
  const home = variable(host, 'RONCTL_HOME');
  const file = resolve(
    host.env.cwd,
    named ?? join(home ?? join(xdg(host, 'XDG_CONFIG_HOME', '.config'), 'ronctl'), 'config.toml'),
  );
  const place = flag !== undefined ? '--config' : named !== undefined ? 'RONCTL_CONFIG' : undefined;
  const bytes = configBytes(host.files, file, place);
  if (bytes === null) {
    if (named === undefined) return { config: EMPTY_CLIENT_CONFIG, file: null };
    throw new RonError('NotFound', `there is no configuration file ${file}`, {
      field: place!,
      hint: 'Check the path.',
    });
  }
  const text = fromUtf8(bytes);
  if (text === null) {
    throw new RonError('RefusedConfig', `${file}: not UTF-8`, { hint: 'Write it as TOML, in UTF-8.' });
  }
  return { config: await parseClientConfig(text, file), file };
}

/** Absolute path of the home; it need not exist. */
export function homePath(host: Pick<Host, 'env'>, { config, file }: LoadedConfig): string {
  const named = variable(host, 'RONCTL_HOME');
  if (named !== undefined) return resolve(host.env.cwd, named);
  if (config.home.dir !== undefined && file !== null) return resolve(file, '..', config.home.dir);
  return join(xdg(host, 'XDG_STATE_HOME', '.local/state'), 'ronctl');
}
