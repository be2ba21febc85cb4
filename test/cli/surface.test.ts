// What scripts rely on does not change by accident. After a deliberate change: npm run build && npm run surface.

import { existsSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { schemaFile } from '../support/binary.ts';
import {
  httpSurface,
  type JsonSchema,
  manifestCommands,
  resultSchemas,
  surface,
  surfaceFile,
} from '../support/surface.ts';

const commands = manifestCommands();

describe('the surface', () => {
  test('commands, arguments and flags are those of the snapshot', () => {
    expect(surface().commands).toEqual(JSON.parse(readFileSync(surfaceFile('commands'), 'utf8')));
  });

  test('the shapes of results are those of the snapshot', () => {
    expect(surface().results).toEqual(JSON.parse(readFileSync(surfaceFile('results'), 'utf8')));
  });

  test('the HTTP interface is that of the snapshot', async () => {
    expect(await httpSurface()).toEqual(JSON.parse(readFileSync(surfaceFile('openapi'), 'utf8')));
  });

  test('a flag means the same everywhere: one text, one letter, one kind', () => {
    const texts = new Map<string, Set<string>>();
    for (const { flags } of commands) {
      for (const { name, char, value, summary } of flags) {
        const own = new Set([
          'file',
          'out',
          'key',
          'to',
          'by',
          'reason',
          'expires',
          'since',
          'purpose',
          'alg',
          'tenant',
          'scope',
          'signer',
          'all',
          'from',
          'auditor',
          'kid',
          'members',
          'threshold',
          'profile',
          // Of a checkpoint, or of random bytes.
          'size',
          // The client's, and of `kms serve` the server's.
          'config',
        ]);
        const text = own.has(name) ? `${char} ${value === undefined}` : `${char} ${value} ${summary}`;
        texts.set(name, (texts.get(name) ?? new Set()).add(text));
      }
    }
    const drifted = [...texts]
      .filter(([, variants]) => variants.size > 1)
      .map(([name, variants]) => [name, ...variants]);
    expect(drifted).toEqual([]);
  });
});

/** Paths of objects that would take any member. */
function openObjects(schema: unknown, path = ''): string[] {
  if (schema === null || typeof schema !== 'object') return [];
  if (Array.isArray(schema)) return schema.flatMap((item, index) => openObjects(item, `${path}/${index}`));
  const at = schema as JsonSchema;
  const isObjectSchema = at['type'] === 'object' || ('properties' in at && 'required' in at);
  const open =
    isObjectSchema && !('additionalProperties' in at) && !('unevaluatedProperties' in at) ? [path || '/'] : [];
  return [...open, ...Object.entries(at).flatMap(([key, inner]) => openObjects(inner, `${path}/${key}`))];
}

describe('result schemas', () => {
  test('every command has one, and every one belongs to a command, but that of --explain', () => {
    const names = commands.map(({ words }) => words.join('.'));
    expect(names.filter((name) => !existsSync(schemaFile(name)))).toEqual([]);
    expect([...resultSchemas().keys()].filter((name) => !names.includes(name))).toEqual(['request']);
  });

  test.each([...resultSchemas()])('%s is valid, closed, and named after its command', (name, schema) => {
    expect(() => new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema)).not.toThrow();
    expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(schema['title']).toBe(`ronctl/${name}/1`);
    expect(openObjects(schema)).toEqual([]);
  });
});
