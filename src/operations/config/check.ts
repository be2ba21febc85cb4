// `config check FILE` (CLI-09): recognises a configuration of the client or of the server, TOML or JSON, and lists everything
// that is wrong with it. The environment does not count; what the server's keys name on this machine (certificates, file
// systems, ports) does.

import { CLIENT_CONFIG_KEYS, readClientConfig } from '../../config/client-config.ts';
import { type ConfigTable, isTable, readConfigText } from '../../config/config-text.ts';
import { checkServerConfig } from '../../config/server-check.ts';
import { serverKeys } from '../../config/server-keys.ts';
import { mergeServerConfig } from '../../config/server-merge.ts';
import type { Violation } from '../../config/server-sources.ts';
import type { RonError } from '../../errors.ts';
import type { OperationDeps } from '../deps.ts';
import { violationError } from './get.ts';

export type Subject = 'client' | 'ron-kms';

export interface ConfigFile {
  /** As typed. */
  readonly name: string;
  /** Absolute directory, which paths in it count from. */
  readonly directory: string;
  readonly text: string;
}

export interface ConfigCheckResult {
  readonly file: string;
  readonly subject: Subject;
  readonly format: 'toml' | 'json';
  readonly valid: boolean;
  readonly violations: readonly Violation[];
  readonly warnings: readonly string[];
}

function* leaves(table: ConfigTable, path = ''): Generator<string> {
  for (const [name, value] of Object.entries(table)) {
    const key = path === '' ? name : `${path}.${name}`;
    if (isTable(value)) yield* leaves(value, key);
    else yield key;
  }
}

/** Whose configuration it is, by the tables and keys that only one of the two has; the name decides between equals. */
export function subjectOf(table: ConfigTable, file: string): Subject {
  const client = new Set(
    Object.entries(CLIENT_CONFIG_KEYS).flatMap(([own, keys]) => Object.keys(keys).map((key) => `${own}.${key}`)),
  );
  const server = new Set(serverKeys().map(({ key }) => key));
  const keys = [...leaves(table)];
  const known = (of: ReadonlySet<string>): number => keys.filter((key) => of.has(key)).length;
  const difference = known(client) - known(server);
  if (difference !== 0) return difference > 0 ? 'client' : 'ron-kms';
  return /(?:^|\/)config\.(?:toml|json)$/.test(file) ? 'client' : 'ron-kms';
}

async function checkClient(file: ConfigFile): Promise<Violation[]> {
  const { violations } = await readClientConfig(file.text, file.name);
  return violations.map(({ field, message, hint }) => ({
    code: 'RefusedConfig',
    key: field,
    origin: file.name,
    message,
    hint,
  }));
}

/** `error` says how many things are wrong. RefusedConfig when the file does not parse at all. */
export async function configCheck(
  file: ConfigFile,
  deps: Pick<OperationDeps, 'host' | 'home'>,
): Promise<{ readonly result: ConfigCheckResult; readonly error: RonError | undefined }> {
  const text = await readConfigText(file.text, file.name);
  const subject = subjectOf(text.table, file.name);
  const { env, files } = deps.host;
  let violations: readonly Violation[];
  let warnings: readonly string[] = [];
  if (subject === 'client') {
    violations = await checkClient(file);
  } else {
    const merged = mergeServerConfig({
      flags: {},
      env: null,
      cwd: env.cwd,
      home: deps.home,
      fixed: null,
      file: { text, name: file.name, directory: file.directory },
    });
    const checked = checkServerConfig(merged, { files, env, home: deps.home });
    violations = [...merged.violations, ...checked.violations];
    warnings = [...merged.warnings, ...checked.warnings];
  }
  const valid = violations.length === 0;
  const result = { file: file.name, subject, format: text.format, valid, violations, warnings };
  return { result, error: violationError(violations, 'not accepted') };
}
