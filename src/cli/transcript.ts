// --transcript F (I-46): one JSON line per command with argv (secrets never are in it), time, exit code and the SHA-256 of
// the result's JSON. The file is opened before the command runs: an act that cannot be noted is not begun.

import { utf8 } from '../bytes/text.ts';
import { toTime } from '../bytes/time.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { Host } from '../host.ts';

export interface Transcript {
  add(exit: number, schema: string, data: unknown): void;
}

export function openTranscript(host: Pick<Host, 'files' | 'clock'>, path: string, argv: readonly string[]): Transcript {
  const started = toTime(host.clock.now());
  const open = (): ReturnType<typeof host.files.open> =>
    host.files.open(path, host.files.info(path) === null ? 'create-new' : 'write');
  open().close();
  return {
    add(exit, schema, data) {
      const result_sha256 = data === undefined ? null : sha256Hex(utf8(JSON.stringify(data)));
      const bytes = utf8(`${JSON.stringify({ time: started, argv, exit, schema, result_sha256 })}\n`);
      const file = open();
      try {
        file.write(bytes, file.info().sizeBytes);
        file.syncNow();
      } finally {
        file.close();
      }
    },
  };
}
