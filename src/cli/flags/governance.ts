// Flags and file reading that several governance commands share.

import { Flags } from '@oclif/core';
import { LIMITS } from '../../limits.ts';
import type { Runtime } from '../runtime.ts';
import { passphraseFlags } from './passphrase.ts';
import { confirmTimeFlag, dryRunFlag, lockTimeoutFlag } from './shared.ts';

/** Commands that write to the inbox. */
export const ingestFlags = {
  ingest: Flags.boolean({
    summary: 'ingest at once (needs the passphrase of the custody store too: --passphrase-file store=FILE)',
  }),
  'confirm-time': confirmTimeFlag,
};

/** Commands that unseal. */
export const unsealFlags = { ...passphraseFlags, 'dry-run': dryRunFlag, 'lock-timeout': lockTimeoutFlag };

export interface GivenFile {
  readonly kind: 'file';
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** An id as it stands, or the content of a file: something that is no id is a path (or `-`). */
export async function idOrFile(
  runtime: Runtime,
  given: string,
): Promise<{ readonly kind: 'id'; readonly id: string } | GivenFile> {
  if (/^gp-[a-z2-7]*$/.test(given)) return { kind: 'id', id: given };
  return { kind: 'file', name: given, bytes: await runtime.readInput(given, LIMITS.requestFileBytes) };
}
