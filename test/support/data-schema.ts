// Checks the data of an operation against the schema file beside it, as the transcript tests do for the binary.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';

const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });

/** `command` as in `policy/inspect`. */
export function expectData(command: string, data: unknown): void {
  const file = fileURLToPath(new URL(`../../src/operations/${command}.schema.json`, import.meta.url));
  const schema = JSON.parse(readFileSync(file, 'utf8')) as { title: string };
  const validate = ajv.getSchema(schema.title) ?? ajv.compile({ $id: schema.title, ...schema });
  expect(validate(JSON.parse(JSON.stringify(data))), JSON.stringify(validate.errors)).toBe(true);
}
