// Builds dist once per test run: the transcript tests run what would be packed. RONCTL_TEST_BUILT=1 says that dist is already
// what the sources make, as after the run before this one.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export default function setup(): void {
  if (process.env['RONCTL_TEST_BUILT'] === '1') return;
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const done = spawnSync(process.execPath, ['bin/build.js'], { cwd: root, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`bin/build.js failed:\n${done.stdout}${done.stderr}`);
}
