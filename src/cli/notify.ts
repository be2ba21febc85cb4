// sd_notify through `systemd-notify` (service page 10): Node has no Unix datagram socket. Does nothing without
// NOTIFY_SOCKET. States are named in full: systemd 252 has no option for stopping. The unit needs NotifyAccess=all. A failure
// is a warning: the service runs.

import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';

const TIMEOUT_MS = 2000;

export type Notification = 'READY=1' | 'STOPPING=1';

/** Null when it was told or nobody listens, else why not. */
export async function notifySystemd(
  { env, processes }: Pick<Host, 'env' | 'processes'>,
  what: Notification,
): Promise<string | null> {
  const socket = env.get('NOTIFY_SOCKET');
  if (socket === undefined || socket === '') return null;
  try {
    const { exitCode } = await processes.run(['systemd-notify', `--pid=${env.pid}`, what], {
      env: { NOTIFY_SOCKET: socket },
      timeoutMs: TIMEOUT_MS,
    });
    return exitCode === 0 ? null : `systemd-notify ${what} ended with ${exitCode}`;
  } catch (thrown) {
    if (thrown instanceof RonError) return thrown.message;
    throw thrown;
  }
}
