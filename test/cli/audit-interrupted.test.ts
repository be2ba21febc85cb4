// `audit verify` of a real process that is interrupted: Ctrl-C, SIGTERM, SIGKILL in the middle; the next run says what it took
// over and gives the verdict of a run from the start, also when what was done already is changed in between.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import { testClock } from '../support/audit.ts';
import { flip } from '../support/audit-homes.ts';
import { BINARY, envelopeOf, type Run, runBinary } from '../support/binary.ts';
import { logsOfSizes } from '../support/log-copies.ts';
import { scratch } from '../support/scratch.ts';

/** Two whole segments and the beginning of a third. */
const SIZE = 132_000;
const root = scratch();
const home = join(root, 'home');
const runtime = join(root, 'run');
const env = { RONCTL_HOME: home, HOME: root, XDG_RUNTIME_DIR: runtime };
const SEGMENT = 'audit/e0/segments/000000.jsonl';

beforeAll(async () => {
  mkdirSync(runtime, { mode: 0o700 });
  const clock = testClock(Date.now() - 3_600_000 - testClock().wall);
  (await logsOfSizes([SIZE], 20_000, clock)).get(SIZE)!.writeTo(home);
});

/** Names of what is kept, of all logs. */
const kept = (): string[] => {
  const directory = join(home, 'trust/verify');
  return existsSync(directory)
    ? readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))
    : [];
};

/** Runs until a segment is done and kept, then sends the signal; again when the run was at its end before. */
async function interrupt(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL', argv: readonly string[] = []) {
  for (;;) {
    const options = { env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...env } };
    const child = spawn(BINARY, ['audit', 'verify', '--resumable', ...argv], options);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout.resume();
    const closed = once(child, 'close') as Promise<[number | null, string | null]>;
    while (child.exitCode === null && kept().length === 0) await new Promise((done) => setTimeout(done, 2));
    child.kill(signal);
    const [code, by] = await closed;
    if (code !== 0) return { code, by, stderr };
  }
}

const verify = (...argv: readonly string[]): Promise<Run> =>
  runBinary(['audit', 'verify', '--resumable', ...argv], { env });
const dataOf = (run: Run): AuditVerifyResult => envelopeOf<AuditVerifyResult>(run).data!;

describe('an interrupted audit verify', () => {
  it('goes on after Ctrl-C, and says so', async () => {
    const { code, stderr } = await interrupt('SIGINT');
    expect([code, stderr]).toEqual([130, expect.stringContaining('Interrupted')]);
    const run = await verify();
    expect([run.exit, run.stderr]).toEqual([0, '']);
    expect(run.stdout).toMatch(
      /^consistent\n[\s\S]*; [12] segments as an interrupted run left them, by their digest\n/,
    );
    expect(kept()).toEqual([]);
  });

  it('goes on after SIGTERM, over an export in tlog-tiles', async () => {
    const tiles = join(root, 'tiles');
    expect((await runBinary(['audit', 'export', '--tlog', tiles], { env })).exit).toBe(0);
    expect((await interrupt('SIGTERM', [tiles])).code).toBe(143);
    const data = dataOf(await verify(tiles, '--json'));
    expect(data).toMatchObject({ kind: 'tlog', verdict: 'consistent', epochs: [{ records: SIZE }] });
    expect(data.resumed_segments).toBeGreaterThan(0);
    expect(kept()).toEqual([]);
  });

  it('finds after SIGKILL what was changed in a segment that was done', async () => {
    expect(await interrupt('SIGKILL')).toMatchObject({ by: 'SIGKILL' });
    const [name] = kept();
    const before = readFileSync(join(home, SEGMENT));
    const index = before.subarray(0, 5000).toString().split('\n').length - 1;
    flip(SEGMENT, 5000)(home);
    const run = await verify('--json');
    expect([run.exit, dataOf(run).verdict, dataOf(run).first_index]).toEqual([10, 'tampered', index]);
    expect(kept()).toEqual([]);
    flip(SEGMENT, 5000)(home);
    expect(name).toMatch(/^[0-9a-f]{64}\/0\.json$/);
  });

  it('begins anew in another session: what is kept counts only with the key of the one that kept it', async () => {
    await interrupt('SIGKILL');
    expect(kept().length).toBeGreaterThan(0);
    rmSync(join(runtime, 'ronctl'), { recursive: true });
    const data = dataOf(await verify('--json'));
    expect(data.verdict).toBe('consistent');
    expect(data.resumed_segments).toBeUndefined();
  });
});
