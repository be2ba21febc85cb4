// Shows on stderr what a person is about to confirm, before the question is asked (cli rule 1, 4).

import { printText } from '../ui/print.ts';
import type { TextModel } from '../ui/text-model.ts';
import { noPaint } from '../ui/theme.ts';
import type { Runtime } from './runtime.ts';

/** Nothing without a terminal: there the full digest is demanded, and the result carries what was shown. */
export async function showReview(runtime: Runtime, model: TextModel): Promise<void> {
  if (!runtime.host.terminal.interactive) return;
  runtime.host.terminal.writeStderr(await printText(model, noPaint));
}
