// Manual pages of section 1 in mdoc, from the command definitions and the tables of exit and error codes. Pure text: bin/man.js
// writes them to man/, and a test regenerates and compares. ronctl.1 has the commands without a topic and what is common to
// all; ronctl-<topic>.1 has the commands of a topic. Sections 5 and 7 are written by hand.

import { ERROR_CODES } from '../errors.ts';
import { EXIT_CODES } from '../operations/explain.ts';
import type { ArgInfo, CommandInfo, FlagInfo } from './command-list.ts';

/** Day of the last change to the text below. */
export const DATE = 'November 20, 2026';

const ENVIRONMENT: readonly (readonly [name: string, text: string])[] = [
  ['RONCTL_HOME', 'The home. With it set nothing outside it is read unasked.'],
  ['RONCTL_CONFIG', 'The client configuration, instead of the one in the home.'],
  ['RONCTL_OUTPUT', 'Format of results: table, json or yaml.'],
  ['RONCTL_SIGNER', 'Local signer where a command needs one.'],
  [
    'RONCTL_KMS',
    'Custody service: none (default, this home, offline), local, unix:PATH, https://HOST[:PORT] or http://127.0.0.1:PORT.',
  ],
  ['RONCTL_TOKEN_FILE', 'File (0600) with the capability for that service.'],
  ['RONCTL_CRYPTO_PROVIDER', 'native (default) or noble.'],
  ['RONCTL_NO_COLOR, NO_COLOR', 'No colour, when set and not empty.'],
  ['XDG_STATE_HOME, XDG_CONFIG_HOME', 'Where home and configuration are without RONCTL_HOME.'],
  ['CREDENTIALS_DIRECTORY', 'systemd credentials ronctl-store and ronctl-signer-ID hold passphrases.'],
];

const FILES: readonly (readonly [path: string, text: string])[] = [
  ['$RONCTL_HOME', 'The home, see ronctl-home(5); without the variable ${XDG_STATE_HOME:-~/.local/state}/ronctl.'],
  ['$RONCTL_HOME/config.toml', 'Client configuration, see ronctl-config(5).'],
];

const SEE_ALSO: readonly (readonly [page: string, section: number])[] = [
  ['ronctl', 1],
  ['ronctl-config', 5],
  ['ronctl-home', 5],
  ['ronctl-custody', 7],
  ['ronctl-governance', 7],
  ['ronctl-monitoring', 7],
  ['ronctl-security', 7],
];

/** Text in a text line: no escape, no control line. */
const escaped = (text: string): string => text.replaceAll('\\', '\\e').replaceAll(/^([.'])/gm, '\\&$1');

/** A word as a macro argument: never taken for a macro or a delimiter. */
export const argument = (word: string): string => {
  const safe = word.replaceAll('\\', '\\e').replaceAll('"', '\\(dq');
  const guarded = /^(%?[A-Z][a-z0-9]{1,2}|[.,:;()[\]?!|])$/.test(safe) ? `\\&${safe}` : safe;
  return guarded.includes(' ') ? `"${guarded}"` : guarded;
};

/** Sentences on lines of their own, paragraphs apart. */
export function prose(text: string): string[] {
  return text
    .split(/\n\s*\n/)
    .flatMap((paragraph, index) => [
      ...(index === 0 ? [] : ['.Pp']),
      ...escaped(paragraph.replaceAll('\n', ' ').replaceAll(/([.!?]) (?=[A-Z`])/g, '$1\n')).split('\n'),
    ])
    .filter((line) => line !== '');
}

export const sentence = (text: string): string => {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
};

const flagMacro = ({ name, value }: FlagInfo): string =>
  `Fl -${name}${value === undefined ? '' : ` Ar ${argument(value)}`}`;

const argMacro = ({ name, multiple }: ArgInfo): string => `Ar ${argument(name)}${multiple ? ' ...' : ''}`;

function synopsis({ words, args, flags, variadic }: CommandInfo): string[] {
  const own = flags.filter(({ global }) => !global);
  return [
    '.Nm ronctl',
    `.Cm ${words.join(' ')}`,
    ...own.map((flag) => (flag.required ? `.${flagMacro(flag)}` : `.Op ${flagMacro(flag)}`)),
    ...args.map((arg) => (arg.required ? `.${argMacro(arg)}` : `.Op ${argMacro(arg)}`)),
    ...(variadic ? ['.Op Ar ...'] : []),
  ];
}

function flagItems(flags: readonly FlagInfo[]): string[] {
  if (flags.length === 0) return [];
  return [
    '.Bl -tag -width Ds',
    ...flags.flatMap((flag) => [
      `.It ${flag.char === undefined ? '' : `Fl ${flag.char} , `}${flagMacro(flag)}`,
      ...prose(sentence(flag.summary)),
    ]),
    '.El',
  ];
}

function argItems(args: readonly ArgInfo[]): string[] {
  if (args.length === 0) return [];
  const items = args.flatMap((arg) => [`.It ${argMacro(arg)}`, ...prose(sentence(arg.description))]);
  return ['.Bl -tag -width Ds', ...items, '.El'];
}

function commandSection(command: CommandInfo): string[] {
  const own = command.flags.filter(({ global }) => !global);
  return [
    `.Ss ronctl ${command.words.join(' ')}`,
    ...prose(sentence(command.summary)),
    ...(command.description === '' ? [] : ['.Pp', ...prose(command.description)]),
    ...argItems(command.args),
    ...flagItems(own),
    ...(command.examples.length === 0 ? [] : ['.Pp', 'Examples:']),
    ...(command.examples.length === 0
      ? []
      : ['.Bd -literal -offset indent', ...command.examples.flatMap((one) => escaped(one).split('\n')), '.Ed']),
  ];
}

function definitions(rows: readonly (readonly [string, string])[], macro: string): string[] {
  const items = rows.flatMap(([name, text]) => {
    const names = name.split(', ').map(argument).join(' , ');
    return [`.It ${macro} ${names}`, ...prose(text)];
  });
  return ['.Bl -tag -width Ds', ...items, '.El'];
}

function exitStatus(): string[] {
  const items = [...EXIT_CODES].flatMap(([code, meaning]) => [`.It ${code}`, escaped(meaning)]);
  return ['.Sh EXIT STATUS', '.Bl -tag -width "130" -compact', ...items, '.El'];
}

function errors(): string[] {
  const items = Object.entries(ERROR_CODES).flatMap(([code, { exit, meaning, next }]) => [
    `.It Sy ${code} Pq exit ${exit}`,
    ...prose(`${meaning} ${next}`),
  ]);
  return [
    '.Ss Error codes',
    ...prose('These codes stand in messages and in the JSON envelope. `ronctl explain CODE` prints one of them.'),
    '.Bl -tag -width Ds -compact',
    ...items,
    '.El',
  ];
}

function seeAlso(own: string, topics: readonly string[]): string[] {
  const pages = [...SEE_ALSO, ...topics.map((topic) => [`ronctl-${topic}`, 1] as const)]
    .filter(([page, section]) => !(page === own && section === 1))
    .toSorted(([a, m], [b, n]) => m - n || (a < b ? -1 : 1));
  return [
    '.Sh SEE ALSO',
    ...pages.map(([page, section], index) => `.Xr ${page} ${section}${index === pages.length - 1 ? '' : ' ,'}`),
  ];
}

const head = (name: string, about: string): string[] => [
  '.\\" Generated from the command definitions: npm run build && npm run man.',
  `.Dd ${DATE}`,
  `.Dt ${name.toUpperCase()} 1`,
  '.Os ronctl',
  '.Sh NAME',
  `.Nm ${name}`,
  `.Nd ${about}`,
];

const COMMON = `Data goes to stdout, everything else to stderr.
With --json exactly one object is printed: ok, schema, mode, data, error; ok is true exactly when the exit code is 0.
A negative verdict prints both error and data.
Prompts appear on a terminal only; without one a missing answer is exit 2 and names the flag.
No secret is taken from an argument or a variable.
A file named - is standard input or output.
Files are written with mode 0600, atomically, and never over another without --force.
--dry-run runs every check and writes nothing.`.replaceAll('\n', ' ');

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

export interface ManTopic {
  readonly name: string;
  readonly description: string;
}

/** Pages by file name, e.g. `ronctl-governance.1`. */
export function manPages(
  commands: readonly CommandInfo[],
  topics: readonly ManTopic[],
  about: string,
): Map<string, string> {
  const pages = new Map<string, string>();
  const used = topics.filter(({ name }) => commands.some(({ words }) => words.length > 1 && words[0] === name));
  const names = used.map(({ name }) => name);
  const write = (name: string, lines: readonly string[]): Map<string, string> =>
    pages.set(`${name}.1`, `${lines.join('\n')}\n`);

  const root = commands.filter(({ words }) => words.length === 1);
  const global = commands[0]?.flags.filter((flag) => flag.global) ?? [];
  write('ronctl', [
    ...head('ronctl', lowerFirst(about.split(':')[0]!)),
    '.Sh SYNOPSIS',
    ...root.flatMap(synopsis),
    ...names.flatMap((name) => ['.Nm ronctl', `.Cm ${name}`, '.Ar command', '.Op Ar ...']),
    '.Sh DESCRIPTION',
    ...prose(sentence(about)),
    '.Pp',
    ...prose(COMMON),
    '.Ss Topics',
    '.Bl -tag -width Ds',
    ...used.flatMap(({ name, description }) => [
      `.It Cm ${name}`,
      ...prose(sentence(description)),
      `See`,
      `.Xr ronctl-${name} 1 .`,
    ]),
    '.El',
    '.Ss Flags of every command',
    ...flagItems(global),
    '.Sh COMMANDS',
    ...root.flatMap(commandSection),
    '.Sh ENVIRONMENT',
    ...definitions(ENVIRONMENT, 'Ev'),
    '.Sh FILES',
    ...definitions(FILES, 'Pa'),
    ...exitStatus(),
    ...errors(),
    ...seeAlso('ronctl', names),
  ]);
  for (const { name, description } of used) {
    const own = commands.filter(({ words }) => words.length > 1 && words[0] === name);
    write(`ronctl-${name}`, [
      ...head(`ronctl-${name}`, lowerFirst(description)),
      '.Sh SYNOPSIS',
      ...own.flatMap(synopsis),
      '.Sh DESCRIPTION',
      ...prose(sentence(description)),
      'What is common to all commands stands in',
      '.Xr ronctl 1 .',
      '.Sh COMMANDS',
      ...own.flatMap(commandSection),
      '.Sh ENVIRONMENT',
      ...definitions(ENVIRONMENT, 'Ev'),
      '.Sh FILES',
      ...definitions(FILES, 'Pa'),
      ...exitStatus(),
      ...seeAlso(`ronctl-${name}`, []),
    ]);
  }
  return pages;
}
