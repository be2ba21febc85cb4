// Flags that commands of `audit` share.

import { Flags } from '@oclif/core';

export const chainFormatFlag = Flags.string({
  summary: 'a chain of another format, in one FILE',
  options: ['ron-audit'],
});
