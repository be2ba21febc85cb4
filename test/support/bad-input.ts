// A refused command line as one row: what is typed, what it must say, and that nothing was written anywhere.

import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Envelope, envelopeOf, type RunOptions, type TestHome } from './binary.ts';

export interface BadInput extends RunOptions {
  readonly argv: readonly string[];
  readonly exit: number;
  /** One code, or several joined by `|`. */
  readonly code: string;
  /** Part of the message. */
  readonly message: string;
  /** The place that the error names; null when it names none. */
  readonly field?: string | null;
  /** Part of the next step. */
  readonly hint?: string;
}

/** One line per file: mode, path, and digest or target. Lock files are never opened here either: only their mode is shown. */
export function treeOf(directory: string): string[] {
  return (readdirSync(directory, { recursive: true }) as string[]).sort().map((name) => {
    const path = join(directory, name);
    const stats = lstatSync(path);
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isSymbolicLink()) return `${mode} ${name} -> ${readlinkSync(path)}`;
    if (!stats.isFile() || /(^|\/)(store\.)?lock$/.test(name)) return `${mode} ${name}`;
    const digest =
      stats.size > 16 * 1024 * 1024 ? `${stats.size}` : createHash('sha256').update(readFileSync(path)).digest('hex');
    return `${mode} ${name} ${digest}`;
  });
}

/** Lines that no operator should have to read. */
const UGLY =
  /undefined|\[object|NaN|Did you mean:? ?\?|COMMAND|: \?|\bnull\b.*expected, null|Error:|at .*\.js:|errno|ENO[A-Z]+|\bE[A-Z]{4,}\b:|[A-Za-z] {2,}[a-z]/;

/** Runs it in the home, as JSON and in the text form, and checks code, place, words, next step, and the unchanged tree. */
export async function expectRefused(
  home: TestHome,
  { argv, exit, code, message, field, hint, ...options }: BadInput,
): Promise<Envelope> {
  const before = treeOf(home.directory);
  const run = await home.run([...argv, '--json'], { expected: exit, ...options });
  const line = `ronctl ${argv.join(' ')}\n${run.stdout}${run.stderr}`;
  expect(run.exit, line).toBe(exit);
  const answer = envelopeOf(run);
  const error = answer.error!;
  expect(code.split('|'), line).toContain(error.code);
  expect(error.message, line).toContain(message);
  if (field === null) expect(error.field, line).toBeUndefined();
  else if (field !== undefined) expect(error.field, line).toBe(field);
  if (hint !== undefined) expect(error.hint, line).toContain(hint);
  for (const text of [error.message, error.hint]) {
    expect(text, line).not.toMatch(UGLY);
    expect(text.length, line).toBeGreaterThan(3);
  }
  expect(run.stderr, line).not.toMatch(/\n {4}at /);
  expect(treeOf(home.directory), `${line}nothing may be written`).toEqual(before);
  return answer;
}
