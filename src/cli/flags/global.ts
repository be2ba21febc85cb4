// Flags of every command.

import { Flags } from '@oclif/core';
import { FORMATS } from '../../ui/structured.ts';

export const GLOBAL_FLAGS = {
  output: Flags.option({
    char: 'o',
    summary: 'format of the result on stdout (env RONCTL_OUTPUT)',
    options: FORMATS,
    helpGroup: 'GLOBAL',
  })(),
  json: Flags.boolean({ summary: 'same as --output json', helpGroup: 'GLOBAL', exclusive: ['output'] }),
  'no-color': Flags.boolean({ summary: 'no colour, also on a terminal', helpGroup: 'GLOBAL' }),
  local: Flags.boolean({ summary: 'add local time to tables', helpGroup: 'GLOBAL' }),
  config: Flags.string({
    summary: 'client configuration (env RONCTL_CONFIG)',
    helpValue: 'FILE',
    helpGroup: 'GLOBAL',
  }),
  transcript: Flags.string({
    summary: 'append argv, time, exit code and result digest to a file',
    helpValue: 'FILE',
    helpGroup: 'GLOBAL',
  }),
};
