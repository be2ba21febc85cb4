// Where passphrases come from without a terminal (store page 8). Never argv, never a variable. For commands that open a
// sealed store; spread into `static flags`.

import { Flags } from '@oclif/core';

export const passphraseFlags = {
  'passphrase-file': Flags.string({
    summary: 'file (0600) with the passphrase; ID=FILE or store=FILE where a command opens several stores',
    helpValue: '[ID=|store=]FILE',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'passphrase-fd': Flags.integer({
    summary: 'open descriptor to read the passphrase from',
    helpValue: 'N',
    min: 0,
  }),
};

/** For commands that make a passphrase beside opening with the old one. */
export const newPassphraseFlags = {
  'new-passphrase-file': Flags.string({
    summary: 'file (0600) with the new passphrase',
    helpValue: 'FILE',
  }),
};
