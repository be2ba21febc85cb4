// The client's effective configuration: every key of config.toml with its value and where that came from (cli rule 7), as
// data and as TOML that reads back.

import type { Env } from '../host.ts';
import { CLIENT_CONFIG_KEYS, type ClientConfig } from './client-config.ts';

export interface EffectiveKey {
  /** Dotted. */
  readonly key: string;
  /** Null = not set, and there is no default. */
  readonly value: string | number | null;
  /** A variable, the file, or `default`. */
  readonly origin: string;
}

/** Variables and defaults; the home has a rule of its own. */
const SOURCES: Readonly<Record<string, { readonly env?: string; readonly default?: string | number }>> = {
  'kms.url': { env: 'RONCTL_KMS', default: 'none' },
  'kms.token_file': { env: 'RONCTL_TOKEN_FILE' },
  'kms.timeout': { default: '5s' },
  'kms.retries': { default: 2 },
  'signer.default': { env: 'RONCTL_SIGNER' },
  'output.format': { env: 'RONCTL_OUTPUT', default: 'table' },
  'output.color': { default: 'auto' },
  'crypto.provider': { env: 'RONCTL_CRYPTO_PROVIDER', default: 'native' },
};

const variable = (env: Env, name: string): string | undefined => env.get(name) || undefined;

export interface ClientSources {
  readonly env: Env;
  readonly config: ClientConfig;
  /** Absolute path of the file that was read. */
  readonly file: string | null;
  /** Absolute path of the home that the sources lead to. */
  readonly home: string;
}

function keyOf(table: string, name: string, { env, config, file, home }: ClientSources): EffectiveKey {
  const key = `${table}.${name}`;
  const inFile = (config as unknown as Record<string, Record<string, string | number | undefined>>)[table]?.[name];
  if (key === 'home.dir') {
    const named =
      variable(env, 'RONCTL_HOME') === undefined ? (inFile === undefined ? 'default' : file!) : 'RONCTL_HOME';
    return { key, value: home, origin: named };
  }
  if (key === 'output.color') {
    const off = ['RONCTL_NO_COLOR', 'NO_COLOR'].find((one) => variable(env, one) !== undefined);
    if (off !== undefined) return { key, value: 'never', origin: off };
  }
  const source = SOURCES[key] ?? {};
  const given = source.env === undefined ? undefined : variable(env, source.env);
  if (given !== undefined) return { key, value: given, origin: source.env! };
  if (inFile !== undefined) return { key, value: inFile, origin: file! };
  return { key, value: source.default ?? null, origin: 'default' };
}

export function effectiveClientKeys(sources: ClientSources): readonly EffectiveKey[] {
  return Object.entries(CLIENT_CONFIG_KEYS).flatMap(([table, keys]) =>
    Object.keys(keys).map((name) => keyOf(table, name, sources)),
  );
}

/** As config.toml; `withOrigins` names the source of each value behind it. */
export function printClientConfig(keys: readonly EffectiveKey[], withOrigins: boolean): string {
  const lines: string[] = ['# Effective client configuration of ronctl.'];
  let table = '';
  for (const { key, value, origin } of keys) {
    const [own, name] = key.split('.') as [string, string];
    if (own !== table) lines.push('', `[${own}]`);
    table = own;
    const source = withOrigins ? `  # ${origin}` : '';
    lines.push(value === null ? `# ${name} is not set${source}` : `${name} = ${JSON.stringify(value)}${source}`);
  }
  return `${lines.join('\n')}\n`;
}

const WORDS: Readonly<Record<string, string>> = {
  'home.dir': 'the home, where RONCTL_HOME is not set',
  'kms.url': 'custody service: none, local, unix:PATH, https://HOST[:PORT] or http://127.0.0.1:PORT (env RONCTL_KMS)',
  'kms.ca_file': 'PEM file with the certificates to trust',
  'kms.cert_sha256': 'SHA-256 of the certificate of the server, 64 hex digits',
  'kms.token_file': 'file (0600) with a capability (env RONCTL_TOKEN_FILE)',
  'kms.timeout': 'deadline of a request',
  'kms.retries': 'repetitions of a request that may be repeated',
  'signer.default': 'signer where a command needs one (env RONCTL_SIGNER)',
  'output.format': 'table, json or yaml (env RONCTL_OUTPUT)',
  'output.color': 'auto or never (env RONCTL_NO_COLOR)',
  'crypto.provider': 'native or noble (env RONCTL_CRYPTO_PROVIDER)',
  'audit.policy_file': 'witness policy',
};

/** Every key as a comment with its default. */
export function sampleClientConfig(): string {
  const lines = ['# config.toml: every key of the client configuration of ronctl; see ronctl-config(5).'];
  for (const [table, keys] of Object.entries(CLIENT_CONFIG_KEYS)) {
    lines.push('', `[${table}]`);
    for (const name of Object.keys(keys)) {
      const key = `${table}.${name}`;
      const value = SOURCES[key]?.default;
      lines.push('', `# ${WORDS[key]!}`, `# ${name} =${value === undefined ? '' : ` ${JSON.stringify(value)}`}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
