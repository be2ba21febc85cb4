// Signals of a server (service page 3): SIGTERM and SIGINT ask for a drain, a second one ends the process at once; SIGHUP
// asks for a reload; SIGUSR2 logs heap statistics, never a snapshot (D-22). Reloads run one after the other, the last wish
// wins (CON-16).

import { RonError } from '../errors.ts';
import type { Launch } from './launch.ts';

export interface Stop {
  /** A word for the `stop` record: a signal's name, or the part that failed. */
  readonly why: string;
  /** Null after a signal. */
  readonly error: unknown;
}

export interface ServerSignals {
  /** Resolves with the first reason to stop. */
  readonly stopped: Promise<Stop>;
  /** A part that cannot go on ends the server. */
  fail(part: string, error: unknown): void;
  /** Gives the signals back. */
  release(): void;
}

export interface SignalActions {
  reload(): Promise<void>;
  heap(): void;
}

const EXIT = { SIGINT: 'Interrupted', SIGTERM: 'Terminated' } as const;

export function takeSignals(launch: Launch, actions: SignalActions): ServerSignals {
  let stop: ((stop: Stop) => void) | null = null;
  const stopped = new Promise<Stop>((resolve) => {
    stop = resolve;
  });
  const now = { ending: false, reloading: false, reloadAgain: false };
  const end = (reason: Stop): void => {
    now.ending = true;
    stop?.(reason);
  };
  const reload = async (): Promise<void> => {
    now.reloading = true;
    while (now.reloadAgain && !now.ending) {
      now.reloadAgain = false;
      await actions.reload();
    }
    now.reloading = false;
  };
  launch.onServerSignal = (signal) => {
    if (signal === 'SIGHUP') {
      now.reloadAgain = true;
      if (!now.reloading) void reload();
      return;
    }
    if (now.ending) process.exit(new RonError(EXIT[signal], 'ended at once').exit);
    end({ why: signal, error: null });
  };
  const heap = (): void => actions.heap();
  process.on('SIGUSR2', heap);
  return {
    stopped,
    fail: (part, error) => end({ why: `failed:${part}`, error }),
    release: () => {
      launch.onServerSignal = null;
      process.off('SIGUSR2', heap);
    },
  };
}
