// `migrate ron-kms` (CLI-10): what an upgrade has to do to this home and its configuration. The home has one format so far,
// so nothing is pending there; older names in ron-kms.toml become current ones, with the file as it was kept beside it.

import { fromUtf8, utf8 } from '../../bytes/text.ts';
import { directoryOf } from '../../config/paths.ts';
import { COMPOUND_ALIASES } from '../../config/server-aliases.ts';
import { serverKeys } from '../../config/server-keys.ts';
import { CONFIG_BYTES, locateServerConfig } from '../../config/server-load.ts';
import type { ConfigChange } from '../../config/server-migrate.ts';
import { RonError } from '../../errors.ts';
import { writeFile, writeNewFile } from '../../storage/durable-file.ts';
import { HOME_FORMAT, homePaths, readHome } from '../../storage/home.ts';
import { configMigrate } from '../config/migrate.ts';
import type { OperationDeps } from '../deps.ts';

export const BACKUP_SUFFIX = '.before-migration';

export interface MigrateResult {
  readonly home: {
    readonly path: string;
    /** Null: there is no home yet. */
    readonly format: string | null;
    readonly pending: readonly string[];
  };
  readonly config: {
    /** Absolute; null: none was found. */
    readonly file: string | null;
    readonly changes: readonly ConfigChange[];
    /** The file as it was. */
    readonly backup: string | null;
  };
  /** Older variables that are set; only who sets them can rename them. */
  readonly variables: readonly { readonly name: string; readonly use: string }[];
  readonly dry_run: boolean;
}

type Deps = Pick<OperationDeps, 'host' | 'home' | 'crypto' | 'dryRun'>;

function olderVariables({ host }: Deps): { name: string; use: string }[] {
  const renamed = [
    ...serverKeys().flatMap(({ env, aliases = [] }) => aliases.map((name) => ({ name, use: env }))),
    ...COMPOUND_ALIASES.filter(({ where, current }) => where === 'env' && current !== true).map(
      ({ name, replacement }) => ({ name, use: replacement }),
    ),
    { name: 'RON_CONFIG', use: 'RON_KMS_CONFIG' },
  ];
  return renamed.filter(({ name }) => (host.env.get(name) ?? '') !== '');
}

async function migrateConfig(deps: Deps): Promise<MigrateResult['config']> {
  const { files, env } = deps.host;
  const found = locateServerConfig({ env, files, home: deps.home, flags: {} });
  if (found === null) return { file: null, changes: [], backup: null };
  const file = files.realPath(found);
  const bytes = files.read(file, CONFIG_BYTES);
  const text = bytes === null ? null : fromUtf8(bytes);
  if (bytes === null || text === null) {
    throw new RonError('RefusedConfig', `${file}: not UTF-8`, { hint: 'Write it as TOML or JSON, in UTF-8.' });
  }
  const migration = await configMigrate({ name: file, directory: directoryOf(file), text }, deps);
  const { changes } = migration.result;
  if (changes.length === 0) return { file, changes, backup: null };
  const backup = `${file}${BACKUP_SUFFIX}`;
  if (files.info(backup) !== null) {
    throw new RonError('Exists', `${backup} exists and is not overwritten`, {
      hint: `Move it away, or: ronctl config migrate ${file} --out NEW`,
    });
  }
  if (!deps.dryRun) {
    await writeNewFile(deps.host, backup, bytes);
    await writeFile(deps.host, file, utf8(migration.text));
  }
  return { file, changes, backup };
}

/** NewerVersion for a home of a later version, RefusedConfig for a file that is wrong otherwise. */
export async function migrateRonKms(deps: Deps): Promise<MigrateResult> {
  const home = readHome(deps.host.files, homePaths(deps.home));
  return {
    home: { path: deps.home, format: home === null ? null : HOME_FORMAT, pending: [] },
    config: await migrateConfig(deps),
    variables: olderVariables(deps),
    dry_run: deps.dryRun,
  };
}
