// Runs one scenario of the crash matrix in a process of its own and kills it (SIGKILL) at the k-th mutating call:
//   node kill-worker.ts SCENARIO HOME K before|after
// K = 0 runs to the end. What was acknowledged is a line on stdout.

import { writeSync } from 'node:fs';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { countedFiles } from '../support/faulty-files.ts';
import { GOVERNANCE_SCENARIOS } from './governance-scenarios.ts';
import { runDeps } from './runner.ts';
import { STORE_SCENARIOS } from './store-scenarios.ts';

const [name, home, at, when] = process.argv.slice(2);
const scenario = [...STORE_SCENARIOS, ...GOVERNANCE_SCENARIOS].find((one) => one.name === name);
if (scenario === undefined || home === undefined) throw new Error(`no scenario ${name}`);

const kill = (): never => {
  process.kill(process.pid, 'SIGKILL');
  // The signal is delivered before the next system call returns; nothing of the scenario runs any more.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
};

let calls = 0;
const files = countedFiles(nodeFiles(), (act) => {
  calls += 1;
  if (calls !== Number(at)) return act();
  if (when === 'before') kill();
  act();
  return kill();
});
await scenario.run(runDeps(home, 'faulted', files), () => writeSync(1, 'acknowledged\n'));
writeSync(1, `calls ${calls}\n`);
