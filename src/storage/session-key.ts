// A secret of this account until the machine is switched off: 32 random bytes in `$XDG_RUNTIME_DIR/ronctl/verify.key`, else in
// /dev/shm/ronctl-UID. It authenticates what a run leaves for the next one, and nothing that outlives both.
// Attack: who edits a log on the disk of a home writes beside it that the log was judged already. What lies in memory they do
// not have. Null (then nothing is kept) where neither directory is in memory and ours alone.

import { RonError } from '../errors.ts';
import type { Env, Files, Random } from '../host.ts';
import { checkedFiles } from './checked-files.ts';
import { ensureDirectory, writeNewFile } from './durable-file.ts';

export const SESSION_KEY_BYTES = 32;
const RAM: ReadonlySet<string> = new Set(['tmpfs', 'ramfs']);

/** Read, or made when it is missing. */
export async function sessionKey(host: {
  readonly files: Files;
  readonly random: Random;
  readonly env: Env;
}): Promise<Uint8Array | null> {
  const own = host.env.get('XDG_RUNTIME_DIR');
  const shared = '/dev/shm';
  const places: readonly (readonly [string, string])[] = [
    ...(own?.startsWith('/') === true ? [[own, `${own}/ronctl`] as const] : []),
    [shared, `${shared}/ronctl-${host.files.uid()}`],
  ];
  for (const [base, directory] of places) {
    try {
      if (host.files.info(base)?.type !== 'directory' || !RAM.has(host.files.fileSystem(base).type)) continue;
      return await keyIn(host, directory);
    } catch (error) {
      // Not ours alone, or no room: the next one, or none.
      if (!(error instanceof RonError)) throw error;
    }
  }
  return null;
}

async function keyIn(host: { readonly files: Files; readonly random: Random }, directory: string): Promise<Uint8Array> {
  ensureDirectory(host.files, directory);
  const files = checkedFiles(host.files, directory);
  const path = `${directory}/verify.key`;
  const read = (): Uint8Array | null => files.read(path, SESSION_KEY_BYTES);
  const known = read();
  if (known?.length === SESSION_KEY_BYTES) return known;
  try {
    await writeNewFile({ files, random: host.random }, path, host.random.bytes(SESSION_KEY_BYTES));
  } catch (error) {
    // Another run has just made it.
    if (!(error instanceof RonError) || error.code !== 'Exists') throw error;
  }
  const made = read();
  if (made?.length === SESSION_KEY_BYTES) return made;
  throw new RonError('Malformed', `${path}: not ${SESSION_KEY_BYTES} bytes`);
}
