// What cli/start.ts hands to commands through oclif's load options (`run(argv, {root, host, ...})`), read once per command.

import type { Config, Interfaces } from '@oclif/core';
import type { RonError } from '../errors.ts';
import type { Host } from '../host.ts';

export type ServerSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export interface Launch {
  readonly host: Host;
  readonly development: boolean;
  /** The arguments as typed. */
  readonly argv: readonly string[];
  /** How to print the error of a signal; set by the running command. */
  onSignal: (error: RonError) => Promise<void>;
  /** Set by a running server, which drains and reloads; null: a signal ends the command. */
  onServerSignal: ((signal: ServerSignal) => void) | null;
}

export type LaunchOptions = Config['options'] & { readonly launch: Launch };

/** The Launch that `run` was given. Commands run without one are a bug. */
export function launchOf(config: Interfaces.Config): Launch {
  const { launch } = (config as Config).options as { readonly launch?: Launch };
  if (launch === undefined) throw new Error('the command was not started by cli/start.ts');
  return launch;
}
