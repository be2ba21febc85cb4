// The text of a configuration file, TOML or JSON (a file whose first character is a brace), with the line and column of
// every key for messages. Refuses text that does not parse, and members that stand twice (RefusedConfig, 3).

import { RonError } from '../errors.ts';

export type ConfigTable = Readonly<Record<string, unknown>>;

export interface ConfigText {
  readonly format: 'toml' | 'json';
  readonly table: ConfigTable;
  /** `line:column` from 1 of a key, of its nearest table when the text writes it in another way, else `1:1`. */
  place(path: readonly string[]): string;
}

export function isTable(value: unknown): value is ConfigTable {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}

/** Keys may contain dots, so their paths are joined by something that no key has. */
const joined = (path: readonly string[]): string => path.join('\u0000');

function refuse(file: string, at: string, why: string, format: string): never {
  const line = at.slice(0, at.indexOf(':'));
  throw new RonError('RefusedConfig', `${file}:${at}: ${why}`, {
    hint: `Correct line ${line}; the file is ${format}.`,
  });
}

const KEY_PART = /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*/y;

/** The parts of a dotted TOML key at the start of a text, and what follows; null when there is none. */
function dottedKey(text: string): { readonly parts: string[]; readonly rest: string } | null {
  const parts: string[] = [];
  let position = 0;
  for (;;) {
    KEY_PART.lastIndex = position;
    const match = KEY_PART.exec(text);
    if (match === null) return null;
    parts.push(match[1] ?? match[2] ?? match[3]!);
    position = KEY_PART.lastIndex;
    if (text[position] !== '.') return { parts, rest: text.slice(position) };
    position++;
  }
}

function tomlPlaces(source: string): Map<string, string> {
  const places = new Map<string, string>();
  let table: readonly string[] = [];
  const note = (path: readonly string[], at: string): void => {
    for (let length = 1; length <= path.length; length++) {
      const key = joined(path.slice(0, length));
      if (!places.has(key)) places.set(key, at);
    }
  };
  for (const [index, line] of source.split('\n').entries()) {
    const indent = line.length - line.trimStart().length;
    const at = `${index + 1}:${indent + 1}`;
    const header = /^\s*\[\[?(?=[^\]]+\])/.exec(line);
    if (header !== null) {
      const key = dottedKey(line.slice(header[0].length));
      if (key?.rest.startsWith(']') === true) {
        table = key.parts;
        note(table, at);
        continue;
      }
    }
    const key = dottedKey(line);
    if (key?.rest.startsWith('=') === true) note([...table, ...key.parts], at);
  }
  return places;
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+)/y;

/** Places of the members of JSON text that is known to parse; a member that stands twice is refused. */
function jsonPlaces(source: string, file: string): Map<string, string> {
  const places = new Map<string, string>();
  const lineStarts = [0];
  for (let at = source.indexOf('\n'); at !== -1; at = source.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  const placeOf = (offset: number): string => {
    const line = lineStarts.findLastIndex((start) => start <= offset);
    return `${line + 1}:${offset - lineStarts[line]! + 1}`;
  };
  const stack: { readonly object: boolean; readonly path: readonly string[]; member: string | null }[] = [];
  let previous = '';
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(source); match !== null; match = TOKEN.exec(source)) {
    const token = match[1]!;
    const top = stack.at(-1);
    const path = top === undefined || top.member === null ? (top?.path ?? []) : [...top.path, top.member];
    if (token === '{' || token === '[') stack.push({ object: token === '{', path, member: null });
    else if (token === '}' || token === ']') stack.pop();
    else if (top?.object === true && (previous === '{' || previous === ',')) {
      top.member = JSON.parse(token) as string;
      const key = joined([...top.path, top.member]);
      const at = placeOf(TOKEN.lastIndex - token.length);
      if (places.has(key)) refuse(file, at, `${top.member} stands twice in one object`, 'JSON');
      places.set(key, at);
    }
    previous = token;
  }
  return places;
}

async function readToml(source: string, file: string): Promise<ConfigTable> {
  const { parse, TomlError } = await import('smol-toml');
  try {
    return parse(source, { maxDepth: 16 });
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const reason = thrown.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '');
    return refuse(file, `${thrown.line}:${thrown.column}`, reason, 'TOML');
  }
}

function readJson(source: string, file: string): ConfigTable {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    const offset = Number(/position (\d+)/.exec(thrown.message)?.[1] ?? 0);
    const before = source.slice(0, offset).split('\n');
    return refuse(file, `${before.length}:${before.at(-1)!.length + 1}`, 'this is no JSON', 'JSON');
  }
  return isTable(value) ? value : refuse(file, '1:1', 'an object is expected', 'JSON');
}

/** Reads configuration text; `file` stands in messages. RefusedConfig names `file:line:column`. */
export async function readConfigText(source: string, file: string): Promise<ConfigText> {
  const json = source.trimStart().startsWith('{');
  const table = json ? readJson(source, file) : await readToml(source, file);
  let places = json ? jsonPlaces(source, file) : null;
  return {
    format: json ? 'json' : 'toml',
    table,
    place(path) {
      places ??= tomlPlaces(source);
      for (let length = path.length; length > 0; length--) {
        const at = places.get(joined(path.slice(0, length)));
        if (at !== undefined) return at;
      }
      return '1:1';
    },
  };
}
