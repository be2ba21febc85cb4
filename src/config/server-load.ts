// The configuration of `ronctl kms serve`: finds the file, merges all sources, judges the whole (service page 6). The first
// file found is used, never merged; a file that a flag or variable names must exist. With RONCTL_HOME set nothing outside the
// home is read unasked. Refuses, with exit 3, everything that server-sources.ts, server-merge.ts and server-check.ts name.

import { fromUtf8 } from '../bytes/text.ts';
import { RonError } from '../errors.ts';
import type { Env, Files } from '../host.ts';
import { readConfigText } from './config-text.ts';
import { absolutePath, directoryOf } from './paths.ts';
import { checkServerConfig } from './server-check.ts';
import type { LoadedServerConfig } from './server-config.ts';
import { type FixedProfile, type Merged, mergeServerConfig } from './server-merge.ts';
import type { ServerFlags, Violation } from './server-sources.ts';

export const CONFIG_BYTES = 256 * 1024;

export interface ServerConfigSources {
  readonly env: Env;
  readonly files: Files;
  /** Absolute path of the home; it need not exist. */
  readonly home: string;
  /** By name without `--`: `config` and the names of the table. */
  readonly flags: ServerFlags;
  /** Where a home or genesis names the profile. */
  readonly fixed: FixedProfile | null;
}

const variable = (env: Env, name: string): string | undefined => env.get(name) || undefined;

/** A file that a flag or variable names, and what named it. */
function namedFile(env: Env, flags: ServerFlags): { readonly path: string; readonly by: string } | null {
  const flag = flags['config'];
  if (typeof flag === 'string') return { path: flag, by: '--config' };
  const [current, older] = [variable(env, 'RON_KMS_CONFIG'), variable(env, 'RON_CONFIG')];
  if (current !== undefined && older !== undefined && current !== older) {
    throw new RonError('RefusedConfig', `RON_KMS_CONFIG and RON_CONFIG differ (${current} and ${older})`, {
      field: 'RON_KMS_CONFIG',
      hint: 'Unset RON_CONFIG.',
    });
  }
  const path = current ?? older;
  return path === undefined ? null : { path, by: current === undefined ? 'RON_CONFIG' : 'RON_KMS_CONFIG' };
}

/** Where a file is looked for when nothing names one, in this order. */
export function searchedFiles(env: Env, home: string): readonly string[] {
  if (variable(env, 'RONCTL_HOME') !== undefined) return [`${home}/ron-kms.toml`];
  const xdg = variable(env, 'XDG_CONFIG_HOME');
  const base = xdg?.startsWith('/') === true ? xdg : `${env.user.homeDirectory}/.config`;
  return [`${base}/ronctl/ron-kms.toml`, '/etc/ron/ron-kms.toml'];
}

interface FoundFile {
  readonly path: string;
  readonly source: string;
}

/** Absolute path of the file that counts, or null. NotFound when a flag or variable names one that is not there. */
export function locateServerConfig({ env, files, home, flags }: Omit<ServerConfigSources, 'fixed'>): string | null {
  const named = namedFile(env, flags);
  if (named === null) return searchedFiles(env, home).find((path) => files.info(path) !== null) ?? null;
  const path = absolutePath(env.cwd, named.path);
  if (files.info(path) !== null) return path;
  throw new RonError('NotFound', `there is no configuration file ${path}`, {
    field: named.by,
    hint: 'Check the path.',
  });
}

const OTHERS_WRITE = 0o002;

function findFile(sources: ServerConfigSources): FoundFile | null {
  const { files } = sources;
  const path = locateServerConfig(sources);
  if (path === null) return null;
  const real = files.realPath(path);
  if (((files.info(real)?.mode ?? 0) & OTHERS_WRITE) !== 0) {
    throw new RonError('UnsafeFile', `${path}: everybody may write it`, {
      hint: `Find out who changed it, then: chmod o-w ${real}`,
    });
  }
  const bytes = files.read(real, CONFIG_BYTES);
  const source = bytes === null ? null : fromUtf8(bytes);
  if (source !== null) return { path, source };
  throw new RonError('RefusedConfig', `${path}: not UTF-8`, { hint: 'Write it as TOML or JSON, in UTF-8.' });
}

/** RefusedConfig (or Unsupported, when that is all) with every violation in the message. */
export function refuseViolations(violations: readonly Violation[]): void {
  const [first] = violations;
  if (first === undefined) return;
  const code = violations.every((one) => one.code === 'Unsupported') ? 'Unsupported' : 'RefusedConfig';
  throw new RonError(code, violations.map(({ message }) => message).join('; '), {
    field: first.key,
    hint: violations.length === 1 ? first.hint : [...new Set(violations.map(({ hint }) => hint))].join('\n'),
  });
}

export interface ResolvedServerConfig extends Merged {
  /** Absolute path of the file that was read. */
  readonly file: string | null;
}

/** Everything about the configuration, what is wrong with it included. Throws only for a file that cannot be read at all. */
export async function resolveServerConfig(sources: ServerConfigSources): Promise<ResolvedServerConfig> {
  const { env, files, home, flags, fixed } = sources;
  const found = findFile(sources);
  const merged = mergeServerConfig({
    flags,
    env,
    cwd: env.cwd,
    home,
    fixed,
    file:
      found === null
        ? null
        : {
            text: await readConfigText(found.source, found.path),
            name: found.path,
            directory: directoryOf(found.path),
          },
  });
  const checked = checkServerConfig(merged, { files, env, home });
  const older = variable(env, 'RON_CONFIG') === undefined ? [] : ['RON_CONFIG is an older name; use RON_KMS_CONFIG'];
  return {
    ...merged,
    violations: [...merged.violations, ...checked.violations],
    warnings: [...older, ...merged.warnings, ...checked.warnings],
    file: found?.path ?? null,
  };
}

/** The configuration to start with. RefusedConfig, Unsupported or NotFound (named file). */
export async function loadServerConfig(sources: ServerConfigSources): Promise<LoadedServerConfig> {
  const { config, origins, file, warnings, violations } = await resolveServerConfig(sources);
  refuseViolations(violations);
  return { config, origins, file, warnings };
}
