// Every kind of damage at a log of 1,000,000 records, written by the real writer, found by the real binary: exit code, verdict,
// first index and the time that it took, printed as a table. Ends with 1 when a cell is not what it must be. Wants 1.5 GB where
// the temporary files are; they are removed at the end.
// Run: npm run build && node bench/audit-damage.ts [records]

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFiles } from '../src/cli/node-files.ts';
import type { AuditVerifyResult } from '../src/operations/audit/verify-result.ts';
import { ensureHome, homePaths } from '../src/storage/home.ts';
import { auditDeps, countingRandom, fillLog, newLog, testClock } from '../test/support/audit.ts';
import { DiskLog } from '../test/support/log-copies.ts';
import { DAMAGES, LARGE_DAMAGES } from '../test/support/log-damages.ts';

const SIZE = Number(process.argv[2] ?? 1_000_000);
const OLDER = SIZE - 70_000;
const CHECKPOINT_EVERY = 50_000;
/** Of the log whose clock is ahead. */
const SIZE_AHEAD = 1000;
const HOUR_MS = 3_600_000;
const EXIT = { consistent: 0, inconclusive: 11, tampered: 10 } as const;
const main = join(fileURLToPath(new URL('..', import.meta.url)), 'dist', 'cli', 'main.js');
const root = mkdtempSync(join(tmpdir(), 'ronctl-bench-'));

/** Grows one log through the sizes; a copy of the home at each of them but the last, which is the log itself. */
async function make(
  name: string,
  sizes: readonly number[],
  every: number,
  agoMs: number,
): Promise<Map<number, DiskLog>> {
  const directory = join(root, name);
  mkdirSync(directory, { mode: 0o700 });
  const clock = testClock(Date.now() - agoMs - testClock().wall);
  const files = nodeFiles();
  await ensureHome({ files, random: countingRandom('home'), clock }, homePaths(directory));
  const log = await newLog(join(directory, 'audit'), auditDeps(files, clock));
  const out = new Map<number, DiskLog>();
  for (const size of sizes) {
    await fillLog(log, size, every);
    if (size === sizes.at(-1)) out.set(size, new DiskLog(directory));
    else {
      cpSync(directory, `${directory}-${size}`, { recursive: true });
      out.set(size, new DiskLog(`${directory}-${size}`));
    }
  }
  log.close();
  return out;
}

function verify(home: string): { exit: number | null; data: AuditVerifyResult; ms: number } {
  const env = { PATH: '/usr/bin:/bin', RONCTL_HOME: home, HOME: root };
  const argv = ['--disable-sigusr1', '--no-addons', main, 'audit', 'verify', '--json'];
  const begin = performance.now();
  const run = spawnSync(process.execPath, argv, { env, encoding: 'utf8' });
  const ms = performance.now() - begin;
  return { exit: run.status, data: (JSON.parse(run.stdout) as { data: AuditVerifyResult }).data, ms };
}

const wrong: string[] = [];
try {
  const begin = performance.now();
  const logs = await make('log', [0, OLDER, SIZE], CHECKPOINT_EVERY, 5 * HOUR_MS);
  const forks = await make('fork', [SIZE], CHECKPOINT_EVERY - 1000, 5 * HOUR_MS);
  const futures = await make('future', [SIZE_AHEAD], CHECKPOINT_EVERY, -HOUR_MS);
  const [log, future] = [logs.get(SIZE)!, futures.get(SIZE_AHEAD)!];
  const others = { older: { log: logs.get(OLDER)!, size: OLDER }, empty: logs.get(0)!, fork: forks.get(SIZE)! };
  console.log(`${SIZE} records, made in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  const all = [...DAMAGES, ...LARGE_DAMAGES];
  const width = Math.max(...all.map((one) => one.name.length));
  const row = (name: string, run: ReturnType<typeof verify>): void => {
    const at = run.data.first_index === null ? '' : ` @${run.data.first_index}`;
    const codes = [...new Set(run.data.findings.map((one) => one.code))].join(', ');
    console.log(
      `${name.padEnd(width)} ${`${run.exit}${at}`.padStart(12)} ${run.ms.toFixed(0).padStart(6)} ms  ${codes}`,
    );
  };
  // Remembered from here on.
  const clean = verify(log.directory);
  row('undamaged', clean);
  if (clean.data.verdict !== 'consistent') wrong.push('undamaged');
  for (const damage of all) {
    const files = (damage.now === undefined ? log : future).copyTo(join(root, 'damaged'));
    damage.apply(files, SIZE, others);
    const run = verify(files.directory);
    row(damage.name, run);
    const index = damage.index?.(SIZE, others);
    const isFound = run.data.findings.some((one) => damage.code.split(' or ').includes(one.code));
    const isPlaced = index === undefined || run.data.first_index === index;
    const isJudged = run.exit === EXIT[damage.verdict] && run.data.verdict === damage.verdict;
    if (!isFound || !isPlaced || !isJudged) wrong.push(damage.name);
    rmSync(files.directory, { recursive: true });
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
console.log(wrong.length === 0 ? 'everything was found' : `NOT as it must be: ${wrong.join('; ')}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
