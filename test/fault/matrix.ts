// The tests of a part of the crash matrix: one per operation, and one that prints the table and finds no empty cell.

import { describe, expect, it } from 'vitest';
import { FAULTS, printed, type Row, runScenario } from './runner.ts';
import type { Scenario } from './scenario.ts';

// `npm run test:crash` sets this; without it some rows take every third call.
const all = process.env['RONCTL_TEST_CRASH'] === 'all';

const AGAINST_HANGS_MS = 1_800_000;

export function crashMatrix(title: string, scenarios: readonly Scenario[]): void {
  describe(title, () => {
    const rows: Row[] = [];

    it.each(scenarios)(
      '$name survives a fault at its mutating calls',
      async (scenario) => {
        rows.push(await runScenario(scenario, all));
      },
      AGAINST_HANGS_MS,
    );

    it('has no empty cell', () => {
      process.stdout.write(
        `\n${title} (${all ? 'every call' : 'calls as each row says; error numbers take turns'})\n${printed(rows)}\n\n`,
      );
      for (const row of rows) {
        for (const { name } of FAULTS) expect(row.runs.get(name), `${row.name}, ${name}`).toBeGreaterThan(0);
      }
      expect(rows).toHaveLength(scenarios.length);
    });
  });
}
