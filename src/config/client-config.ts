// The client's configuration, config.toml (service page 6): closed tables and keys, each value checked here; TOML or JSON.
// Unknown keys are refused with the nearest names; every refusal names file, line and column.

import { nearest } from '../bytes/nearest.ts';
import { RonError } from '../errors.ts';
import { isTable, readConfigText } from './config-text.ts';

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
  readonly max?: number;
};

const text: Rule = { type: 'string' };

/** Every table and key of the file. */
export const CLIENT_CONFIG_KEYS: Readonly<Record<keyof ClientConfig, Readonly<Record<string, Rule>>>> = {
  home: { dir: text },
  kms: {
    url: {
      type: 'string',
      pattern: /^(?:none|local|unix:.+|https?:\/\/[^\s/]+\/?)$/,
      what: 'none, local, unix:PATH or https://HOST[:PORT]',
    },
    ca_file: text,
    cert_sha256: { type: 'string', pattern: /^[0-9a-f]{64}$/, what: '64 lower-case hex digits' },
    token_file: text,
    timeout: { type: 'string', pattern: /^[0-9]+(ms|s|m)$/, what: 'a duration such as 5s' },
    retries: { type: 'integer', max: 2 },
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

function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near.length === 0 ? `Known: ${known.join(', ')}.` : `Did you mean ${near.join(', ')}?`;
}

function checkValue(rule: Rule, value: unknown): string | null {
  const found = `, not ${JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one))}`;
  if (rule.type === 'integer') {
    const max = rule.max ?? Number.MAX_SAFE_INTEGER;
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max
      ? null
      : `a whole number${rule.max === undefined ? '' : ` from 0 to ${max}`} is expected${found}`;
  }
  if (typeof value !== 'string') return `a string is expected${found}`;
  if (value === '') return 'a string that is not empty is expected';
  if (rule.oneOf !== undefined && !rule.oneOf.includes(value))
    return `one of ${rule.oneOf.join(', ')} is expected${found}`;
  if (rule.pattern !== undefined && !rule.pattern.test(value)) return `${rule.what} is expected${found}`;
  return null;
}

/** One thing that is wrong with a file. */
export interface ClientViolation {
  readonly field: string;
  /** `file:line:column: ...` */
  readonly message: string;
  readonly hint: string;
}

export interface ReadClientConfig {
  /** Only to be used when `violations` is empty. */
  readonly config: ClientConfig;
  readonly format: 'toml' | 'json';
  readonly violations: readonly ClientViolation[];
}

/** Reads the text (TOML, or JSON) and lists everything that is wrong. RefusedConfig (3) when it does not parse at all. */
export async function readClientConfig(source: string, file: string): Promise<ReadClientConfig> {
  const text = await readConfigText(source, file);
  const violations: ClientViolation[] = [];
  const refuse = (path: readonly string[], why: string, hint?: string): void => {
    const field = path.join('.');
    violations.push({
      field,
      message: `${file}:${text.place(path)}: ${why}`,
      hint: hint ?? `Correct ${field} in that line.`,
    });
  };
  const tables = new Map<string, Readonly<Record<string, Rule>>>(Object.entries(CLIENT_CONFIG_KEYS));
  for (const [table, keys] of Object.entries(text.table)) {
    const rules = tables.get(table);
    if (rules === undefined) {
      refuse([table], `unknown table [${table}]`, suggestion(table, [...tables.keys()]));
      continue;
    }
    if (!isTable(keys)) {
      refuse([table], `${table} is a table, written [${table}]`);
      continue;
    }
    for (const [key, value] of Object.entries(keys)) {
      const field = `${table}.${key}`;
      const rule = Object.hasOwn(rules, key) ? rules[key]! : null;
      if (rule === null) refuse([table, key], `unknown key ${field}`, suggestion(key, Object.keys(rules)));
      else {
        const why = checkValue(rule, value);
        if (why !== null) refuse([table, key], `${field}: ${why}`);
      }
    }
  }
  return {
    config: { ...EMPTY_CLIENT_CONFIG, ...(text.table as Partial<ClientConfig>) },
    format: text.format,
    violations,
  };
}

/** Parses the text of a client configuration. RefusedConfig (3) names `file:line:column`. */
export async function parseClientConfig(source: string, file: string): Promise<ClientConfig> {
  const { config, violations } = await readClientConfig(source, file);
  const [first] = violations;
  if (first === undefined) return config;
  throw new RonError('RefusedConfig', first.message, { field: first.field, hint: first.hint });
}
