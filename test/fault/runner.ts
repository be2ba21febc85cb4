// Runs scenarios of the crash matrix in this process, with the faulty `Files`: for each mutating call k and each fault the
// home is copied, the operation runs into the fault, and then
//   - everything opens and verifies with healthy files;
//   - the state is the one before or the one after; after an acknowledgement it is the one after;
//   - the operation, run again, completes, and the state is the one after.

import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concat } from '../../src/bytes/framing.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import { sha512 } from '../../src/crypto/hash.ts';
import { RonError } from '../../src/errors.ts';
import type { Random } from '../../src/host.ts';
import { rememberingCrypto } from '../support/fast-crypto.ts';
import { Crashed, type Fault, faultyFiles } from '../support/faulty-files.ts';
import { storeDeps, type TestDeps } from '../support/store.ts';
import type { Scenario } from './scenario.ts';

export const FAULTS: readonly { readonly name: string; readonly fault: Fault }[] = [
  { name: 'killed before', fault: { kind: 'crash', when: 'before' } },
  { name: 'killed after', fault: { kind: 'crash', when: 'after' } },
  { name: 'ENOSPC', fault: { kind: 'ENOSPC' } },
  { name: 'EIO', fault: { kind: 'EIO' } },
  { name: 'EROFS', fault: { kind: 'EROFS' } },
  { name: 'short write', fault: { kind: 'short' } },
  { name: 'failed sync', fault: { kind: 'sync' } },
];

const ERRNO: ReadonlySet<string> = new Set(['ENOSPC', 'EIO', 'EROFS']);

export interface Row {
  readonly name: string;
  /** Every call, or every third; the columns begin at different ones. */
  readonly every: number;
  /** Mutating calls of an undisturbed run. */
  readonly calls: number;
  /** Runs that met their fault, by fault name. */
  readonly runs: ReadonlyMap<string, number>;
}

const crypto = rememberingCrypto();

/** Repeatable bytes, so that a key derivation with the same salt is made once; `run` keeps temporary names apart. */
function seededRandom(run: string): Random {
  let n = 0;
  return {
    bytes: (length) => {
      const blocks = Array.from({ length: Math.ceil(length / 64) }, () => sha512(utf8(`${run} ${n++}`)));
      return concat(...blocks).slice(0, length);
    },
  };
}

/** Dependencies of one run. */
export const runDeps = (home: string, run: string, files = nodeHost().files): TestDeps =>
  storeDeps(home, { hostChange: { random: seededRandom(run), files }, crypto: async () => crypto });

/** In memory where there is some: what is tested is the order of calls, and a disk would only wait. */
export function crashDirectory(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ronctl-crash-'));
}

export function copyHome(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  if (existsSync(from)) cpSync(from, to, { recursive: true });
}

/** Throws, naming scenario, fault and call, at the first run that breaks the rules. */
export async function runScenario(scenario: Scenario, all: boolean): Promise<Row> {
  const directory = crashDirectory();
  try {
    const prepared = join(directory, 'prepared');
    const home = join(directory, 'run', 'home');
    mkdirSync(join(directory, 'run'));
    await scenario.prepare(runDeps(prepared, 'prepare'));
    const before = await scenario.describe(runDeps(prepared, 'describe'));
    copyHome(prepared, home);
    const counting = faultyFiles(nodeHost().files, 0, { kind: 'crash', when: 'before' });
    await scenario.run(runDeps(home, 'faulted', counting.files), () => undefined);
    const after = await scenario.describe(runDeps(home, 'describe'));
    if (after === before) throw new Error(`${scenario.name}: the operation changes nothing that is described`);

    const runs = new Map<string, number>(FAULTS.map(({ name }) => [name, 0]));
    for (const [index, { name, fault }] of FAULTS.entries()) {
      // Three error numbers take one path through the program, so they take turns. Columns that step start at different
      // calls, so that together they meet all of them.
      const step = all ? 1 : ERRNO.has(fault.kind) ? 3 : scenario.every;
      for (let k = 1 + (index % step); k <= counting.calls(); k += step) {
        copyHome(prepared, home);
        const hit = await oneRun(scenario, home, k, fault, { before, after });
        if (hit) runs.set(name, runs.get(name)! + 1);
      }
    }
    return { name: scenario.name, every: all ? 1 : scenario.every, calls: counting.calls(), runs };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function oneRun(
  scenario: Scenario,
  home: string,
  k: number,
  fault: Fault,
  states: { readonly before: string; readonly after: string },
): Promise<boolean> {
  const faulty = faultyFiles(nodeHost().files, k, fault);
  let acknowledged = false;
  let failed = false;
  try {
    await scenario.run(runDeps(home, 'faulted', faulty.files), () => {
      acknowledged = true;
    });
  } catch (error) {
    const expected = error instanceof Crashed || (error instanceof RonError && error.code === 'StorageFault');
    if (!expected) throw new Error(`${scenario.name}, call ${k} (${faulty.hit()}): another error`, { cause: error });
    failed = true;
  }
  const where = `${scenario.name}, ${fault.kind} at call ${k} (${faulty.hit()})`;
  if (faulty.hit() === null) return false;
  if (!failed) throw new Error(`${where}: the fault was swallowed`);
  try {
    const found = await scenario.describe(runDeps(home, 'describe'));
    if (found !== states.after && (acknowledged || found !== states.before)) {
      throw new Error(
        `a state that is neither before nor after${acknowledged ? ', although acknowledged' : ''}: ${found}`,
      );
    }
    await scenario.run(runDeps(home, 'again'), () => undefined);
    const again = await scenario.describe(runDeps(home, 'describe again'));
    if (again !== states.after) throw new Error(`run again, it ends in another state: ${again}`);
  } catch (error) {
    throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return true;
}

/** The matrix as it is printed. */
export function printed(rows: readonly Row[]): string {
  const head = ['operation', 'calls', 'every', ...FAULTS.map(({ name }) => name)];
  const lines = rows.map((row) => [
    row.name,
    `${row.calls}`,
    `${row.every}`,
    ...FAULTS.map(({ name }) => `${row.runs.get(name)}`),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]!.length)));
  return [head, ...lines].map((cells) => cells.map((cell, n) => cell.padEnd(widths[n]!)).join('  ')).join('\n');
}
