// Arguments of the cap commands, and reading a token that one of them names.

import { Args, Flags } from '@oclif/core';
import { TOKEN_CHARACTERS } from '../../capability/token.ts';
import type { Runtime } from '../runtime.ts';

export const tokenArg = Args.string({
  name: 'FILE',
  description: 'file of a capability; - is standard input',
  required: true,
});

export const caveatFlag = Flags.string({
  summary: 'further caveat; may be repeated. See ronctl-capability(5)',
  helpValue: "'NAME = VALUE'",
  multiple: true,
  multipleNonGreedy: true,
});

/** When a capability ends; a time makes the same request again the same one (`--op-id`). */
export const expiresFlag = (summary: string) => Flags.string({ summary, helpValue: 'DURATION|TIME' });

/** Where a token goes: never into the result. */
export const tokenOutFlag = Flags.string({
  summary: 'file for the token, made for its owner only (0600); - is stdout',
  helpValue: 'FILE',
  required: true,
});

/** The text of a token file, without its final line feed. NotFound, TooLarge, Malformed. */
export async function readTokenFile(runtime: Runtime, given: string): Promise<string> {
  const text = await runtime.readText(given, TOKEN_CHARACTERS + 1);
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
