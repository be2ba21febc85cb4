// The code cache is used only where nobody but root and the user could have put something.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runBinary } from '../support/binary.ts';

const MODULE = new URL('../../src/cli/code-cache.ts', import.meta.url).href;
let root: string;
let cache: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ronctl-cache-'));
  cache = join(root, '.code-cache');
  mkdirSync(join(root, 'dist'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Asks in a process of its own: the cache is a switch of the whole process. */
async function used(): Promise<string> {
  const code = `const { useCodeCache } = await import(${JSON.stringify(MODULE)}); process.stdout.write(String(useCodeCache(${JSON.stringify(root)})));`;
  const run = await runBinary(['--input-type=module', '-e', code], { program: process.execPath });
  expect(run.stderr).toBe('');
  return run.stdout;
}

describe('the code cache', () => {
  test('is made beside dist, not in it, and used', async () => {
    expect(await used()).toBe('true');
    expect(existsSync(cache)).toBe(true);
    expect(readdirSync(join(root, 'dist'))).toEqual([]);
  });

  test('is not used when others may write the package, dist, or the cache', async () => {
    mkdirSync(cache);
    for (const directory of [root, join(root, 'dist'), cache]) {
      chmodSync(directory, 0o775);
      expect(await used(), directory).toBe('false');
      chmodSync(directory, 0o755);
    }
    expect(await used()).toBe('true');
  });

  test('is not used through a link', async () => {
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, cache);
    expect(await used()).toBe('false');
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});
