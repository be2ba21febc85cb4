// The Capabilities port of one command: opened in the session of the command at its first use.

import type { Clock, Random } from '../../host.ts';
import type { Capabilities } from '../admin-ports.ts';
import { type OpenCapabilities, openCapabilities } from './capabilities.ts';
import type { Session } from './session.ts';

export interface SessionCapabilities {
  readonly port: Capabilities;
  /** Wipes what was opened. */
  close(): Promise<void>;
}

export function sessionCapabilities(
  open: () => Promise<Session>,
  host: { readonly clock: Pick<Clock, 'now'>; readonly random: Random },
): SessionCapabilities {
  let opening: Promise<OpenCapabilities> | undefined;
  const opened = (): Promise<OpenCapabilities> => {
    opening ??= open().then((session) =>
      openCapabilities({
        store: session.store,
        clock: host.clock,
        random: host.random,
        policy: () => session.governance,
        judged: () => session.judgedNow(),
      }),
    );
    return opening;
  };
  return {
    port: {
      mint: async (request, call) => (await opened()).capabilities.mint(request, call),
      register: async (request, call) => (await opened()).capabilities.register(request, call),
      revoke: async (request, call) => (await opened()).capabilities.revoke(request, call),
      rotate: async (request, call) => (await opened()).capabilities.rotate(request, call),
      list: async (request, call) => (await opened()).capabilities.list(request, call),
    },
    close: async () => (await opening?.catch(() => undefined))?.close(),
  };
}
