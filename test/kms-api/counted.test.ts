// The table of metrics, events and log events against the code that tells them: a row that nobody counts would be a promise
// that no page keeps, at zero for ever.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { EVENT_TOPICS } from '../../src/kms-api/events.ts';
import { LOG_EVENTS } from '../../src/kms-api/log-fields.ts';
import { METRIC_ROWS } from '../../src/kms-api/metrics.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const files = globSync('{kms,cli,capability,kms-client}/**/*.ts', { cwd: SRC });
const source = files.map((file) => readFileSync(join(SRC, file), 'utf8')).join('\n');

/** Documented, and at zero for ever in this version. */
const NOTHING_TO_COUNT = [
  // No queue drops: what does not fit is refused, and counted as that (C-03, CON-09).
  'queue_dropped_total',
  // Neither transport nor custody falls back in this version (C-56).
  'pqc_fallback_total',
  'pqc_fallback_enabled',
];

describe('somebody tells', () => {
  test('every metric of the table', () => {
    const silent = METRIC_ROWS.map(({ name }) => name).filter((name) => !source.includes(`'${name}'`));
    expect(silent).toEqual(NOTHING_TO_COUNT);
  });

  test('every topic of the event stream', () => {
    expect(Object.keys(EVENT_TOPICS).filter((topic) => !source.includes(`'${topic}'`))).toEqual([]);
  });

  test('every documented event of the log', () => {
    // `<op>_request` and `<op>_result` are made of the operation.
    const silent = LOG_EVENTS.filter((event) => !/_(?:request|result)$/.test(event) && !source.includes(`'${event}'`));
    expect(silent).toEqual([]);
  });
});
