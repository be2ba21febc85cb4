// The client's config.toml (service page 6): closed tables and keys, each value checked here. Unknown keys are refused
// with the nearest names; every refusal names file, line and column. Later steps use the kms and audit members.

import { nearest } from '../bytes/nearest.ts';
import { RonError } from '../errors.ts';

export interface ClientConfig {
  readonly home: { readonly dir?: string };
  readonly kms: {
    readonly url?: string;
    readonly ca_file?: string;
    readonly cert_sha256?: string;
    readonly token_file?: string;
    readonly timeout?: string;
    readonly retries?: number;
  };
  readonly signer: { readonly default?: string };
  readonly output: { readonly format?: 'table' | 'json' | 'yaml'; readonly color?: 'auto' | 'never' };
  readonly crypto: { readonly provider?: 'native' | 'noble' };
  readonly audit: { readonly policy_file?: string };
}

type Rule = {
  readonly type: 'string' | 'integer';
  readonly oneOf?: readonly string[];
  readonly pattern?: RegExp;
  readonly what?: string;
};

const text: Rule = { type: 'string' };

/** Every table and key of the file. */
export const CLIENT_CONFIG_KEYS: Readonly<Record<keyof ClientConfig, Readonly<Record<string, Rule>>>> = {
  home: { dir: text },
  kms: {
    url: text,
    ca_file: text,
    cert_sha256: { type: 'string', pattern: /^[0-9a-f]{64}$/, what: '64 lower-case hex digits' },
    token_file: text,
    timeout: { type: 'string', pattern: /^[0-9]+(ms|s|m)$/, what: 'a duration such as 5s' },
    retries: { type: 'integer' },
  },
  signer: { default: text },
  output: {
    format: { type: 'string', oneOf: ['table', 'json', 'yaml'] },
    color: { type: 'string', oneOf: ['auto', 'never'] },
  },
  crypto: { provider: { type: 'string', oneOf: ['native', 'noble'] } },
  audit: { policy_file: text },
};

export const EMPTY_CLIENT_CONFIG: ClientConfig = { home: {}, kms: {}, signer: {}, output: {}, crypto: {}, audit: {} };

/** Line and column (from 1) of `[table]`, or of a key in it; of the start when the text writes it in another way. */
function place(source: string, table: string, key?: string): string {
  let current = '';
  let closest = '1:1';
  for (const [index, line] of source.split('\n').entries()) {
    const header = /^\s*\[\s*([A-Za-z0-9_-]+)\s*\]/.exec(line);
    if (header !== null) current = header[1]!;
    const name = /^(\s*)(?:([A-Za-z0-9_-]+)\s*\.\s*)?["']?([A-Za-z0-9_-]+)["']?\s*[=.]/.exec(line);
    const found =
      key === undefined
        ? (header !== null && current === table) || (current === '' && (name?.[2] ?? name?.[3]) === table)
        : name?.[3] === key && (name[2] ?? current) === table;
    const at = `${index + 1}:${(/\S/.exec(line)?.index ?? 0) + 1}`;
    if (found) return at;
    // The table, for a key that is written with escapes or inside an inline table.
    if (header !== null ? current === table : current === '' && name?.[3] === table) closest = at;
  }
  return closest;
}

function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near.length === 0 ? `Known: ${known.join(', ')}.` : `Did you mean ${near.join(', ')}?`;
}

function checkValue(rule: Rule, value: unknown): string | null {
  const found = `, not ${JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one))}`;
  if (rule.type === 'integer') {
    return typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0)
      ? null
      : `a whole number is expected${found}`;
  }
  if (typeof value !== 'string') return `a string is expected${found}`;
  if (value === '') return 'a string that is not empty is expected';
  if (rule.oneOf !== undefined && !rule.oneOf.includes(value))
    return `one of ${rule.oneOf.join(', ')} is expected${found}`;
  if (rule.pattern !== undefined && !rule.pattern.test(value)) return `${rule.what} is expected${found}`;
  return null;
}

/** Parses the text of a client configuration. RefusedConfig (3) names `file:line:column`. */
export async function parseClientConfig(source: string, file: string): Promise<ClientConfig> {
  const { parse, TomlError } = await import('smol-toml');
  let parsed: Record<string, unknown>;
  try {
    parsed = parse(source);
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const reason = thrown.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '');
    throw new RonError('RefusedConfig', `${file}:${thrown.line}:${thrown.column}: ${reason}`, {
      hint: `Correct line ${thrown.line}; the file is TOML.`,
      cause: thrown,
    });
  }
  const refuse = (at: string, why: string, field: string, hint?: string): never => {
    throw new RonError('RefusedConfig', `${file}:${at}: ${why}`, {
      field,
      hint: hint ?? `Correct ${field} in that line.`,
    });
  };
  const tables = new Map<string, Readonly<Record<string, Rule>>>(Object.entries(CLIENT_CONFIG_KEYS));
  for (const [table, keys] of Object.entries(parsed)) {
    const rules = tables.get(table);
    if (rules === undefined) {
      return refuse(place(source, table), `unknown table [${table}]`, table, suggestion(table, [...tables.keys()]));
    }
    if (keys === null || typeof keys !== 'object' || Array.isArray(keys)) {
      return refuse(place(source, table), `${table} is a table, written [${table}]`, table);
    }
    for (const [key, value] of Object.entries(keys)) {
      const field = `${table}.${key}`;
      if (!Object.hasOwn(rules, key)) {
        return refuse(place(source, table, key), `unknown key ${field}`, field, suggestion(key, Object.keys(rules)));
      }
      const why = checkValue(rules[key]!, value);
      if (why !== null) return refuse(place(source, table, key), `${field}: ${why}`, field);
    }
  }
  return { ...EMPTY_CLIENT_CONFIG, ...(parsed as Partial<ClientConfig>) };
}
