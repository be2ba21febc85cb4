// Every query of the alert rules and dashboards names an emitted metric and its labels, with values that occur; every metric
// is looked at by an alert or a panel (OBS-47). With promtool at hand the rule file is checked by it too.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/kms/metrics.ts';
import { alertFile } from '../../src/kms-api/alert-file.ts';
import { ALERTS } from '../../src/kms-api/alert-rules.ts';
import { DASHBOARD_ROWS, DASHBOARDS, dashboard } from '../../src/kms-api/dashboards.ts';
import type { Label } from '../../src/kms-api/metric-row.ts';
import { METRIC_ROWS } from '../../src/kms-api/metrics.ts';
import { type Matcher, parseQuery } from '../support/promql.ts';

/** Every name on the page of /metrics with its labels. Prometheus adds instance and job. */
const emitted = new Map<string, readonly Label[]>();
const rowOf = new Map<string, string>();
for (const row of METRIC_ROWS) {
  const le: Label = { name: 'le', values: null, max: 99 };
  const own: [string, readonly Label[]][] =
    row.type === 'histogram'
      ? [
          [`${row.name}_bucket`, [...row.labels, le]],
          [`${row.name}_sum`, row.labels],
          [`${row.name}_count`, row.labels],
        ]
      : [[row.name, row.labels]];
  for (const alias of row.aliases ?? []) {
    own.push([alias.name, row.labels.filter(({ name }) => !(alias.drop ?? []).includes(name))]);
  }
  for (const [name, labels] of own) {
    emitted.set(name, labels);
    rowOf.set(name, row.name);
  }
}
const ADDED = ['instance', 'job'];

function matcherProblem(name: string, labels: readonly Label[], { label, op, value }: Matcher): string | null {
  if (ADDED.includes(label)) return null;
  const known = labels.find((one) => one.name === label);
  if (known === undefined) return `${name} has no label ${label}`;
  if (known.values === null || value.startsWith('$')) return null;
  const pattern = new RegExp(`^(?:${value})$`);
  const fits = (one: string): boolean => (op === '=~' || op === '!~' ? pattern.test(one) : one === value);
  return known.values.some(fits) ? null : `${name} never has ${label} ${value}`;
}

function problems(expr: string): string[] {
  const { selectors, grouping } = parseQuery(expr);
  const out: string[] = [];
  const labels = new Set(ADDED);
  for (const { name, matchers } of selectors) {
    const known = emitted.get(name);
    if (known === undefined) out.push(`no metric ${name}`);
    for (const one of known ?? []) labels.add(one.name);
    for (const matcher of matchers) {
      const problem = known === undefined ? null : matcherProblem(name, known, matcher);
      if (problem !== null) out.push(problem);
    }
  }
  for (const label of grouping) if (!labels.has(label)) out.push(`nothing has the label ${label}`);
  return out;
}

const panels = DASHBOARDS.flatMap((name) =>
  DASHBOARD_ROWS[name].flatMap((row) =>
    row.panels.map((panel) => ({ name: `${name}/${row.title}/${panel.title}`, panel })),
  ),
);

describe('the check itself finds', () => {
  test.each([
    ['rate(nope_total[5m])', 'no metric nope_total'],
    ['rate(http_requests_total{code="500"}[5m])', 'http_requests_total has no label code'],
    ['kms_attest_total{result="gone"}', 'kms_attest_total never has result gone'],
    ['kms_attest_total{result=~"g.*"}', 'kms_attest_total never has result g.*'],
    ['sum by (tenant) (kms_ready)', 'nothing has the label tenant'],
    ['kms_latency_seconds_p95 > 1', 'no metric kms_latency_seconds_p95'],
  ])('%s', (expr, problem) => {
    expect(problems(expr)).toEqual([problem]);
  });

  test.each(['rate(x[5m]', 'label_replace(x)', 'x{a="1" b="2"}', 'x ? 1'])('%s is not read at all', (expr) => {
    expect(() => parseQuery(expr)).toThrow();
  });
});

describe('alert rules', () => {
  test.each(ALERTS.map((rule) => [rule.alert, rule] as const))('%s asks for what is emitted', (_name, rule) => {
    expect(problems(rule.expr)).toEqual([]);
  });

  test('names are there once, and the documented rules are among them', () => {
    const names = ALERTS.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    for (const name of [
      'KMS_Backpressure_Excess',
      'KMS_5xx_Excess',
      'KMS_VerifyCache_Stale',
      'KMS_PQ_Policy_Rejects',
      'KMS_Governance_Deadlock',
      'KMS_Capability_Fairness_Skew',
    ]) {
      expect(names).toContain(name);
    }
  });

  test('the file is YAML with the same rules, the originals as comments', () => {
    const text = alertFile();
    const file = parse(text) as { groups: { name: string; rules: Record<string, unknown>[] }[] };
    expect(file.groups.map(({ name }) => name)).toEqual(['ron-kms']);
    expect(file.groups[0]!.rules.map(({ alert, expr }) => [alert, expr])).toEqual(
      ALERTS.map(({ alert, expr }) => [alert, expr]),
    );
    for (const { replaces } of ALERTS) {
      for (const { expr } of replaces ?? []) expect(text).toContain(`# original: ${expr}\n`);
    }
  });
});

const promtool = spawnSync('promtool', ['--version']).error === undefined;
if (!promtool) console.log('promtool: absent');

describe.runIf(promtool)('promtool', () => {
  const checkRules = (text: string): string => {
    const directory = mkdtempSync(join(tmpdir(), 'rules-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    writeFileSync(join(directory, 'rules.yaml'), text);
    const done = spawnSync('promtool', ['check', 'rules', join(directory, 'rules.yaml')], { encoding: 'utf8' });
    return done.stdout + done.stderr;
  };

  test('accepts the file of alert rules, and not a broken one', () => {
    expect(checkRules(alertFile())).toContain(`SUCCESS: ${ALERTS.length} rules found`);
    expect(checkRules(alertFile().replace('expr: "', 'expr: "sum(('))).toContain('could not parse expression');
  });

  test('accepts every query of the dashboards', () => {
    const queries = panels.flatMap(({ panel }) => panel.targets.map(({ expr }) => expr));
    const filled = queries.map((expr) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '1h'));
    const rules = filled.map((expr, n) => `      - record: panel:query:${n}\n        expr: ${JSON.stringify(expr)}\n`);
    expect(queries.length).toBeGreaterThan(20);
    expect(checkRules(`groups:\n  - name: panels\n    rules:\n${rules.join('')}`)).toContain(
      `SUCCESS: ${queries.length} rules found`,
    );
  });

  test('reads the page of metrics; it only dislikes units of documented names', () => {
    const done = spawnSync('promtool', ['check', 'metrics'], { input: createMetrics().text(), encoding: 'utf8' });
    const disliked = done.stderr.split('\n').filter((line) => line !== '');
    expect(disliked.filter((line) => !/^\w+_(?:ms|days) (?:use base unit|metric names should not)/.test(line))).toEqual(
      [],
    );
    expect(done.status).toBe(3);
  });
});

describe('dashboards', () => {
  test.each(panels.map(({ name, panel }) => [name, panel] as const))('%s asks for what is emitted', (_name, panel) => {
    for (const { expr, legend } of panel.targets) {
      expect(problems(expr), expr).toEqual([]);
      for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
        const known = parseQuery(expr).selectors.flatMap(({ name }) => emitted.get(name)!.map((one) => one.name));
        expect([...known, ...ADDED], expr).toContain(label);
      }
    }
  });

  test.each(DASHBOARDS)('%s is what Grafana imports: ids once, panels side by side', (name) => {
    const board = dashboard(name) as unknown as {
      uid: string;
      panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[];
    };
    expect(board.uid).toBe(`ron-kms-${name}`);
    expect(board.panels.map(({ id }) => id)).toEqual(board.panels.map((_, index) => index + 1));
    for (const [index, { gridPos: a }] of board.panels.entries()) {
      for (const { gridPos: b } of board.panels.slice(index + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        expect(apart).toBe(true);
      }
    }
  });

  test('the documented groups are there (OBS-45)', () => {
    expect(DASHBOARDS.flatMap((name) => DASHBOARD_ROWS[name].map(({ title }) => title))).toEqual([
      'Readiness',
      'Requests',
      'Process',
      'Operations',
      'Audit log',
      'Attestation and backend',
      'Degraded verify',
      'Post-quantum',
      'Governance and capabilities',
    ]);
  });
});

test('every metric is looked at by an alert or a panel (OBS-47)', () => {
  const exprs = [
    ...ALERTS.map(({ expr }) => expr),
    ...panels.flatMap(({ panel }) => panel.targets.map(({ expr }) => expr)),
  ];
  const used = new Set(exprs.flatMap((expr) => parseQuery(expr).selectors.map(({ name }) => rowOf.get(name))));
  expect(METRIC_ROWS.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
});
