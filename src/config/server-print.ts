// A server configuration as text: the effective one (`config get ron-kms`), which reads back as the same configuration, and
// the commented sample (`config sample ron-kms`). In the effective one a value that nobody set and that follows profile,
// home or ledger stands as a comment: written down it would not follow any more, and be refused when the ledger tightens.

import type { LoadedServerConfig, ServerProfile } from './server-config.ts';
import { type Member, type ServerKey, serverKeys } from './server-keys.ts';
import { isConfigured, memberOf } from './server-merge.ts';
import { expectedText, toFile, type Value } from './server-value.ts';

const tableOf = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf('.')));
const nameOf = (key: string): string => key.slice(key.lastIndexOf('.') + 1);

/** A value as TOML. JSON strings without control characters are TOML strings. */
export function tomlValue(row: ServerKey, value: Exclude<Value, null>): string {
  const plain = toFile(row.type, value);
  return typeof plain === 'object'
    ? `[${plain.map((item) => JSON.stringify(item)).join(', ')}]`
    : JSON.stringify(plain);
}

/** Keys in the order of a file: those without a table first. */
function byTable(): ReadonlyMap<string, readonly ServerKey[]> {
  const tables = new Map<string, ServerKey[]>([['', []]]);
  for (const row of serverKeys()) {
    const table = tableOf(row.key);
    tables.set(table, [...(tables.get(table) ?? []), row]);
  }
  return tables;
}

function document(linesOf: (row: ServerKey) => readonly string[]): string[] {
  const out: string[] = [];
  for (const [table, rows] of byTable()) {
    if (table !== '') out.push('', `[${table}]`);
    for (const row of rows) out.push(...linesOf(row));
  }
  return out;
}

/** Members whose default is another one elsewhere, beside those of the registry. */
const FOLLOWING: ReadonlySet<Member> = new Set<Member>([
  'bind_addr',
  'service.multi_backends',
  'audit.dir',
  'backends.file.dir',
]);

/** Nobody set it, and it is not the same everywhere. */
function follows(row: ServerKey, origin: string): boolean {
  return !isConfigured(origin) && (row.registry !== undefined || FOLLOWING.has(row.member));
}

/** The effective configuration as TOML; `withOrigins` names the source of each value behind it. */
export function printServerConfig(
  { config, origins }: Pick<LoadedServerConfig, 'config' | 'origins'>,
  { withOrigins }: { readonly withOrigins: boolean },
): string {
  const lines = document((row) => {
    const value = memberOf(config, row.member);
    const origin = origins.get(row.key) ?? 'default';
    const source = withOrigins ? `  # ${origin}` : '';
    const name = nameOf(row.key);
    if (value === null || value === '') return [`# ${name} is not set${withOrigins ? source : ''}`];
    return [`${follows(row, origin) ? '# ' : ''}${name} = ${tomlValue(row, value)}${source}`];
  });
  return `${['# Effective configuration of ronctl kms serve; # before a value: it follows profile, home or ledger.', ...lines].join('\n')}\n`;
}

/** What a sample for a profile sets, beside the defaults (C-33, C-38). */
const SHIPPED: Readonly<Record<ServerProfile, Readonly<Partial<Record<Member, Exclude<Value, null>>>>>> = {
  dev: {
    profile: 'dev',
    bind_addr: '127.0.0.1:7441',
    'security.sign_rate_limit_rps': 200,
    'observability.log_format': 'text',
  },
  drill: { profile: 'drill' },
  micronode: { profile: 'micronode', 'service.backend': 'inmem', 'service.amnesia': true },
  macronode: {
    profile: 'macronode',
    bind_addr: '0.0.0.0:9446',
    metrics_addr: '127.0.0.1:9909',
    'tls.enabled': true,
    'tls.cert_path': '/etc/ron/tls/cert.pem',
    'tls.key_path': '/etc/ron/tls/key.pem',
  },
};

/** A line for the reader: what the key is, what it takes, its variable and flag. */
function comment(row: ServerKey): string {
  const flag = row.flag === undefined ? '' : `, --${row.flag}`;
  return `# ${row.summary}: ${expectedText(row.type)} (${row.env}${flag})`;
}

/** Every key with its default as a comment; what the profile's sample sets is not one. `null` = no profile is set. */
export function sampleServerConfig(profile: ServerProfile | null): string {
  const set = profile === null ? {} : SHIPPED[profile];
  const of = { profile: profile ?? 'dev', amnesia: profile === 'micronode', backend: 'file', home: '$RONCTL_HOME' };
  const lines = document((row) => {
    const chosen = set[row.member];
    const byDefault = row.default({ ...of, backend: of.amnesia && row.member !== 'audit.dir' ? 'inmem' : 'file' });
    const value = chosen ?? byDefault;
    const name = nameOf(row.key);
    const line =
      value === null ? `# ${name} =` : `${chosen === undefined ? '# ' : ''}${name} = ${tomlValue(row, value)}`;
    return ['', comment(row), line];
  });
  const title = `# ron-kms.toml: every key of ronctl kms serve${profile === null ? '' : `, as for profile ${profile}`}.`;
  return `${[title, '# A line that is a comment shows the default. See ronctl-config(5).', ...lines].join('\n')}\n`;
}
