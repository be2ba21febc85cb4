// The alert rules as a rule file for Prometheus. YAML is written by hand: keys are fixed, texts are JSON strings, which YAML
// reads as double-quoted scalars.

import { ALERTS, type AlertRule } from './alert-rules.ts';

const quoted = (text: string): string => JSON.stringify(text);

function ruleLines(rule: AlertRule): string[] {
  const originals = (rule.replaces ?? []).flatMap(({ expr, why }) => [`      # original: ${expr}`, `      #   ${why}`]);
  return [
    ...originals,
    `      - alert: ${rule.alert}`,
    `        expr: ${quoted(rule.expr)}`,
    ...(rule.for === undefined ? [] : [`        for: ${rule.for}`]),
    '        labels:',
    `          severity: ${rule.severity}`,
    '          service: ron-kms',
    '        annotations:',
    `          summary: ${quoted(rule.summary)}`,
    `          runbook: ${quoted(`ronctl-monitoring(7), ${rule.runbook}`)}`,
  ];
}

/** A rule file for Prometheus. */
export function alertFile(): string {
  const lines = [
    '# Alert rules of ronctl kms serve, made by `ronctl metrics --alerts`.',
    '# Where a documented rule could not detect what it names, the corrected one stands here and the original as a comment.',
    'groups:',
    '  - name: ron-kms',
    '    rules:',
    ...ALERTS.flatMap(ruleLines),
  ];
  return `${lines.join('\n')}\n`;
}
