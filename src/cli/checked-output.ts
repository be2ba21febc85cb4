// The output file of a command that first does something which cannot be undone (a signature, an audit record): whether it
// can be written is checked before, so that the work is not lost at the end.

import type { Runtime } from './runtime.ts';

export interface CheckedOutput {
  /** As given; null without --out, and `-` for standard output. */
  readonly path: string | null;
  /** Writes the bytes, unless they are null (a dry run) or there is no --out. */
  write(bytes: Uint8Array | null): Promise<void>;
}

/** Throws Exists, NotFound, UnsafeFile, Usage. */
export async function checkedOutput(
  runtime: Runtime,
  flags: { readonly out?: string | undefined; readonly force: boolean },
): Promise<CheckedOutput> {
  const { out, force } = flags;
  if (out === undefined) return { path: null, write: async () => {} };
  await runtime.writeOutput(out, new Uint8Array(0), { force, dryRun: true });
  return {
    path: out,
    write: async (bytes) => {
      if (bytes !== null) await runtime.writeOutput(out, bytes, { force });
    },
  };
}
