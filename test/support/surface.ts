// The surface that users and scripts rely on, as data: commands, flags, arguments, and the shape of every JSON result, the HTTP interface.
// `npm run surface` writes it to test/surface/ after a deliberate change.

import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandInfo, commandList } from '../../src/cli/command-list.ts';
import { loadOpenApi } from '../../src/kms-api/openapi.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Every command of the built manifest. */
export function manifestCommands(): CommandInfo[] {
  const manifest = JSON.parse(readFileSync(join(PROJECT, 'oclif.manifest.json'), 'utf8')) as {
    commands: Record<string, Parameters<typeof commandList>[0][number]>;
  };
  return commandList(Object.values(manifest.commands), 'ronctl');
}

export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** Result schemas by the name of their command, e.g. `governance.list`. */
export function resultSchemas(): Map<string, JsonSchema> {
  const directory = join(PROJECT, 'src', 'operations');
  return new Map(
    globSync('**/*.schema.json', { cwd: directory })
      .sort()
      .map((file) => [
        file.replace(/\.schema\.json$/, '').replaceAll('/', '.'),
        JSON.parse(readFileSync(join(directory, file), 'utf8')) as JsonSchema,
      ]),
  );
}

const isObject = (value: unknown): value is JsonSchema =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** What a schema says at each path: `checks[].status: ok|note`, `package?.digest: string`. */
export function shapeOf(schema: JsonSchema): string[] {
  const lines: string[] = [];
  const visit = (at: JsonSchema, path: string, seen: readonly string[]): void => {
    const reference = at['$ref'];
    if (typeof reference === 'string') {
      if (seen.includes(reference)) {
        lines.push(`${path}: ${reference}`);
        return;
      }
      const target = reference
        .split('/')
        .slice(1)
        .reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), schema);
      if (isObject(target)) visit(target, path, [...seen, reference]);
      return;
    }
    for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
      const options = at[keyword];
      if (Array.isArray(options)) for (const option of options) if (isObject(option)) visit(option, path, seen);
    }
    const required = Array.isArray(at['required']) ? (at['required'] as unknown[]) : [];
    if (isObject(at['properties'])) {
      for (const [name, inner] of Object.entries(at['properties'])) {
        const member = `${path === '' ? '' : `${path}.`}${name}${required.includes(name) ? '' : '?'}`;
        if (isObject(inner)) visit(inner, member, seen);
      }
      return;
    }
    const inner = isObject(at['items']) ? at['items'] : at['additionalProperties'];
    if (isObject(inner)) {
      visit(inner, `${path}${inner === at['items'] ? '[]' : '.*'}`, seen);
      return;
    }
    const values = Array.isArray(at['enum']) ? (at['enum'] as unknown[]).join('|') : undefined;
    const constant = at['const'] === undefined ? undefined : JSON.stringify(at['const']);
    const type = Array.isArray(at['type']) ? (at['type'] as unknown[]).join('|') : at['type'];
    const what = values ?? constant ?? (typeof type === 'string' ? type : undefined);
    if (what !== undefined) lines.push(`${path}: ${what}`);
  };
  visit(schema, '', []);
  return [...new Set(lines)].sort();
}

const flagLine = ({ name, char, value, required, multiple }: CommandInfo['flags'][number]): string =>
  `--${name}${char === undefined ? '' : `, -${char}`}${value === undefined ? '' : ` ${value}`}${required ? ' (required)' : ''}${multiple ? ' (repeatable)' : ''}`;

const argLine = ({ name, required, multiple, options }: CommandInfo['args'][number]): string =>
  `${required ? name : `[${name}]`}${multiple ? ' …' : ''}${options.length === 0 ? '' : `: ${options.join('|')}`}`;

export function surface(): { commands: object; results: object } {
  const commands = manifestCommands().map(({ words, args, flags }) => [
    words.join(' '),
    { args: args.map(argLine), flags: flags.filter(({ global }) => !global).map(flagLine) },
  ]);
  const global = manifestCommands()[0]!
    .flags.filter((flag) => flag.global)
    .map(flagLine);
  return {
    commands: { global, commands: Object.fromEntries(commands) as object },
    results: Object.fromEntries([...resultSchemas()].map(([name, schema]) => [name, shapeOf(schema)])),
  };
}

interface Operation {
  readonly operationId: string;
  readonly 'x-scope'?: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>> }>
  >;
}

/** What the OpenAPI document of a server says of each operation. */
export async function httpSurface(): Promise<object> {
  const document = (await loadOpenApi()) as unknown as {
    readonly info: object;
    readonly servers: object;
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
  };
  const shapes = (content: Operation['responses'][string]['content'] = {}): object =>
    Object.fromEntries(Object.entries(content).map(([type, { schema }]) => [type, shapeOf(schema)]));
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [
      `${method.toUpperCase()} ${path}`,
      {
        id: operation.operationId,
        scope: operation['x-scope'] ?? null,
        parameters: operation.parameters.map((one) => `${one.in} ${one.name}${one.required ? '' : '?'}`),
        ...(operation.requestBody === undefined ? {} : { body: shapes(operation.requestBody.content) }),
        answer: shapes(operation.responses['200']!.content),
        statuses: Object.keys(operation.responses).join(' '),
      },
    ]),
  );
  return {
    info: document.info,
    servers: document.servers,
    error: shapeOf(document.components.schemas['ErrorEnvelope']!),
    operations: Object.fromEntries(operations) as object,
  };
}

export const surfaceFile = (name: 'commands' | 'results' | 'openapi'): string =>
  join(PROJECT, 'test', 'surface', `${name}.json`);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { commands, results } = surface();
  writeFileSync(surfaceFile('commands'), `${JSON.stringify(commands, null, 2)}\n`);
  writeFileSync(surfaceFile('results'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(surfaceFile('openapi'), `${JSON.stringify(await httpSurface(), null, 2)}\n`);
}
