import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const schema = (path: string): string =>
  readFileSync(new URL(`../../../src/operations/${path}.schema.json`, import.meta.url), 'utf8');

it('pq propose gives what governance propose gives', () => {
  expect(schema('pq/propose')).toBe(schema('governance/propose').replace('governance.propose', 'pq.propose'));
});
