// Who holds the home (store page 6): the kernel lock, and holder.json {nonce, pid, boot_id, host, role, since} beside it for
// messages and as a second guard: before each commit point the writer reads it again and stops (StorageFault, 23) when the
// nonce is not its own. A leftover file never blocks: the lock decides.

import { toBase64Url } from '../bytes/base64.ts';
import { canonicalFile } from '../bytes/canonical-json.ts';
import { decodeFile, integer, literal, object, string, time } from '../bytes/decode.ts';
import { toTime } from '../bytes/time.ts';
import { RonError } from '../errors.ts';
import type { Files, Lock } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { writeFile } from './durable-file.ts';
import { acquireLock, type StoreContext, type StoreDeps } from './store-deps.ts';

export type HolderRole = 'cli' | 'server';

const shape = object({
  nonce: string({ maxBytes: 64 }),
  pid: integer(0),
  boot_id: string({ maxBytes: 128 }),
  host: string({ maxBytes: 256 }),
  role: literal('cli', 'server'),
  since: time,
});

export type HolderFile = ReturnType<typeof shape>;

/** Null when nobody wrote one, or it does not parse: it is a message, nothing rests on it. */
export function readHolder(files: Files, path: string): HolderFile | null {
  try {
    const bytes = files.read(path, LIMITS.payloadBytes);
    return bytes === null ? null : decodeFile(shape, bytes, path);
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}

export interface HomeHold {
  /** Throws StorageFault when another process has written holder.json. Call it before each commit point. */
  check(): void;
  release(): void;
}

function describe(holder: HolderFile | null, role: HolderRole): { readonly message: string; readonly hint: string } {
  const by =
    holder === null
      ? 'another process'
      : `${holder.role === 'server' ? 'a server' : 'a command'} (pid ${holder.pid}, since ${holder.since})`;
  return {
    message: `${by} holds this home`,
    hint:
      holder?.role === 'server'
        ? role === 'server'
          ? `Use it: other commands take --kms local. Or stop it first: kill ${holder.pid}`
          : `Use the running server: add --kms local. For what a server does not do, stop it first: kill ${holder.pid}`
        : 'Wait for it to finish, or raise --lock-timeout.',
  };
}

/** Takes the lock of the home and says who has it. Locked (22) names the holder. The home must exist. */
export async function holdHome(
  deps: StoreDeps,
  ctx: StoreContext,
  role: HolderRole,
  dryRun = false,
): Promise<HomeHold> {
  const { files, paths } = ctx;
  const lock: Lock = await acquireLock(deps, paths.home, () => describe(readHolder(files, paths.holder), role));
  if (dryRun) return { check() {}, release: () => lock.release() };
  const { clock, env, random } = deps.host;
  const nonce = toBase64Url(random.bytes(16));
  const own: HolderFile = {
    nonce,
    pid: env.pid,
    boot_id: clock.bootId(),
    host: env.hostname,
    role,
    since: toTime(clock.now()),
  };
  try {
    await writeFile(ctx, paths.holder, canonicalFile(own));
  } catch (error) {
    lock.release();
    throw error;
  }
  return {
    check() {
      const found = readHolder(files, paths.holder);
      if (found?.nonce === nonce) return;
      throw new RonError('StorageFault', 'another process has taken over this home; nothing more is written', {
        hint: 'Find out what runs: `ronctl store status`.',
      });
    },
    release() {
      try {
        if (readHolder(files, paths.holder)?.nonce === nonce) files.remove(paths.holder);
      } finally {
        lock.release();
      }
    },
  };
}
