// The order of the files: what takes longest begins first, so that at the end no worker is alone with minutes of work. The
// size of a file says little about it: the crash matrices are four lines.

import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const LONGEST: readonly string[] = [
  'fault/governance-crash',
  'fault/store-crash',
  'cli/bad-input-machine',
  'cli/online-story',
  'audit/damage-matrix',
  'cli/witness',
  'cli/readme',
  'cli/restore-accept',
  'cli/older-copies',
  'cli/governance',
  'cli/rules',
  'kms-process/life',
  'kms-process/crash',
  'fault/kill',
  'man/auditor',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const at = LONGEST.indexOf(relative(`${project.config.root}/test`, moduleId).replace('.test.ts', ''));
      return at === -1 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
