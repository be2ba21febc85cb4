// Tones to colours. chalk is loaded only when colour is on (D-20): a terminal, and none of NO_COLOR, RONCTL_NO_COLOR,
// TERM=dumb, --no-color, output.color = "never" (cli rule 2).

import type { Tone } from './text-model.ts';

export type Paint = (text: string, tone: Tone) => string;

export const noPaint: Paint = (text) => text;

export async function colourPaint(): Promise<Paint> {
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  const paints: Readonly<Record<Tone, (text: string) => string>> = {
    plain: (text) => text,
    good: chalk.green,
    bad: chalk.red,
    warn: chalk.yellow,
    dim: chalk.dim,
    strong: chalk.bold,
  };
  return (text, tone) => paints[tone](text);
}

export interface ColourQuestion {
  readonly tty: boolean;
  readonly noColorFlag: boolean;
  readonly configured: string | undefined;
  readonly variable: (name: string) => string | undefined;
}

/** True when colour may be used on a stream. */
export function wantsColour({ tty, noColorFlag, configured, variable }: ColourQuestion): boolean {
  const set = (name: string): boolean => (variable(name) ?? '') !== '';
  return (
    tty &&
    !noColorFlag &&
    configured !== 'never' &&
    !set('NO_COLOR') &&
    !set('RONCTL_NO_COLOR') &&
    variable('TERM') !== 'dumb'
  );
}
