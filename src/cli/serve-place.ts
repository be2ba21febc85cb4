// Where a server listens locally and says so (service pages 3 and 8): Unix socket, run directory, operator's capability.
//   $XDG_RUNTIME_DIR/ronctl/<first 8 hex of home_id>.sock, else <home>/run/kms.sock; run/kms.json and run/operator.cap
// Under amnesia everything of it is on a tmpfs $XDG_RUNTIME_DIR or does not exist. Refuses a socket path over 100 bytes (3)
// and a directory that others may enter (UnsafeFile).
// Attack: somebody else makes $XDG_RUNTIME_DIR/ronctl first and answers in the place of the server.

import { isAbsolute } from 'node:path';
import { utf8 } from '../bytes/text.ts';
import { sha256Hex } from '../crypto/hash.ts';
import { fail } from '../errors.ts';
import type { Files, Host } from '../host.ts';
import { directoryOf, ensureDirectory } from '../storage/durable-file.ts';

/** sun_path has 104 to 108 bytes, the end included. */
const SOCKET_BYTES = 100;
const RAM: ReadonlySet<string> = new Set(['tmpfs', 'ramfs']);

export interface ServePlace {
  /** Null under amnesia without a tmpfs $XDG_RUNTIME_DIR: TCP only, the addresses are in the ready line. */
  readonly socket: string | null;
  /** Directory of kms.json. */
  readonly runDirectory: string | null;
  readonly operatorCap: string | null;
}

export interface ServePlaceOf {
  /** Absolute. */
  readonly home: string;
  /** Null where there is no home.json. */
  readonly homeId: string | null;
  readonly amnesia: boolean;
  /** `--operator-cap`, absolute. */
  readonly operatorCap: string | undefined;
}

/** Names only; nothing is made. InvalidValue. */
export function servePlace(host: Pick<Host, 'env' | 'files'>, of: ServePlaceOf): ServePlace {
  const given = host.env.get('XDG_RUNTIME_DIR');
  const base = given !== undefined && isAbsolute(given) && host.files.info(given) !== null ? given : null;
  const shared = base === null || (of.amnesia && !RAM.has(host.files.fileSystem(base).type)) ? null : `${base}/ronctl`;
  const own = `${of.home}/run`;
  const name = (of.homeId ?? sha256Hex(utf8(of.home))).slice(0, 8);
  const runDirectory = of.amnesia ? shared : own;
  const socket = shared === null ? (of.amnesia ? null : `${own}/kms.sock`) : `${shared}/${name}.sock`;
  if (socket !== null && utf8(socket).length > SOCKET_BYTES) {
    fail('InvalidValue', `the path of the socket is longer than ${SOCKET_BYTES} bytes: ${socket}`, {
      field: shared === null ? 'RONCTL_HOME' : 'XDG_RUNTIME_DIR',
      hint: 'Set XDG_RUNTIME_DIR to a short path, or use a home with one.',
    });
  }
  return {
    socket,
    runDirectory,
    operatorCap: of.operatorCap ?? (runDirectory === null ? null : `${runDirectory}/operator.cap`),
  };
}

/** Makes the directories (0700). UnsafeFile when one that is there is not ours alone. */
export function preparePlace(files: Files, place: ServePlace): void {
  for (const path of [place.runDirectory, place.socket === null ? null : directoryOf(place.socket)]) {
    if (path === null) continue;
    ensureDirectory(files, path);
    const info = files.info(path)!;
    if (info.type !== 'directory' || info.uid !== files.uid() || (info.mode & 0o077) !== 0) {
      fail('UnsafeFile', `${path} is not a directory that you alone may enter`, {
        hint: `Remove it, or make it yours: chmod 700 ${path}`,
      });
    }
  }
}

/** Removes the socket that a killed server left; the caller holds what guards it. UnsafeFile when it is something else. */
export function removeOldSocket(files: Files, socket: string): void {
  const info = files.info(socket);
  if (info === null) return;
  if (info.type !== 'other' || info.uid !== files.uid()) {
    fail('UnsafeFile', `${socket} is there and is no socket of yours`, {
      hint: 'Find out what made it; move it away.',
    });
  }
  files.remove(socket);
}
