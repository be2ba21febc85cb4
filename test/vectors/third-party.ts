// Third-party vectors (keys page 12, I-35): found in $RONCTL_VECTORS, else in ../shared/vectors beside the clone; never
// copied into the project. A run prints one line for each suite and provider; a skipped case carries its reason, and the
// numbers of cases run and skipped are asserted, so that a runner which quietly does less fails.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { Crypto, ProviderName } from '../../src/crypto/provider.ts';

export type SkipReason =
  | 'hash-ml-dsa'
  | 'external-mu'
  | 'no deterministic native signing'
  | 'suite not offered'
  | 'fips203-draft';

const BESIDE = fileURLToPath(new URL('../../../shared/vectors', import.meta.url));

function find(): string | null {
  const named = process.env['RONCTL_VECTORS'];
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new Error(`RONCTL_VECTORS names a folder that does not exist: ${named}`);
    return named;
  }
  return existsSync(BESIDE) ? BESIDE : null;
}

const directory = find();

/** The 10,000-round digests, minutes of work, are asked for by this variable; `.ci/run` sets it once. */
export const FULL = process.env['RONCTL_VECTORS_FULL'] === '1';

const print = (line: string): void => {
  process.stdout.write(`vectors: ${line}\n`);
};

/** `describe`, with one test that says so when the folder is absent. */
export function describeVectors(title: string, body: () => void): void {
  if (directory !== null) {
    describe(title, body);
    return;
  }
  it(`${title}: vectors absent`, () => {
    print('absent');
    expect(existsSync(BESIDE)).toBe(false);
  });
}

/** Bytes of a file of the folder; `.gz` is unpacked. A file that is missing while the folder exists is an error. */
export function vectorBytes(path: string): Buffer {
  const bytes = readFileSync(join(directory!, path));
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** Files below a folder of the suite, sorted, as paths for `vectorBytes`. */
export function vectorFiles(path: string): string[] {
  return readdirSync(join(directory!, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory!, join(entry.parentPath, entry.name)))
    .sort();
}

/** A file of the folder `interop` beside the vectors; it need not exist. */
export const interopFile = (name: string): string => join(directory ?? BESIDE, '..', 'interop', name);

export function vectorJson(path: string): unknown {
  return JSON.parse(vectorBytes(path).toString('utf8'));
}

/** Bytes of hex in either case. */
export function unhex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new Error(`not hex: ${text.slice(0, 20)}`);
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export const PROVIDERS: readonly ProviderName[] = ['native', 'noble'];

export function provider(name: ProviderName): Crypto {
  return name === 'native' ? nativeCrypto() : nobleCrypto();
}

/** True when the body throws: an exception counts as a refusal where the suite expects one. */
export function refuses(body: () => unknown): boolean {
  try {
    body();
    return false;
  } catch {
    return true;
  }
}

/** Counts cases of one suite under one provider. */
export class Tally {
  readonly #name: string;
  readonly #failures: string[] = [];
  readonly #skipped: Partial<Record<SkipReason, number>> = {};
  #run = 0;

  /** `provider` is `plain` for primitives that exist once. */
  constructor(suite: string, provider: ProviderName | 'plain') {
    this.#name = `${suite} ${provider}`;
  }

  /** One case that ran; `id` names it in a failure. */
  check(id: string | number, ok: boolean): void {
    this.#run++;
    if (!ok) this.#failures.push(String(id));
  }

  leaveOut(reason: SkipReason, count = 1): void {
    this.#skipped[reason] = (this.#skipped[reason] ?? 0) + count;
  }

  /** Prints the line and asserts that no case failed and exactly these numbers ran and were skipped. */
  finish(run: number, skipped: Partial<Record<SkipReason, number>> = {}): void {
    expect(run).toBeGreaterThan(0);
    this.#close(run, skipped);
  }

  /** For a suite that is skipped as a whole. */
  finishSkipped(skipped: Partial<Record<SkipReason, number>>): void {
    this.#close(0, skipped);
  }

  #close(run: number, skipped: Partial<Record<SkipReason, number>>): void {
    const reasons = Object.entries(this.#skipped).map(([reason, count]) => `${reason} ${count}`);
    const total = Object.values(this.#skipped).reduce((sum, count) => sum + count, 0);
    const why = reasons.length === 0 ? '' : ` (${reasons.join(', ')})`;
    const ran = run === 0 && this.#run === 0 ? 'not run' : `${this.#run} run`;
    print(`${this.#name} ${ran}, ${total} skipped${why}`);
    expect(this.#failures, `${this.#name}: failed cases`).toEqual([]);
    expect({ run: this.#run, skipped: this.#skipped }, this.#name).toEqual({ run, skipped });
  }
}

/** Wycheproof: groups that share a key, each with cases. */
export interface Wycheproof<Group, Case> {
  readonly testGroups: readonly (Group & {
    readonly tests: readonly (Case & { readonly tcId: number; readonly result: 'valid' | 'invalid' | 'acceptable' })[];
  })[];
}
