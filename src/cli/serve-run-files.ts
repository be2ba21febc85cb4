// What a running server leaves for its clients (service page 3): run/kms.json and operator.cap, both 0600, both gone when it
// has stopped.

import { utf8 } from '../bytes/text.ts';
import { toTime } from '../bytes/time.ts';
import { fail } from '../errors.ts';
import type { Host } from '../host.ts';
import { removeFilesNow, writeFile } from '../storage/durable-file.ts';
import {
  type RuntimeFile,
  readRuntimeFile,
  runtimeFilePath,
  startTicks,
  writeRuntimeFile,
} from '../storage/runtime-file.ts';
import type { ServePlace } from './serve-place.ts';

/** Where it is reached. */
export type Reached = Pick<RuntimeFile, 'home_id' | 'addr' | 'cert_sha256' | 'metrics_addr' | 'tlog_addr'>;

/** Throws Locked when a live server stands there: under amnesia no home lock says so. */
export function refuseOtherServer(host: Pick<Host, 'files' | 'clock' | 'env'>, place: ServePlace): void {
  if (place.runDirectory === null) return;
  const other = readRuntimeFile(host, place.runDirectory);
  if (other === null || other.pid === host.env.pid) return;
  fail('Locked', `a server (pid ${other.pid}, since ${other.since}) is in ${place.runDirectory}`, {
    hint: `Use it: other commands take --kms local. Or stop it first: kill ${other.pid}`,
  });
}

/** Nothing where there is no place for it, or no socket. */
export async function writeRunFile(host: Host, place: ServePlace, reached: Reached, startedMs: number): Promise<void> {
  const { socket, runDirectory, operatorCap } = place;
  if (runDirectory === null || socket === null) return;
  await writeRuntimeFile(host, runDirectory, {
    ...reached,
    pid: host.env.pid,
    start_ticks: startTicks(host.files, host.env.pid) ?? 0,
    boot_id: host.clock.bootId(),
    since: toTime(startedMs),
    socket,
    ...(operatorCap === null ? {} : { cap: operatorCap }),
  });
}

/** One line, 0600. */
export async function writeOperatorCap(
  host: Pick<Host, 'files' | 'random'>,
  path: string,
  token: string,
): Promise<void> {
  await writeFile(host, path, utf8(`${token}\n`));
}

export function removeRunFiles({ files }: Pick<Host, 'files'>, place: ServePlace): void {
  const { runDirectory, operatorCap, socket } = place;
  removeFilesNow(
    files,
    [runDirectory === null ? null : runtimeFilePath(runDirectory), operatorCap, socket].filter((path) => path !== null),
  );
}
