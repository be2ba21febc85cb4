// Questions whose answers are no secrets, on stderr. @inquirer/prompts is loaded only when one is asked (D-20); secrets
// are read by cli/node-terminal.ts.

import { RonError } from '../errors.ts';

/** One line, as typed. Interrupted on Ctrl-C. */
export async function askLine(question: string): Promise<string> {
  const { input } = await import('@inquirer/prompts');
  try {
    return await input({ message: question, theme: { prefix: '?' } }, { output: process.stderr });
  } catch (cause) {
    throw new RonError('Interrupted', 'interrupted while waiting for an answer', { cause });
  }
}
