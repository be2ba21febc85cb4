import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { GOVERNANCE_SCENARIOS } from './governance-scenarios.ts';
import { copyHome, crashDirectory, runDeps } from './runner.ts';
import type { Scenario } from './scenario.ts';
import { STORE_SCENARIOS } from './store-scenarios.ts';

// A sample of the crash matrix with real processes and a real SIGKILL: the kernel's lock is released, holder.json stays.

const WORKER = fileURLToPath(new URL('kill-worker.ts', import.meta.url));

function worker(scenario: string, home: string, at: number, when: 'before' | 'after') {
  const done = spawnSync(process.execPath, [WORKER, scenario, home, `${at}`, when], { encoding: 'utf8' });
  return { signal: done.signal, stdout: done.stdout, stderr: done.stderr };
}

async function killed(scenario: Scenario, fractions: readonly number[]): Promise<void> {
  const directory = crashDirectory();
  try {
    const prepared = join(directory, 'prepared');
    const home = join(directory, 'run', 'home');
    mkdirSync(join(directory, 'run'));
    await scenario.prepare(runDeps(prepared, 'prepare'));
    const before = await scenario.describe(runDeps(prepared, 'describe'));
    copyHome(prepared, home);
    const whole = worker(scenario.name, home, 0, 'before');
    const calls = Number(/^calls (\d+)$/m.exec(whole.stdout)?.[1]);
    expect(calls, whole.stderr).toBeGreaterThan(3);
    const after = await scenario.describe(runDeps(home, 'describe'));
    for (const [index, fraction] of fractions.entries()) {
      const at = Math.max(1, Math.round(calls * fraction));
      const when = index % 2 === 0 ? 'before' : 'after';
      copyHome(prepared, home);
      const run = worker(scenario.name, home, at, when);
      expect(run.signal, `${scenario.name} at call ${at}: ${run.stderr}`).toBe('SIGKILL');
      const found = await scenario.describe(runDeps(home, 'describe'));
      const allowed = run.stdout.includes('acknowledged') ? [after] : [before, after];
      expect(allowed, `${scenario.name} killed ${when} call ${at} of ${calls}`).toContain(found);
      await scenario.run(runDeps(home, 'again'), () => undefined);
      expect(await scenario.describe(runDeps(home, 'describe again'))).toBe(after);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const named = (name: string): Scenario =>
  [...STORE_SCENARIOS, ...GOVERNANCE_SCENARIOS].find((one) => one.name === name)!;

describe('a process that is killed', () => {
  it.each([
    ['rotate', [0.2, 0.45, 0.6, 0.8]],
    ['root-rotate', [0.4, 0.5, 0.6]],
    ['signer statement', [0.5, 0.9]],
    ['execute', [0.3, 0.5, 0.7, 0.95]],
    ['ingest', [0.3, 0.6]],
  ] as const)('during %s leaves a home that opens and goes on', async (name, fractions) => {
    await killed(named(name), fractions);
  });
});
