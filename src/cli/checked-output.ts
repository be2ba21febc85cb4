// The output file of a command that first does something which cannot be undone (a signature, an audit record): whether it
// can be written is checked before, so that the work is not lost at the end.

import { RonError } from '../errors.ts';
import type { Runtime } from './runtime.ts';

export interface CheckedOutput {
  /** As given; null without --out, and `-` for standard output. */
  readonly path: string | null;
  /** Writes the bytes, unless they are null (a dry run) or there is no --out. */
  write(bytes: Uint8Array | null): Promise<void>;
}

/** `binary`: not for a terminal. Throws Exists, NotFound, UnsafeFile, Usage. */
export async function checkedOutput(
  runtime: Runtime,
  flags: { readonly out?: string | undefined; readonly force: boolean },
  content: 'text' | 'binary',
): Promise<CheckedOutput> {
  const { out, force } = flags;
  if (out === undefined) return { path: null, write: async () => {} };
  if (out === '-' && content === 'binary' && runtime.host.terminal.stdoutIsTty) {
    throw new RonError('Usage', 'binary data is not written to a terminal', {
      field: '--out',
      hint: 'Name a file, or send standard output to one.',
    });
  }
  await runtime.writeOutput(out, new Uint8Array(0), { force, dryRun: true });
  return {
    path: out,
    write: async (bytes) => {
      if (bytes !== null) await runtime.writeOutput(out, bytes, { force });
    },
  };
}
