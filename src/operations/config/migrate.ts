// `config migrate FILE`: older names become current ones; the result means the same. The caller writes it.

import { readConfigText } from '../../config/config-text.ts';
import { type ConfigChange, migrateServerConfig } from '../../config/server-migrate.ts';
import { RonError } from '../../errors.ts';
import type { OperationDeps } from '../deps.ts';
import { type ConfigFile, type Subject, subjectOf } from './check.ts';
import { homePolicy } from './home-policy.ts';

export interface ConfigMigrateResult {
  readonly file: string;
  readonly subject: Subject;
  /** Profile that older names were read under. */
  readonly profile: string | null;
  readonly changes: readonly ConfigChange[];
  /** Order and comments of the file were given up. */
  readonly rewritten: boolean;
  /** Null: nothing to do. */
  readonly out: string | null;
}

export interface Migration {
  readonly result: Omit<ConfigMigrateResult, 'out'>;
  /** The whole new text. */
  readonly text: string;
}

/** RefusedConfig with everything that is wrong: only a file that is right otherwise is migrated. */
export async function configMigrate(
  file: ConfigFile,
  deps: Pick<OperationDeps, 'host' | 'home' | 'crypto'>,
): Promise<Migration> {
  const { table } = await readConfigText(file.text, file.name);
  if (subjectOf(table, file.name) === 'client') {
    const result = { file: file.name, subject: 'client' as const, profile: null, changes: [], rewritten: false };
    return { result, text: file.text };
  }
  const named = table['profile'];
  const profile = typeof named === 'string' ? named : ((await homePolicy(deps))?.profile ?? 'dev');
  const migrated = await migrateServerConfig({ text: file.text, file: file.name, directory: file.directory, profile });
  const [first] = migrated.collected.violations;
  if (first !== undefined) {
    const { violations } = migrated.collected;
    throw new RonError('RefusedConfig', violations.map(({ message }) => message).join('; '), {
      field: first.key,
      hint: `Correct it first: ronctl config check ${file.name}`,
    });
  }
  const { changes, rewritten, text } = migrated;
  return { result: { file: file.name, subject: 'ron-kms', profile, changes, rewritten }, text };
}
