// Builds dist once per test run: the transcript tests run what would be packed.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export default function setup(): void {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const done = spawnSync(process.execPath, ['bin/build.js'], { cwd: root, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`bin/build.js failed:\n${done.stdout}${done.stderr}`);
}
