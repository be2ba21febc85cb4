// A flag whose value is a duration: `ms s m h d`, in milliseconds.

import { Flags } from '@oclif/core';
import { parseDuration } from '../../bytes/time.ts';

/** Milliseconds. InvalidValue (3) names the flag. */
export const durationFlag = Flags.custom<number, { readonly flag: string }>({
  parse: async (text, _context, { flag }) => parseDuration(text, flag),
  helpValue: 'DURATION',
});
