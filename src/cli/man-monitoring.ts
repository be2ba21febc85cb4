// The lists of ronctl-monitoring(7) in mdoc, from the tables of metrics, events, log fields, alerts and readiness. bin/man.js
// writes them between their marks in the page; a test makes them again and compares. The text around them is written by hand.

import { READINESS_MEANINGS } from '../kms/readiness.ts';
import { ALERTS } from '../kms-api/alert-rules.ts';
import { EVENT_TOPICS } from '../kms-api/events.ts';
import { LOG_FIELDS } from '../kms-api/log-fields.ts';
import type { MetricRow } from '../kms-api/metric-row.ts';
import { METRIC_ROWS } from '../kms-api/metrics.ts';

const LIST = '.Bl -tag -width Ds';
/** Longer lists of values are in the text of the page. */
const SHOWN_VALUES = 9;

const escaped = (text: string): string => text.replaceAll('\\', '\\e').replaceAll(/^([.'])/gm, '\\&$1');
const sentence = (text: string): string =>
  escaped(`${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`);

const list = (items: readonly (readonly string[])[]): string => [LIST, ...items.flat(), '.El'].join('\n');

function metricLines(row: MetricRow): string[] {
  const labels = row.labels.map(({ name }) => name).join(',');
  const values = row.labels.flatMap((label) =>
    label.values !== null && label.values.length <= SHOWN_VALUES ? [`${label.name}: ${label.values.join(', ')}.`] : [],
  );
  const others = (row.aliases ?? []).map(({ name }) => name);
  const marks = [row.type, ...(row.offline === true ? ['also without a server'] : [])];
  return [
    `.It Li ${row.name}${labels === '' ? '' : `{${labels}}`} Pq ${marks.join(', ')}`,
    sentence(row.help),
    ...values.map(escaped),
    ...(others.length === 0 ? [] : [`Also as ${others.join(', ')}.`]),
  ];
}

export const MONITORING_LISTS: Readonly<Record<string, () => string>> = {
  metrics: () => list(METRIC_ROWS.map(metricLines)),
  alerts: () =>
    list(
      ALERTS.map(({ alert, severity, summary, runbook }) => [
        `.It Li ${alert} Pq ${severity}, ${runbook}`,
        sentence(summary),
      ]),
    ),
  readiness: () => list(Object.entries(READINESS_MEANINGS).map(([key, text]) => [`.It Li ${key}`, sentence(text)])),
  events: () => list(Object.entries(EVENT_TOPICS).map(([topic, text]) => [`.It Li ${topic}`, sentence(text)])),
  fields: () => list(Object.entries(LOG_FIELDS).map(([name, { meaning }]) => [`.It Li ${name}`, sentence(meaning)])),
};

/** The page with every list made anew between its marks. A mark without its end, or of an unknown list, throws. */
export function filledPage(page: string): string {
  const seen: string[] = [];
  const filled = page.replaceAll(/^\.\\" begin (\w+)\n(?:[\s\S]*?\n)?\.\\" end \1$/gm, (_whole, name: string) => {
    const make = MONITORING_LISTS[name];
    if (make === undefined) throw new Error(`no list ${name}`);
    seen.push(name);
    return `.\\" begin ${name}\n${make()}\n.\\" end ${name}`;
  });
  const missing = Object.keys(MONITORING_LISTS).filter((name) => !seen.includes(name));
  if (missing.length > 0) throw new Error(`the page has no place for ${missing.join(', ')}`);
  return filled;
}
