// Values of governable keys as text: what `--change KEY=VALUE` reads.

import type { Json } from '../../bytes/canonical-json.ts';

export function valueText(value: Json): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.join(',') : JSON.stringify(value);
}
