// The flags of `ronctl kms serve` that set a configuration key (CONFIG.md 6), as plain data: the command makes its own flag
// objects from it, in the order of the table.

import { serverKeys } from './server-keys.ts';
import { expectedText } from './server-value.ts';

export interface ServerFlag {
  /** Without `--`. */
  readonly name: string;
  /** Dotted key that it sets. */
  readonly key: string;
  readonly boolean: boolean;
  /** Closed list of values. */
  readonly options: readonly string[] | null;
  /** What it takes, in capitals, for `--help`. */
  readonly helpValue: string;
  readonly summary: string;
  /** What it takes, in words. */
  readonly takes: string;
}

const HELP: Readonly<Record<string, string>> = {
  integer: 'N',
  duration: 'DURATION',
  size: 'SIZE',
  permille: 'FRACTION',
  list: 'NAME,...',
  socket: 'HOST:PORT',
  path: 'PATH',
  text: 'TEXT',
};

export function serverFlags(): readonly ServerFlag[] {
  return serverKeys().flatMap(({ flag, key, type, summary, env }) =>
    flag === undefined
      ? []
      : [
          {
            name: flag,
            key,
            boolean: type.kind === 'boolean',
            options: type.kind === 'choice' ? type.values : null,
            helpValue: type.kind === 'choice' ? type.values.join('|') : (HELP[type.kind] ?? 'VALUE'),
            summary: `${summary} (env ${env})`,
            takes: expectedText(type),
          },
        ],
  );
}
