// ronctl-monitoring(7) against the tables it is made from: a metric, event, field, alert or readiness key that is not on the
// page, or is described otherwise, fails here; `npm run man` writes the lists.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { filledPage, MONITORING_LISTS } from '../../src/cli/man-monitoring.ts';
import { ALERTS } from '../../src/kms-api/alert-rules.ts';
import { REJECT_REASONS } from '../../src/kms-api/metrics.ts';
import { manPath, readManPage } from '../support/man-page.ts';

const page = readFileSync(manPath('ronctl-monitoring.7'), 'utf8');

describe('ronctl-monitoring(7)', () => {
  test('has the lists as the tables say', () => {
    expect(page).toBe(filledPage(page));
  });

  test('a list without its place, or a place without a list, is noticed', () => {
    expect(() => filledPage(page.replace('.\\" begin metrics', ''))).toThrow(/no place for metrics/);
    expect(() => filledPage(`${page}.\\" begin other\n.\\" end other\n`)).toThrow(/no list other/);
    expect(Object.keys(MONITORING_LISTS)).toHaveLength(5);
  });

  test('names every reason of a rejection', () => {
    const { text } = readManPage('ronctl-monitoring.7').get('METRICS')!;
    expect(text.replaceAll(/\s+/g, ' ')).toContain(REJECT_REASONS.join(', '));
  });

  test('has a runbook for every alert', () => {
    const { items } = readManPage('ronctl-monitoring.7').get('RUNBOOKS')!;
    expect(new Set(items.map(({ name }) => name))).toEqual(new Set(ALERTS.map(({ runbook }) => runbook)));
  });
});
