// One event of `ronctl tail` for people: its time, its topic, and what it says.

import type { ServiceEvent } from '../kms/admin-ports.ts';
import { line, type TextModel } from '../ui/text-model.ts';

const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

export function tailView({ ts, topic, data }: ServiceEvent): TextModel {
  const said = Object.entries(data)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${text(value)}`);
  return [line([ts, topic, ...said].join('  '), topic === 'lagged' ? 'warn' : 'plain')];
}
