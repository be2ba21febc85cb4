// What oclif's parser throws, as our errors: unknown or contradictory flags are Usage (2), values that do not parse are
// InvalidValue (3). The parser's typed members are read, never its texts, except where it has nothing else.

import type { Parser } from '@oclif/core';
import { nearest } from '../bytes/nearest.ts';
import { RonError } from '../errors.ts';

interface ParserError {
  readonly message: string;
  readonly flags?: readonly string[];
  readonly args?: readonly unknown[];
}

/** The parser names an argument by its key; people know it by the name that the definition gives it. */
const nameOf = (arg: unknown, args: Readonly<Record<string, { readonly name?: string }>>): string => {
  const key = arg !== null && typeof arg === 'object' && 'name' in arg ? String(arg.name) : String(arg);
  return (args[key]?.name ?? key).toUpperCase();
};

/** The parser's sentence without its advice, colours and line feeds. */
const sentence = (message: string): string =>
  message
    .replaceAll(/\u001b\[[0-9;]*m/g, '')
    .replace(/\n*See more help with --help$/, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .split('\n')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join('; ');

export function isParserError(thrown: unknown): thrown is Error & ParserError {
  return thrown instanceof Error && 'oclif' in thrown;
}

interface FlagDefinition {
  /** oclif's own word: a boolean flag has no value. */
  readonly type: string;
  readonly options?: readonly string[] | undefined;
  readonly helpValue?: string | readonly string[] | undefined;
}

/** A flag as it is typed with its value, e.g. `--profile dev|drill`. */
const written = (name: string, flag: FlagDefinition | undefined): string =>
  `--${name} ${flag?.options?.join('|') ?? (typeof flag?.helpValue === 'string' ? flag.helpValue : 'VALUE')}`;

/** `commandLine` is the command as it is typed, `flags` those that it has, `argv` what was given. */
export function usageError(
  thrown: Error & ParserError,
  commandLine: string,
  flags: Readonly<Record<string, FlagDefinition>>,
  args: Readonly<Record<string, { readonly name?: string }>> = {},
  argv: readonly string[] = [],
): RonError {
  const help = `See \`${commandLine} --help\`.`;
  const unknown = (all: readonly string[]): RonError => {
    const first = all[0]!;
    const near = first.startsWith('--') ? nearest(first.slice(2), Object.keys(flags)).map((name) => `--${name}`) : [];
    const hint = near.length === 0 ? help : `Did you mean ${near.join(', ')}? ${help}`;
    return new RonError('Usage', `unknown flag ${all.join(', ')}`, { field: first, hint });
  };
  if (thrown.flags?.[0] !== undefined) return unknown(thrown.flags);
  if (thrown.args !== undefined && thrown.args.length > 0) {
    const names = thrown.args.map((arg) => nameOf(arg, args));
    const given = typeof thrown.args[0] === 'string';
    const message = given ? `unexpected argument ${thrown.args.join(' ')}` : `missing argument ${names.join(' ')}`;
    return new RonError('Usage', message, { field: given ? String(thrown.args[0]) : names[0]!, hint: help });
  }
  const text = sentence(thrown.message);
  const option = /^Expected (?:--(\S+?)=)?(.*) to be one of: (.*)$/s.exec(text);
  if (option !== null) {
    const [, name, typed, options] = option;
    // What follows a flag that is not known is taken for an argument, and is not what is wrong.
    const stray = argv.filter((one, at) => argv[at + 1] === typed && /^--[a-z]/.test(one) && !(one.slice(2) in flags));
    if (name === undefined && stray.length > 0) return unknown(stray);
    const near = nearest(typed!, options!.split(', '));
    return new RonError(
      'InvalidValue',
      `${name === undefined ? '' : `--${name}: `}one of ${options} is expected, not ${JSON.stringify(typed)}`,
      {
        ...(name === undefined ? {} : { field: `--${name}` }),
        hint: near.length === 0 ? help : `Did you mean ${near.join(', ')}? ${help}`,
      },
    );
  }
  const missing = [...text.matchAll(/Missing required flag (\S+?)(?:;|$)/g)].map(([, name]) => name!);
  if (missing.length > 0) {
    return new RonError('Usage', `missing ${missing.map((name) => `--${name}`).join(', ')}`, {
      field: `--${missing[0]}`,
      hint: `Give ${missing.map((name) => written(name, flags[name])).join(' ')}. ${help}`,
    });
  }
  // The value is left out: it may be long, and it is not what is wrong.
  const reason = text.replaceAll(/(--[a-z][a-z0-9-]*)=\S*/g, '$1');
  const flag = /--[a-z][a-z0-9-]*/.exec(reason)?.[0];
  return new RonError('Usage', reason, flag === undefined ? { hint: help } : { field: flag, hint: help });
}

type Parse = (input: unknown, context: unknown, options: unknown) => Promise<unknown>;
type Parsable = Readonly<Record<string, { readonly parse?: unknown }>>;

/**
 * Copies of flag or argument definitions whose parse functions report a refusal to `refused` before oclif rewrites its
 * message, and whose missing arguments are never read from standard input.
 */
export function guarded<T extends object>(definitions: T, refused: (error: RonError) => void): T {
  const copies = Object.entries(definitions as Parsable).map(([name, definition]) => {
    const parse = definition.parse as Parse | undefined;
    if (parse === undefined) return [name, { ...definition, ignoreStdin: true }];
    const guardedParse: Parse = async (input, context, options) => {
      try {
        return await parse(input, context, options);
      } catch (thrown) {
        const reason = thrown instanceof Error ? sentence(thrown.message) : String(thrown);
        refused(
          thrown instanceof RonError
            ? new RonError(thrown.code, thrown.message, {
                ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
                field: thrown.field ?? `--${name}`,
              })
            : new RonError('InvalidValue', `--${name}: ${reason}`, { field: `--${name}` }),
        );
        throw thrown;
      }
    };
    return [name, { ...definition, ignoreStdin: true, parse: guardedParse }];
  });
  return Object.fromEntries(copies) as T;
}

export type { Parser };
