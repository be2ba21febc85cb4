// The payload of `kms sign` and `kms verify` from --file or --b3: a file is left to the operation, which streams it.

import { RonError } from '../errors.ts';
import type { Payload } from '../operations/kms/payload.ts';
import type { Runtime } from './runtime.ts';

/** Standard input is read whole. */
const STDIN_BYTES = 1024 * 1024 * 1024;

/** Throws Usage when not exactly one is given. */
export async function payloadOf(
  flags: { readonly file?: string | undefined; readonly b3?: string | undefined },
  runtime: Runtime,
): Promise<Payload> {
  if (flags.b3 !== undefined && flags.file === undefined) return { kind: 'b3', hex: flags.b3 };
  if (flags.file === undefined || flags.b3 !== undefined) {
    throw new RonError('Usage', 'exactly one of --file and --b3 is expected', {
      field: '--file',
      hint: 'Give the payload with --file FILE, or its BLAKE3 digest with --b3 HEX.',
    });
  }
  if (flags.file === '-') return { kind: 'bytes', bytes: await runtime.readInput('-', STDIN_BYTES) };
  return { kind: 'file', path: runtime.inputPath(flags.file) };
}
