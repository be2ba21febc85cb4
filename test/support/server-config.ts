// Sources of a server configuration for tests: an environment of exactly these variables, files in a map, one home.

import { type ResolvedServerConfig, resolveServerConfig } from '../../src/config/server-load.ts';
import type { FixedProfile } from '../../src/config/server-merge.ts';
import type { ServerFlags } from '../../src/config/server-sources.ts';
import { RonError } from '../../src/errors.ts';
import type { Env, FileInfo, Files } from '../../src/host.ts';

export interface TestSources {
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: ServerFlags;
  /** The text of /h/ron-kms.toml. */
  readonly file?: string;
  /** Further files by path: text, or text and mode. */
  readonly files?: Readonly<Record<string, string | { readonly text: string; readonly mode: number }>>;
  readonly fixed?: FixedProfile;
  readonly fileSystem?: string;
  readonly uid?: number;
}

export const HOME = '/h';

export function environment(variables: Readonly<Record<string, string>>): Env {
  return {
    get: (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined),
    names: () => Object.keys(variables),
    platform: 'linux',
    arch: 'x64',
    hostname: 'host',
    cpus: 2,
    user: { uid: 1000, login: 'u', homeDirectory: '/people/u' },
    cwd: '/work-here',
    pid: 1,
  };
}

function never(): never {
  throw new RonError('Internal', 'a configuration reads and asks, and nothing else');
}

export function filesOf(sources: TestSources): Files {
  const all = new Map<string, { readonly text: string; readonly mode: number }>();
  const put = (path: string, text: string, mode = 0o600): Map<string, unknown> => all.set(path, { text, mode });
  if (sources.file !== undefined) put(`${HOME}/ron-kms.toml`, sources.file);
  for (const [path, one] of Object.entries(sources.files ?? {})) {
    if (typeof one === 'string') put(path, one);
    else put(path, one.text, one.mode);
  }
  const info = (path: string): FileInfo | null => {
    const file = all.get(path);
    if (file === undefined) return null;
    return { type: 'file', mode: file.mode, uid: 1000, sizeBytes: file.text.length, mtimeMs: 0 };
  };
  return {
    info,
    list: () => [],
    read: (path) => {
      const file = all.get(path);
      return file === undefined ? null : new TextEncoder().encode(file.text);
    },
    open: never,
    makeDirectory: never,
    rename: never,
    link: never,
    remove: never,
    removeDirectory: never,
    syncDirectory: never,
    syncDirectoryNow: never,
    realPath: (path) => path,
    fileSystem: () => ({ type: sources.fileSystem ?? 'ext4', freeBytes: 1, totalBytes: 1 }),
    uid: () => sources.uid ?? 1000,
    temporaryDirectory: never,
  };
}

export function serverSources(sources: TestSources) {
  return {
    env: environment({ RONCTL_HOME: HOME, ...sources.env }),
    files: filesOf(sources),
    home: HOME,
    flags: sources.flags ?? {},
    fixed: sources.fixed ?? null,
  };
}

export function resolveOf(sources: TestSources): Promise<ResolvedServerConfig> {
  return resolveServerConfig(serverSources(sources));
}
