// The layer table of CONTRIBUTING.md as a test: who may import whom, which packages and which node: modules; no cycles; no
// forbidden names; no work at import time in domain code.

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

interface Import {
  readonly specifier: string;
  /** `import type`, or every name is marked `type`. */
  readonly typeOnly: boolean;
  /** `import('...')` inside a function. */
  readonly lazy: boolean;
}

interface Source {
  /** Path below src, e.g. `audit/record.ts`. */
  readonly file: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** Code without comments; strings stay, because specifiers are strings. */
const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|[\s;{}()])\/\/.*$/gm, '$1');

function importsOf(code: string): Import[] {
  const out: Import[] = [];
  for (const [, keyword, clause, specifier] of code.matchAll(/^(import|export)\s+([^;'"]*?)\s*from\s+'([^']+)'/gm)) {
    const names = /\{([^}]*)\}/
      .exec(clause!)?.[1]
      ?.split(',')
      .filter((name) => name.trim() !== '');
    const inlineTypes =
      keyword === 'import' && clause!.startsWith('{') && names!.every((name) => /^\s*type\s/.test(name));
    out.push({ specifier: specifier!, typeOnly: clause!.startsWith('type ') || inlineTypes, lazy: false });
  }
  for (const [, specifier] of code.matchAll(/^import\s+'([^']+)'/gm)) {
    out.push({ specifier: specifier!, typeOnly: false, lazy: false });
  }
  for (const [before, specifier] of code.matchAll(/(?:typeof\s+)?import\(\s*'([^']+)'\s*\)/g)) {
    out.push({ specifier: specifier!, typeOnly: before.startsWith('typeof'), lazy: true });
  }
  return out;
}

const sources: readonly Source[] = globSync('**/*.ts', { cwd: SRC })
  .sort()
  .map((file) => {
    const text = readFileSync(join(SRC, file), 'utf8');
    return { file, text, imports: importsOf(withoutComments(text)) };
  });

/** Modules in layer order. The first row whose prefix fits is a file's module. */
interface Row {
  readonly module: string;
  readonly layer: '0' | '1' | '2a' | '2b' | '2c' | '2d' | '3' | '4' | '5' | '6';
  /** Modules or layers it may import from, besides itself. */
  readonly from: readonly string[];
  /** The same for types only. */
  readonly types?: readonly string[];
  readonly packages?: readonly string[];
  /** Of these packages, which only by `import()`. */
  readonly lazyPackages?: readonly string[];
  readonly node?: readonly string[] | 'any';
}

const BELOW_2 = ['0', '1'];
const ALL_2 = ['0', '1', '2a', '2b', '2c', '2d'];
const PORTS = ['kms/ports.ts', 'kms/admin-ports.ts', 'kms/telemetry.ts'];
const NOBLE = ['@noble/hashes', '@noble/curves', '@noble/post-quantum', '@noble/ciphers', 'hash-wasm'];

const TABLE: readonly Row[] = [
  // timingSafeEqual has no equivalent in the language.
  { module: 'bytes/', layer: '0', from: ['0'], packages: ['canonicalize'], node: ['node:crypto'] },
  { module: 'errors.ts', layer: '0', from: ['0'] },
  { module: 'limits.ts', layer: '0', from: ['0'] },
  { module: 'host.ts', layer: '0', from: ['0'] },
  { module: 'crypto/', layer: '1', from: ['0'], packages: NOBLE, node: ['node:crypto'] },
  { module: 'envelope/', layer: '2a', from: BELOW_2 },
  { module: 'keys/', layer: '2a', from: [...BELOW_2, 'envelope/'] },
  { module: 'rollout/', layer: '2a', from: [...BELOW_2, 'envelope/'] },
  { module: 'policy/', layer: '2b', from: [...BELOW_2, '2a'] },
  { module: 'capability/', layer: '2c', from: [...BELOW_2, '2a', '2b'] },
  { module: 'sealed/', layer: '2c', from: [...BELOW_2, '2a', '2b'] },
  { module: 'audit/', layer: '2c', from: [...BELOW_2, '2a', '2b'] },
  { module: 'governance/', layer: '2c', from: [...BELOW_2, '2a', '2b'] },
  { module: 'proof/', layer: '2d', from: [...BELOW_2, '2a', '2b', '2c'] },
  { module: 'artefact/', layer: '2d', from: [...BELOW_2, '2a', '2b', '2c', 'proof/'] },
  // Names and schemas of the wire; the port types are the vocabulary of both sides.
  {
    module: 'kms-api/',
    layer: '2d',
    from: [...BELOW_2, '2a', '2b', '2c'],
    types: PORTS,
    packages: ['zod'],
    lazyPackages: ['zod'],
  },
  { module: 'config/', layer: '3', from: ALL_2, packages: ['smol-toml', 'zod'], lazyPackages: ['smol-toml', 'zod'] },
  { module: 'storage/', layer: '3', from: ALL_2 },
  { module: 'kms/ports.ts', layer: '3', from: ALL_2 },
  { module: 'kms/admin-ports.ts', layer: '3', from: [...ALL_2, 'kms/ports.ts'] },
  { module: 'kms/telemetry.ts', layer: '3', from: ALL_2 },
  {
    module: 'kms/http/',
    layer: '3',
    from: [...ALL_2, ...PORTS, 'kms/', 'config/'],
    packages: ['fastify'],
    lazyPackages: ['fastify'],
    node: ['node:http', 'node:https', 'node:tls', 'node:net', 'node:zlib', 'node:stream', 'node:crypto'],
  },
  { module: 'kms/', layer: '3', from: [...ALL_2, ...PORTS, 'storage/', 'config/'] },
  {
    module: 'kms-client/',
    layer: '3',
    from: [...ALL_2, ...PORTS],
    packages: ['undici'],
    lazyPackages: ['undici'],
    node: ['node:tls', 'node:net', 'node:crypto'],
  },
  { module: 'operations/', layer: '4', from: [...ALL_2, '3'] },
  {
    module: 'ui/',
    layer: '5',
    from: ['0'],
    packages: ['chalk', '@inquirer/prompts', 'string-width', 'yaml'],
    lazyPackages: ['chalk', '@inquirer/prompts', 'string-width', 'yaml'],
  },
  { module: 'views/', layer: '5', from: ['0', 'ui/'], types: ['operations/', '2a', '2b', '2c', '2d', ...PORTS] },
  {
    module: 'cli/',
    layer: '6',
    from: [...ALL_2, '3', '4', '5'],
    packages: ['@oclif/core'],
    node: 'any',
  },
  {
    module: 'commands/',
    layer: '6',
    from: ['0', 'cli/', 'operations/', 'views/'],
    types: [...ALL_2, '3', '5'],
    packages: ['@oclif/core'],
  },
];

/** In cli/ only (architecture section 4). */
const CLI_ONLY = ['node:fs', 'node:sqlite', 'node:child_process', 'node:worker_threads', 'node:os', 'node:tty'];

const rowOf = (file: string): Row | undefined => TABLE.find(({ module }) => file.startsWith(module));
const isOwn = (specifier: string): boolean => specifier.startsWith('.');
const resolved = (from: string, specifier: string): string => normalize(join(dirname(from), specifier));
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** Why an import is wrong, or null. */
function complaint({ file }: Source, { specifier, typeOnly, lazy }: Import): string | null {
  const row = rowOf(file)!;
  if (isOwn(specifier)) {
    const target = resolved(file, specifier);
    const to = rowOf(target);
    if (to === undefined) return `${file} imports ${target}, which is in no layer`;
    const allowed = (names: readonly string[]): boolean => names.includes(to.module) || names.includes(to.layer);
    if (to.module === row.module || allowed(row.from)) return null;
    if (typeOnly && allowed(row.types ?? [])) return null;
    return `${file} (layer ${row.layer}) imports ${target} (layer ${to.layer}): imports point downward`;
  }
  if (specifier.startsWith('node:')) {
    const fine = row.node === 'any' || (row.node ?? []).includes(specifier) || typeOnly;
    return fine ? null : `${file} imports ${specifier}: only cli/ touches the machine`;
  }
  const name = packageOf(specifier);
  if (!(row.packages ?? []).includes(name))
    return `${file} imports the package ${name}, which is not for ${row.module}`;
  if ((row.lazyPackages ?? []).includes(name) && !lazy && !typeOnly)
    return `${file} imports ${name} at start; use import()`;
  return null;
}

/** A cycle of value imports, as a path, or null. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of graph.get(file) ?? []) {
      const found = visit(next, [...path, file]);
      if (found !== null) return found;
    }
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const found = visit(file, []);
    if (found !== null) return found;
  }
  return null;
}

describe('layers', () => {
  test('every file belongs to a layer', () => {
    expect(sources.filter(({ file }) => rowOf(file) === undefined).map(({ file }) => file)).toEqual([]);
  });

  test('imports point downward', () => {
    const wrong = sources.flatMap((source) =>
      source.imports.map((one) => complaint(source, one)).filter((why) => why !== null),
    );
    expect(wrong).toEqual([]);
  });

  test('there is no cycle of value imports', () => {
    const graph = new Map(
      sources.map(({ file, imports }) => [
        file,
        imports
          .filter(({ specifier, typeOnly }) => isOwn(specifier) && !typeOnly)
          .map(({ specifier }) => resolved(file, specifier)),
      ]),
    );
    expect(findCycle(graph)?.join(' -> ') ?? 'none').toBe('none');
  });

  test('own imports name a file that exists, with its extension', () => {
    const files = new Set(sources.map(({ file }) => file));
    const missing = sources.flatMap(({ file, imports }) =>
      imports
        .filter(({ specifier }) => isOwn(specifier) && !files.has(resolved(file, specifier)))
        .map(({ specifier }) => `${file}: ${specifier}`),
    );
    expect(missing).toEqual([]);
  });

  test('the checks themselves see a wrong import, a wrong package and a cycle', () => {
    const source = (file: string, code: string): Source => ({ file, text: code, imports: importsOf(code) });
    const say = (file: string, code: string): string | null => {
      const one = source(file, code);
      return complaint(one, one.imports[0]!);
    };
    expect(say('audit/x.ts', "import { open } from '../sealed/open.ts';")).toContain('imports point downward');
    expect(say('audit/x.ts', "import { join } from 'node:path';")).toContain('only cli/ touches the machine');
    expect(say('views/x.ts', "import { list } from '../operations/kms/list.ts';")).toContain('imports point downward');
    expect(say('views/x.ts', "import { type List } from '../operations/kms/list.ts';")).toBeNull();
    expect(say('ui/x.ts', "import chalk from 'chalk';")).toContain('use import()');
    expect(say('storage/x.ts', "import { parse } from 'smol-toml';")).toContain('not for storage/');
    const cycle = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a']],
    ]);
    expect(findCycle(cycle)).toEqual(['a', 'b', 'c', 'a']);
  });
});

describe('names and habits', () => {
  const matching = (pattern: RegExp, files: readonly Source[] = sources): string[] =>
    files.flatMap(({ file, text }) =>
      withoutComments(text)
        .split('\n')
        .filter((line) => pattern.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );

  test('no index, util, helpers, common or misc', () => {
    const named = sources.filter(({ file }) => /(^|\/)(index|utils?|helpers?|common|misc)(\.ts|\/)/.test(file));
    expect(named.map(({ file }) => file)).toEqual([]);
  });

  test('the modules that touch the machine are imported in cli/ only', () => {
    const outside = sources.filter(({ file }) => !file.startsWith('cli/'));
    const wrong = outside.flatMap(({ file, imports }) =>
      imports.filter(({ specifier }) => CLI_ONLY.includes(specifier)).map(({ specifier }) => `${file}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test('the name of the lock file of a home occurs in cli/lock.ts only', () => {
    expect(sources.filter(({ text }) => text.includes('store.lock')).map(({ file }) => file)).toEqual(['cli/lock.ts']);
  });

  test('below cli/ there is no clock, no randomness and no process but those that are passed in', () => {
    const pure = sources.filter(({ file }) => !/^(cli|commands|ui)\//.test(file));
    expect(matching(/\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\bperformance\.now\(/, pure)).toEqual([]);
    expect(matching(/(?<![.\w'"`-])process\./, pure)).toEqual([]);
    expect(matching(/\bconsole\./)).toEqual([]);
  });

  test('default exports are oclif commands, hooks and the help class only', () => {
    const others = sources.filter(({ file }) => !/^commands\/|^cli\/(help|not-found)\.ts$/.test(file));
    expect(matching(/^export default/, others)).toEqual([]);
  });

  test('no escape from the types, and nothing left unfinished', () => {
    expect(matching(/\bas any\b|<any>|@ts-(ignore|expect-error|nocheck)/)).toEqual([]);
    const marks = sources.filter(({ text }) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text));
    expect(marks.map(({ file }) => file)).toEqual([]);
  });

  test('every file but commands and generated data says in its first line what it is', () => {
    const silent = sources.filter(({ file, text }) => !file.startsWith('commands/') && !text.startsWith('// '));
    expect(silent.map(({ file }) => file)).toEqual([]);
  });

  test('tests replace members of the Host, never modules', () => {
    const tests = globSync('**/*.ts', { cwd: dirname(fileURLToPath(import.meta.url)) });
    const mocks = tests.filter((file) => {
      const text = readFileSync(join(dirname(fileURLToPath(import.meta.url)), file), 'utf8');
      return /\bvi\.(mock|doMock|spyOn|stubGlobal)\(|\b(test|it|describe)(\.\w+)*\.(only|todo|skip)\(/.test(
        text.replaceAll(/\/.*\\b.*\//g, ''),
      );
    });
    expect(mocks).toEqual([]);
  });
});
