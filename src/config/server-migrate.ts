// Older names in a server configuration become the current ones (CFG-57, CFG-58). Lines and comments of a TOML file stay
// where they are: the older line becomes a comment, the new ones stand in their table. Where the file is written in a way
// that this cannot follow (inline tables, JSON), it is written anew from its values. Either way the result is read again and
// must mean exactly the same, without a warning; else nothing is given (Internal).

import { canonicalText } from '../bytes/canonical-json.ts';
import { RonError } from '../errors.ts';
import { readConfigText } from './config-text.ts';
import { memberRow, serverKeys } from './server-keys.ts';
import { tomlValue } from './server-print.ts';
import { type Collected, fromFileText, type Given } from './server-sources.ts';
import { toFile } from './server-value.ts';

export interface ConfigChange {
  /** Line of the older name. */
  readonly line: number;
  readonly from: string;
  readonly to: readonly string[];
}

export interface MigratedConfig {
  /** Empty: the text has current names only and is unchanged. */
  readonly changes: readonly ConfigChange[];
  readonly text: string;
  /** Comments and order were given up. */
  readonly rewritten: boolean;
}

interface Source {
  readonly text: string;
  readonly file: string;
  /** Absolute directory of the file, which its paths count from. */
  readonly directory: string;
  /** That older names are read under (`pq.mode` differs by profile). */
  readonly profile: string;
}

async function collect({
  text,
  file,
  directory,
  profile,
}: Source): Promise<Collected & { readonly format: string; place(path: readonly string[]): string }> {
  const read = await readConfigText(text, file);
  const collected = fromFileText({ text: read, file, base: directory, profile });
  return { ...collected, format: read.format, place: (path) => read.place(path) };
}

const meaning = ({ given }: Collected): string =>
  canonicalText(Object.fromEntries(given.map(({ member, value }) => [member, value])));

const assignment = (one: Given, name: string): string => {
  const row = memberRow(one.member);
  return one.value === null ? `# ${name} =` : `${name} = ${tomlValue(row, one.value)}`;
};

const tableOf = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf('.')));
const nameOf = (key: string): string => key.slice(key.lastIndexOf('.') + 1);

/** Values without older names, as a document of their own; paths are absolute. */
function anew(given: readonly Given[], format: string): string {
  if (format === 'json') {
    const out: Record<string, unknown> = {};
    for (const { member, value } of given) {
      const row = memberRow(member);
      let at = out;
      for (const part of row.key.split('.').slice(0, -1)) {
        at[part] ??= {};
        at = at[part] as Record<string, unknown>;
      }
      if (value !== null) at[nameOf(row.key)] = toFile(row.type, value);
    }
    return `${JSON.stringify(out, null, 2)}\n`;
  }
  const lines: string[] = [];
  for (const table of ['', ...new Set(serverKeys().map(({ key }) => tableOf(key)))]) {
    const own = given.filter(({ member }) => tableOf(memberRow(member).key) === table);
    if (own.length === 0 || (table === '' && lines.length > 0)) continue;
    if (table !== '') lines.push(...(lines.length === 0 ? [] : ['']), `[${table}]`);
    lines.push(...own.map((one) => assignment(one, nameOf(memberRow(one.member).key))));
  }
  return `${lines.join('\n')}\n`;
}

/** Older lines become comments; new ones stand behind the header of their table, which is made at the end when missing. */
function inPlace(text: string, before: Awaited<ReturnType<typeof collect>>): string {
  const lines = text.replace(/\n$/, '').split('\n');
  const added: { readonly table: string; readonly line: string }[] = [];
  const old = new Set<number>();
  for (const { path, to } of before.renamed) {
    old.add(Number(before.place(path).split(':')[0]) - 1);
    for (const key of to) {
      const one = before.given.find(({ member }) => memberRow(member).key === key)!;
      added.push({ table: tableOf(key), line: assignment(one, nameOf(key)) });
    }
  }
  const out = lines.map((line, index) => (old.has(index) ? `# ${line.trim()}` : line));
  for (const table of new Set(added.map((one) => one.table))) {
    const own = [...new Set(added.filter((one) => one.table === table).map(({ line }) => line))];
    const header = table === '' ? -1 : out.findIndex((line) => line.replaceAll(/\s|#.*/g, '') === `[${table}]`);
    if (header === -1 && table !== '') out.push('', `[${table}]`, ...own);
    else out.splice(header + 1, 0, ...own);
  }
  return `${out.join('\n')}\n`;
}

/** Null when the text does not say the same with current names only. */
async function checked(text: string, source: Source, before: Collected): Promise<string | null> {
  try {
    const after = await collect({ ...source, text });
    const clean = after.violations.length === 0 && after.renamed.length === 0;
    return clean && meaning(after) === meaning(before) ? text : null;
  } catch (thrown) {
    if (thrown instanceof RonError && thrown.code === 'RefusedConfig') return null;
    throw thrown;
  }
}

/** A configuration with current names. `violations` of the text are the caller's to refuse before. */
export async function migrateServerConfig(source: Source): Promise<MigratedConfig & { readonly collected: Collected }> {
  const before = await collect(source);
  const changes = before.renamed.map(({ from, to, path }) => ({
    line: Number(before.place(path).split(':')[0]),
    from,
    to,
  }));
  if (changes.length === 0 || before.violations.length > 0) {
    return { changes, text: source.text, rewritten: false, collected: before };
  }
  const kept = before.format === 'toml' ? await checked(inPlace(source.text, before), source, before) : null;
  const text = kept ?? (await checked(anew(before.given, before.format), source, before));
  if (text === null) throw new RonError('Internal', `${source.file}: the migrated text would not mean the same`);
  return { changes, text, rewritten: kept === null, collected: before };
}
