// Directories that go when the file of tests is done.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const roots: string[] = [];

export function scratch(): string {
  const made = mkdtempSync(join(tmpdir(), 'ronctl-scratch-'));
  roots.push(made);
  return made;
}

export function removeScratch(): void {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
}
