import { describe, expect, it } from 'vitest';
import { FAULTS, printed, type Row, runScenario } from './runner.ts';
import { STORE_SCENARIOS } from './store-scenarios.ts';

// `npm run test:crash` sets this; without it some rows take every third call.
const all = process.env['RONCTL_TEST_CRASH'] === 'all';

const SCENARIOS = [...STORE_SCENARIOS];

describe('crash matrix', () => {
  const rows: Row[] = [];

  it.each(SCENARIOS)('$name survives a fault at its mutating calls', async (scenario) => {
    rows.push(await runScenario(scenario, all));
  });

  it('has no empty cell', () => {
    process.stdout.write(`\n${printed(rows)}\n\n`);
    for (const row of rows) {
      for (const { name } of FAULTS) expect(row.runs.get(name), `${row.name}, ${name}`).toBeGreaterThan(0);
    }
    expect(rows).toHaveLength(SCENARIOS.length);
  });
});
