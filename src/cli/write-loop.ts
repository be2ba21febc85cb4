// The worker's side of cli/write-thread.ts: writes and syncs on descriptors that the main thread holds open.

import { fdatasyncSync, lstatSync, writeSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';

/** Bytes for a place in an open file, and which file its path must name afterwards. */
export interface WriteStep {
  readonly fd: number;
  readonly bytes: Uint8Array;
  readonly position: number;
  readonly path: string;
  readonly ino: number;
  readonly dev: number;
}

/** Whether every path still names its file; or which step failed at what, with the errno. */
export type WriteReply =
  | boolean
  | { readonly step: number; readonly act: 'write' | 'sync' | 'examine'; readonly code: string };

export interface WriteLoopInput {
  readonly port: MessagePort;
}

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : String(thrown);

function carriedOut(steps: readonly WriteStep[]): WriteReply {
  let step = 0;
  let act: 'write' | 'sync' | 'examine' = 'write';
  try {
    for (; step < steps.length; step++) {
      const { fd, bytes, position } = steps[step]!;
      act = 'write';
      for (let done = 0; done < bytes.length; ) {
        const count = writeSync(fd, bytes, done, bytes.length - done, position + done);
        if (count === 0) return { step, act, code: 'EIO' };
        done += count;
      }
      act = 'sync';
      fdatasyncSync(fd);
    }
    act = 'examine';
    step = 0;
    for (; step < steps.length; step++) {
      const { path, ino, dev } = steps[step]!;
      const named = lstatSync(path, { throwIfNoEntry: false });
      if (named === undefined || named.ino !== ino || named.dev !== dev) return false;
    }
    return true;
  } catch (thrown) {
    return { step, act, code: codeOf(thrown) };
  }
}

/** Answers one message after the other until the other side closes. */
export function writeLoop(input: unknown): Promise<void> {
  const { port } = input as WriteLoopInput;
  return new Promise((resolve) => {
    port.on('message', (steps: readonly WriteStep[]) => port.postMessage(carriedOut(steps)));
    port.once('close', resolve);
  });
}
