// run/kms.json (service page 3): where a running server of this home is reached, 0600.
//   {"boot_id","home_id"?,"pid","since","socket","start_ticks","addr"?,"cert_sha256"?,"metrics_addr"?,"tlog_addr"?,"cap"?} LF
// `cap` is the path of the operator's capability. It counts only while boot id, pid and start time are those of a live
// process. Attack: a dead server's pid or port is taken by somebody else, who then receives tokens.

import { canonicalFile } from '../bytes/canonical-json.ts';
import { decodeFile, integer, object, string, time } from '../bytes/decode.ts';
import { fromUtf8 } from '../bytes/text.ts';
import type { Clock, Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type DurableDeps, ensureDirectory, writeFile } from './durable-file.ts';

const path = string({ maxBytes: 4096 });

const shape = object(
  {
    pid: integer(1),
    /** Field 22 of /proc/PID/stat; 0 where there is none. */
    start_ticks: integer(0),
    boot_id: string({ maxBytes: 128 }),
    since: time,
    socket: path,
  },
  {
    home_id: string({ maxBytes: 64 }),
    /** `host:port` of the TCP listener. */
    addr: string({ maxBytes: 300 }),
    /** Lower hex SHA-256 of the certificate, when the listener speaks TLS. */
    cert_sha256: string({ pattern: /^[0-9a-f]{64}$/ }),
    metrics_addr: string({ maxBytes: 300 }),
    /** Of the published log. */
    tlog_addr: string({ maxBytes: 300 }),
    cap: path,
  },
);

export type RuntimeFile = ReturnType<typeof shape>;

export const runtimeFilePath = (runDirectory: string): string => `${runDirectory}/kms.json`;

/** Start time of a process in clock ticks since boot; null when it does not run, 0 where /proc does not exist. */
export function startTicks(files: Files, pid: number): number | null {
  if (files.info('/proc/self') === null) return 0;
  const name = `/proc/${pid}/stat`;
  if (files.info(name) === null) return null;
  // These files say that they are empty, so they are not read by their size.
  const file = files.open(name, 'read');
  let text: string | null;
  try {
    text = fromUtf8(file.read(0, LIMITS.payloadBytes));
  } finally {
    file.close();
  }
  // The name in parentheses may hold spaces and parentheses itself.
  const field = text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  return field === undefined ? null : Number(field);
}

/** Replaces run/kms.json, durably; the directory is made when it is missing. */
export async function writeRuntimeFile(deps: DurableDeps, runDirectory: string, file: RuntimeFile): Promise<void> {
  ensureDirectory(deps.files, runDirectory);
  await writeFile(deps, runtimeFilePath(runDirectory), canonicalFile(file));
}

/** Null when there is none, or none of a live process. Throws Malformed, UnsafeFile. */
export function readRuntimeFile(
  deps: { readonly files: Files; readonly clock: Pick<Clock, 'bootId'> },
  runDirectory: string,
): RuntimeFile | null {
  const name = runtimeFilePath(runDirectory);
  const bytes = deps.files.read(name, LIMITS.payloadBytes);
  if (bytes === null) return null;
  const file = decodeFile(shape, bytes, name);
  const isLive = file.boot_id === deps.clock.bootId() && startTicks(deps.files, file.pid) === file.start_ticks;
  return isLive ? file : null;
}
