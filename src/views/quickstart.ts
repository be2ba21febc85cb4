// `ronctl quickstart` for people: each command before it runs, then what it printed.

import { type Block, fields, line, section, type TextModel, table } from '../ui/text-model.ts';

interface StepText {
  readonly number: number;
  readonly note: string;
  readonly edit: string | null;
  readonly command: string;
  readonly expected_exit: number;
}

interface RunText {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function stepView({ number, note, edit, command, expected_exit }: StepText): TextModel {
  return [
    line(`# ${number}. ${note}${expected_exit === 0 ? '' : ` (exit ${expected_exit} is expected)`}`, 'dim'),
    ...(edit === null ? [] : [line(`# ${edit}`, 'dim')]),
    line(`$ ${command}`, 'strong'),
  ];
}

const printed = (text: string): Block[] => (text === '' ? [] : [line(text.trimEnd())]);

export function runView({ exit, stdout, stderr }: RunText): TextModel {
  return [...printed(stdout), ...printed(stderr), ...(exit === 0 ? [] : [line(`[exit ${exit}]`, 'dim')]), line('')];
}

interface PlayedText {
  readonly steps: readonly { readonly number: number; readonly command: string; readonly duration_ms: number }[];
  readonly seconds: number;
  /** Where the story was played; gone unless `kept`. */
  readonly directory: string;
  /** Name of the home in it. */
  readonly home: string;
  readonly kept: boolean;
  readonly passphrases: Readonly<Record<string, string>>;
}

/** The first words of a command line, without ids and options. */
const verbOf = (command: string): string => /^ronctl( [a-z][a-z-]*){1,2}/.exec(command)?.[0] ?? command;

const filesOf = (home: string): readonly (readonly [string, string])[] => [
  [`${home}/signers/`, 'one sealed store per person'],
  [`${home}/store/`, 'the custody store: sealed keys, public.json for readers'],
  [`${home}/ledger/`, 'proposals, votes and executions, signed, one per line'],
  [`${home}/audit/`, 'the audit log, its tree and checkpoints'],
  [`${home}/trust/`, 'the pinned genesis and the highest checkpoint seen'],
  ['release.sig', 'the signature of release.txt'],
];

export function endView({ steps, seconds, directory, home, kept, passphrases }: PlayedText): TextModel {
  const look = (command: string): Block => line(`RONCTL_HOME=${directory}/${home} ronctl ${command}`);
  return [
    section('How long each step took', [
      table(
        ['step', 'command', 'time'],
        steps.map((one) => [String(one.number), verbOf(one.command), `${(one.duration_ms / 1000).toFixed(1)} s`]),
      ),
      line(`All of this took ${seconds.toFixed(1)} s.`),
    ]),
    section(`Where the files ${kept ? 'are' : 'were'}: ${directory}`, [fields(filesOf(home))]),
    ...(kept
      ? [
          section('How to look around', [
            look('governance log'),
            look('audit log'),
            look('kms list'),
            look('doctor'),
            line(`ronctl inspect ${directory}/release.sig`),
          ]),
          section('Passphrases', [fields(Object.entries(passphrases))]),
        ]
      : [line('The home is gone. To keep one and look around in it: ronctl quickstart --keep DIR')]),
  ];
}
