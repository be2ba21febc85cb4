// The index of an audit record, or a size of the log, as it is typed.

import { RonError } from '../errors.ts';

/** Throws InvalidValue naming `field`. */
export function recordIndex(text: string, field: string): number {
  if (/^(?:0|[1-9][0-9]{0,14})$/.test(text)) return Number(text);
  throw new RonError('InvalidValue', `${field}: not the index of a record: ${JSON.stringify(text)}`, { field });
}
