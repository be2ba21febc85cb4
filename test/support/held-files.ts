// A `Files` whose disk is slow when the test says so: a sync of an open file ends only when the test lets it.

import type { Files, OpenFile } from '../../src/host.ts';

export interface HeldFiles {
  readonly files: Files;
  /** From now on syncs wait. */
  hold(): void;
  /** Everything that waits goes on. */
  release(): void;
}

export function heldFiles(inner: Files): HeldFiles {
  let gate: Promise<void> = Promise.resolve();
  let open: () => void = () => undefined;
  const held = (file: OpenFile): OpenFile => ({
    info: () => file.info(),
    stands: () => file.stands(),
    read: (position, length) => file.read(position, length),
    write: (bytes, position) => file.write(bytes, position),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    sync: () => gate.then(() => file.sync()),
    syncNow: () => file.syncNow(),
    close: () => file.close(),
  });
  return {
    files: { ...inner, open: (path, flags) => held(inner.open(path, flags)) },
    hold: () => {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    release: () => open(),
  };
}
