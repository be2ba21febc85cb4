// `ronctl quickstart` for people: each command before it runs, then what it printed.

import { type Block, line, type TextModel } from '../ui/text-model.ts';

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

export function endView(
  seconds: number,
  kept: string | null,
  passphrases: Readonly<Record<string, string>> | null,
): TextModel {
  return [
    line(`All of this took ${seconds.toFixed(1)} s.`),
    ...(kept === null
      ? [line('The home is gone; --keep DIR keeps it.')]
      : [
          line(`The home is kept in ${kept}/home. Its passphrases:`),
          ...Object.entries(passphrases ?? {}).map(([store, secret]) => line(`  ${store.padEnd(6)} ${secret}`)),
        ]),
  ];
}
