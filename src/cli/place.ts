// The place of an error on the command line (issue: every error names what was wrong): which flag or argument a value was
// typed for, and errors of operations, which know members only, said in the words of the command line.

import { RonError } from '../errors.ts';

interface Definitions {
  readonly args: Readonly<Record<string, { readonly name?: string }>>;
  readonly flags: Readonly<Record<string, unknown>>;
}

interface Typed {
  readonly args: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<string, unknown>>;
}

const argumentName = (key: string, { args }: Definitions): string => (args[key]?.name ?? key).toUpperCase();

/** `--flag`s and `ARGUMENT`s that a value was given for; of `KIND=FILE` and `A,B` also by each part. */
export function placesOf(definitions: Definitions, typed: Typed): (value: string) => readonly string[] {
  const places = new Map<string, string[]>();
  const add = (value: unknown, place: string): void => {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one !== 'string') continue;
      for (const part of new Set([one, ...one.split(',').map((piece) => piece.slice(piece.indexOf('=') + 1))])) {
        places.set(part, [...(places.get(part) ?? []), place]);
      }
    }
  };
  for (const [key, value] of Object.entries(typed.args)) add(value, argumentName(key, definitions));
  for (const [name, value] of Object.entries(typed.flags)) if (name !== 'out') add(value, `--${name}`);
  add(typed.flags['out'], '--out');
  return (value) => places.get(value) ?? [];
}

/** Codes whose field is the member path of a file, never a flag. */
const OF_A_FILE = new Set(['Malformed', 'NewerVersion', 'RefusedConfig', 'Internal']);

/** A broken file of the home itself: nobody else is its author. */
const isOfHome = ({ code, message }: RonError, home: string | undefined): boolean =>
  home !== undefined &&
  ['Malformed', 'TooLarge', 'InvalidValue'].includes(code) &&
  (message.startsWith(`${home}/`) || message.startsWith('ledger/state.json'));

/**
 * The error with its field as the command line writes it (`purpose` is `--purpose`, `kid` is `KID`, as far as they were
 * typed: a member of a file keeps its path), and with the help of this command where a usage error has no better hint.
 */
export function placed(
  error: RonError,
  commandLine: string,
  definitions: Definitions,
  typed: Partial<Typed> & { readonly home?: string | undefined } = {},
): RonError {
  const { args, flags } = definitions;
  const name = OF_A_FILE.has(error.code) ? undefined : error.field?.toLowerCase().replaceAll('_', '-');
  const argument = Object.keys(args).find((one) => one === name || args[one]?.name?.toLowerCase() === name);
  // An operation knows tenants; some commands take them as a scope.
  const asFlag = name?.replace(/^--/, '') === 'tenant' && !('tenant' in flags) && 'scope' in flags ? 'scope' : name;
  const flag = Object.keys(flags).find((one) => one === asFlag && typed.flags?.[one] !== undefined);
  const field =
    argument !== undefined ? argumentName(argument, definitions) : flag !== undefined ? `--${flag}` : error.field;
  const help = `\`${commandLine} --help\``;
  const generic =
    error.code === 'Usage'
      ? `See ${help}.`
      : error.code === 'InvalidValue' && field !== undefined && (field.startsWith('--') || argument !== undefined)
        ? `Correct ${field}; see ${help}.`
        : isOfHome(error, typed.home)
          ? 'Restore the file from a backup, and find out who changed it.'
          : undefined;
  const hint = error.hint ?? generic;
  if (field === error.field && hint === error.hint) return error;
  return new RonError(error.code, error.message, {
    ...(hint === undefined ? {} : { hint }),
    ...(field === undefined ? {} : { field }),
    ...(error.data === undefined ? {} : { data: error.data }),
    cause: error.cause ?? error,
  });
}
