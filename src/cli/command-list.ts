// The commands of the manifest in a form of our own: for completion, manual pages and tests. Pure.

import type { Config } from '@oclif/core';

export interface FlagInfo {
  readonly name: string;
  readonly char?: string;
  readonly summary: string;
  /** How its value is named in help, e.g. `FILE`; absent for a switch. */
  readonly value?: string;
  readonly options: readonly string[];
  readonly required: boolean;
  readonly multiple: boolean;
  readonly global: boolean;
}

export interface ArgInfo {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  readonly multiple: boolean;
  readonly options: readonly string[];
}

export interface CommandInfo {
  /** Words after `ronctl`. */
  readonly words: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly examples: readonly string[];
  readonly flags: readonly FlagInfo[];
  readonly args: readonly ArgInfo[];
  /** Takes more words than its arguments name. */
  readonly variadic: boolean;
}

type Loadable = Config['commands'][number];

const byName = <T extends { readonly name: string }>(a: T, b: T): number => (a.name < b.name ? -1 : 1);

function flagInfo([name, flag]: [string, Loadable['flags'][string]]): FlagInfo {
  const option = flag.type === 'option' ? flag : undefined;
  const help = Array.isArray(option?.helpValue) ? option.helpValue.join(' ') : option?.helpValue;
  const options = option?.options ?? [];
  return {
    name,
    ...(flag.char === undefined ? {} : { char: flag.char }),
    summary: flag.summary ?? flag.description ?? '',
    ...(option === undefined ? {} : { value: help ?? (options.length > 0 ? options.join('|') : 'VALUE') }),
    options,
    required: flag.required === true,
    multiple: option?.multiple === true,
    global: flag.helpGroup === 'GLOBAL',
  };
}

function argInfo([name, arg]: [string, Loadable['args'][string]]): ArgInfo {
  return {
    name: name.toUpperCase(),
    description: arg.description ?? '',
    required: arg.required === true,
    multiple: arg.multiple === true,
    options: arg.options ?? [],
  };
}

const exampleText = (example: unknown): string =>
  typeof example === 'string' ? example : (example as { readonly command: string }).command;

/** Every visible command, sorted by its words. */
export function commandList(commands: readonly Loadable[], bin: string): CommandInfo[] {
  return commands
    .filter(({ hidden }) => !hidden)
    .map((command) => ({
      words: command.id.split(':'),
      summary: command.summary ?? '',
      description: command.description ?? '',
      examples: (command.examples ?? []).map((one) => exampleText(one).replaceAll('<%= config.bin %>', bin)),
      flags: Object.entries(command.flags).map(flagInfo).sort(byName),
      args: Object.entries(command.args).map(argInfo),
      variadic: command.strict === false,
    }))
    .sort((a, b) => (a.words.join(' ') < b.words.join(' ') ? -1 : 1));
}
