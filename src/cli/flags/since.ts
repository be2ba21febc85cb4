// A moment in the past, as operators type it: a duration counted back from now, or an RFC 3339 time.

import { parseDuration, parseTime, toTime } from '../../bytes/time.ts';

/** RFC 3339 UTC with milliseconds, of `7d` (before `nowMs`) or of a time. InvalidValue names `--since`. */
export function sinceTime(text: string, nowMs: number): string {
  return toTime(/^\d{4}-/.test(text) ? parseTime(text, '--since') : nowMs - parseDuration(text, '--since'));
}
