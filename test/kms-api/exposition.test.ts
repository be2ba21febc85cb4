// The Prometheus text format: escaping, histograms, aliases, and the reader as the inverse of the writer.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exposition, type Family, parseExposition } from '../../src/kms-api/exposition.ts';
import { counter, gauge, histogram, type MetricRow, open } from '../../src/kms-api/metric-row.ts';
import { refusal } from '../support/refusal.ts';

const family = (row: MetricRow, more: Partial<Family>): Family => ({ row, samples: [], histograms: [], ...more });

describe('writing', () => {
  test('HELP and TYPE once for each name, values and label values escaped', () => {
    const row = counter('x_total', 'Line\nwith \\ and "quotes".', [open('path', 9)]);
    const text = exposition([family(row, { samples: [{ labels: { path: 'a"b\\c\nd' }, value: 1.5 }] })]);
    expect(text).toBe(
      '# HELP x_total Line\\nwith \\\\ and "quotes".\n# TYPE x_total counter\nx_total{path="a\\"b\\\\c\\nd"} 1.5\n',
    );
  });

  test('buckets are added up, end in +Inf, and agree with _count', () => {
    const row = histogram('t_seconds', 'T.', [], { buckets: [0.1, 1] });
    const text = exposition([
      family(row, { histograms: [{ labels: {}, bounds: [0.1, 1], counts: [2, 1, 4], sum: 9.5 }] }),
    ]);
    expect(text.split('\n').slice(2)).toEqual([
      't_seconds_bucket{le="0.1"} 2',
      't_seconds_bucket{le="1"} 3',
      't_seconds_bucket{le="+Inf"} 7',
      't_seconds_sum 9.5',
      't_seconds_count 7',
      '',
    ]);
  });

  test('an alias takes the samples that fit, drops its labels, and adds up what becomes equal', () => {
    const row = counter('c_total', 'C.', [open('hit', 2), open('kind', 9)], {
      aliases: [{ name: 'hits_total', when: { hit: 'true' }, drop: ['hit', 'kind'] }],
    });
    const text = exposition([
      family(row, {
        samples: [
          { labels: { hit: 'true', kind: 'a' }, value: 1 },
          { labels: { hit: 'true', kind: 'b' }, value: 2 },
          { labels: { hit: 'false', kind: 'a' }, value: 4 },
        ],
      }),
    ]);
    expect(text.split('\n').slice(-4, -1)).toEqual([
      '# HELP hits_total C.',
      '# TYPE hits_total counter',
      'hits_total 3',
    ]);
  });
});

describe('reading', () => {
  test('is the inverse of writing, whatever the label values', () => {
    const row = gauge('g', 'G.', [open('a', 9), open('b', 9)]);
    const one = fc.record({
      labels: fc.record({ a: fc.string({ unit: 'binary' }), b: fc.string() }),
      value: fc.double({ noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 5 }), (samples) => {
        const read = parseExposition(exposition([family(row, { samples })]));
        expect(read).toEqual(samples.map((sample) => ({ name: 'g', ...sample, value: sample.value + 0 })));
      }),
    );
  });

  test.each([
    ['g{a="1"} 1\ng{a="1', /end in the middle of a line/, undefined],
    ['g{a="1",a="2"} 1\n', /line 1 .* is no sample/, 'line 1'],
    ['# TYPE g gauge\ng{a=1} 1\n', /line 2 .* is no sample/, 'line 2'],
    ['g 1 2 3\n', /line 1 .* is no sample/, 'line 1'],
    ['g eleven\n', /line 1 .* is no sample/, 'line 1'],
    ['<html>\n', /line 1 .* is no sample/, 'line 1'],
  ])('%j is refused', (text, message, field) => {
    const error = refusal(() => parseExposition(text));
    expect(error.code).toBe('Malformed');
    expect(error.message).toMatch(message);
    expect(error.field).toBe(field);
  });
});
