// The format of every file under vectors/: {"suite", "source", "vectors": [{"name", "in", "out" | "error"}]} as JSON with
// two spaces of indentation and one final LF; bytes in lower-case hex. `error` says in our words why the input is refused.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Fields = Readonly<Record<string, unknown>>;

export interface OwnVector {
  readonly name: string;
  readonly in: Fields;
  readonly out?: Fields;
  readonly error?: string;
}

export interface OwnSuite {
  readonly suite: string;
  /** How the values were made. */
  readonly source: string;
  readonly vectors: readonly OwnVector[];
}

export const VECTORS_DIRECTORY = fileURLToPath(new URL('../../vectors', import.meta.url));

export function formatSuite(suite: OwnSuite): string {
  return `${JSON.stringify(suite, null, 2)}\n`;
}

/** Path below vectors/, e.g. `crypto/ed25519.json`. */
export function readSuite(path: string): OwnSuite {
  return JSON.parse(readFileSync(join(VECTORS_DIRECTORY, path), 'utf8')) as OwnSuite;
}

export function writeSuite(path: string, suite: OwnSuite): void {
  writeFileSync(join(VECTORS_DIRECTORY, path), formatSuite(suite));
}

/** Every file below vectors/ except the sums, sorted by path. */
export function listFiles(): string[] {
  return readdirSync(VECTORS_DIRECTORY, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(VECTORS_DIRECTORY, join(entry.parentPath, entry.name)))
    .filter((path) => path !== 'SHA256SUMS')
    .sort();
}

/** What SHA256SUMS must hold; `sha256sum -c` in vectors/ reads it. */
export function sumsText(): string {
  return listFiles()
    .map((path) => {
      const digest = createHash('sha256')
        .update(readFileSync(join(VECTORS_DIRECTORY, path)))
        .digest('hex');
      return `${digest}  ${path}\n`;
    })
    .join('');
}

export function writeSums(): void {
  writeFileSync(join(VECTORS_DIRECTORY, 'SHA256SUMS'), sumsText());
}

/** Path of a source file from the top of the project. */
export function projectPath(path: string): string {
  return join(dirname(VECTORS_DIRECTORY), path);
}
