// Prints the test files below some directories that take their provider from test/support/crypto.ts, themselves or through
// what they import: the others do the same under any provider, and .ci/run does not repeat them.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const TESTS = fileURLToPath(new URL('..', import.meta.url));
const PROVIDER = join(TESTS, 'support', 'crypto.ts');

const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+\.ts)'/g)]
    .map(([, name]) => join(dirname(file), name!))
    .filter((name) => name.startsWith(TESTS) && existsSync(name));

function takesProvider(file: string, seen = new Set<string>()): boolean {
  if (file === PROVIDER) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  return importsOf(file).some((name) => takesProvider(name, seen));
}

const files = process.argv
  .slice(2)
  .flatMap((directory) => globSync(`${directory}/**/*.test.ts`))
  .filter((file) => takesProvider(join(process.cwd(), file)))
  .toSorted();
if (files.length === 0) throw new Error('no test takes its provider from test/support/crypto.ts');
process.stdout.write(`${files.map((file) => relative(process.cwd(), file)).join(' ')}\n`);
