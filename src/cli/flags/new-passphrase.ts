// A command that opens with one passphrase and seals with another must not take the same source for both: the change would
// silently be none.

import { RonError } from '../../errors.ts';

/** MissingAnswer when the old passphrase comes from a file or descriptor and nothing says where the new one does. */
export function demandNewPassphrase(flags: {
  readonly 'passphrase-file'?: readonly string[] | undefined;
  readonly 'passphrase-fd'?: number | undefined;
  readonly 'new-passphrase-file'?: string | undefined;
}): void {
  const given = (flags['passphrase-file'] ?? []).length > 0 || flags['passphrase-fd'] !== undefined;
  if (!given || flags['new-passphrase-file'] !== undefined) return;
  throw new RonError('MissingAnswer', 'the new passphrase needs a source of its own', {
    field: '--new-passphrase-file',
    hint: 'Give --new-passphrase-file FILE.',
  });
}
