// `quickstart`: plays the story in a throw-away directory and shows it as it goes. Removes the directory at the end and when
// it is interrupted, unless it is to be kept.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES, type ErrorCode, RonError } from '../errors.ts';
import { endView, runView, stepView } from '../views/quickstart.ts';
import type { Runtime } from './runtime.ts';
import {
  makeStoryDirectory,
  prepareStory,
  runStory,
  STORY_HOME,
  STORY_LENGTH,
  type StoryListener,
  type StoryResult,
} from './story.ts';

export interface QuickstartResult {
  /** Directory with the home, when it is kept. */
  readonly kept: string | null;
  readonly steps: readonly StoryResult[];
  readonly duration_ms: number;
}

export interface Played {
  readonly data: QuickstartResult;
  readonly text: ReturnType<typeof endView>;
  readonly error: RonError | undefined;
}

/** An error that ends with the exit code of the step that went wrong. */
function unexpected(last: StoryResult): RonError {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];
  const code = codes.find((one) => ERROR_CODES[one].exit === last.exit) ?? 'Internal';
  return new RonError(
    code,
    `step ${last.number} ended with ${last.exit}, expected ${last.expected_exit}: ${last.command}`,
    {
      hint: 'Run `ronctl doctor`; with --keep DIR the home stays and can be looked at.',
    },
  );
}

/** `show` is false when only the data is wanted. */
export async function playQuickstart(runtime: Runtime, keep: string | undefined, show: boolean): Promise<Played> {
  const { host } = runtime;
  const begin = host.clock.monotonicMs();
  const kept = keep === undefined ? null : runtime.path(keep);
  if (kept !== null) makeStoryDirectory(kept);
  const directory = kept ?? host.files.temporaryDirectory('ronctl-quickstart-');
  const clear = (): void => rmSync(directory, { recursive: true, force: true });
  if (kept === null) process.once('exit', clear);
  const listener: StoryListener = {
    before: async (step) => {
      if (show) await runtime.emit(undefined, () => stepView(step));
    },
    after: async (result) => {
      if (show) await runtime.emit(undefined, () => runView(result));
    },
  };
  const secrets = prepareStory(host, directory);
  const steps = await runStory(host, { directory, program: join(runtime.packageRoot, 'bin', 'ronctl'), listener });
  const duration = host.clock.monotonicMs() - begin;
  const last = steps.at(-1)!;
  const complete = steps.length === STORY_LENGTH && last.exit === last.expected_exit;
  return {
    data: { kept, steps, duration_ms: Math.round(duration) },
    text: endView({
      steps,
      seconds: duration / 1000,
      directory,
      home: STORY_HOME,
      kept: kept !== null,
      passphrases: Object.fromEntries(secrets),
    }),
    error: complete ? undefined : unexpected(last),
  };
}
