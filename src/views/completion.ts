// `ronctl completion`: the script itself, to be redirected or sourced.

import type { CompletionResult } from '../operations/completion.ts';
import { line, type TextModel } from '../ui/text-model.ts';

export function completionView({ script }: CompletionResult): TextModel {
  return [line(script.trimEnd())];
}
