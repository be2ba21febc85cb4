// `ronctl doctor` for people: one line per check, and what to do under those that are not ok.

import type { DoctorResult } from '../operations/doctor.ts';
import { fields, line, type TextModel, table } from '../ui/text-model.ts';

export function doctorView({ healthy, home, checks }: DoctorResult): TextModel {
  const advice = checks.filter(({ next }) => next !== undefined).map(({ name, next }) => [name, next!] as const);
  return [
    table(
      ['CHECK', 'STATUS', 'FOUND'],
      checks.map(({ name, status, detail }) => [name, status, detail]),
    ),
    ...(advice.length === 0 ? [] : [line(''), fields(advice)]),
    line(healthy ? `healthy: ${home}` : `not healthy: ${home}`, healthy ? 'good' : 'bad'),
  ];
}
