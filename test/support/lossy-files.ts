// A `Files` whose disk fails when the test says so: every write, sync and creation is a StorageFault, reading goes on. Counts
// every call.

import { RonError } from '../../src/errors.ts';
import type { Files } from '../../src/host.ts';
import { countedFiles } from './faulty-files.ts';

export interface LossyFiles {
  readonly files: Files;
  /** Set: every mutating call fails. */
  broken: boolean;
  /** Mutating calls so far. */
  calls: number;
}

export function lossyFiles(inner: Files): LossyFiles {
  const lossy: LossyFiles = {
    broken: false,
    calls: 0,
    files: inner,
  };
  const files = countedFiles(inner, (act, what) => {
    lossy.calls += 1;
    if (lossy.broken) throw new RonError('StorageFault', `EIO: cannot ${what}`);
    return act();
  });
  return Object.assign(lossy, { files });
}

/** A `Files` that nothing may touch. */
export function untouchableFiles(): { readonly files: Files; readonly touched: string[] } {
  const touched: string[] = [];
  const files = new Proxy({} as Files, {
    get: (_target, name) => () => {
      touched.push(String(name));
      throw new Error(`the disk was touched: ${String(name)}`);
    },
  });
  return { files, touched };
}
