// Sinks that are files (log page 4.11): one file per origin, appended and synced before it counts as taken. `dir:` names it by the
// origin with `+` for `/`, which no origin has; `file:` is the file of epoch 0, later epochs have `.e<N>` behind the name. Half
// a line that a crash left is cut off first; what was moved away begins anew. Refuses a directory that is not there: a medium
// that is not mounted must not fill the disk below it.

import type { SinkSpec } from '../../../config/sinks.ts';
import { fail } from '../../../errors.ts';
import type { Files, OpenFile } from '../../../host.ts';
import { directoryOf } from '../../../storage/durable-file.ts';
import type { Sink, SinkBatch } from './sink.ts';

const LF = 0x0a;
const TAIL_BYTES = 64 * 1024;

/** Name of the file of an origin in a directory sink. */
export const sinkFileName = (origin: string): string => `${origin.replaceAll('/', '+')}.jsonl`;

export function sinkPath(spec: SinkSpec, { epoch, origin }: Pick<SinkBatch, 'epoch' | 'origin'>): string {
  if (spec.kind === 'directory') return `${spec.target}/${sinkFileName(origin)}`;
  return epoch === 0 ? spec.target : `${spec.target}.e${epoch}`;
}

/** Behind the last LF. */
function wholeBytes(file: OpenFile): number {
  for (let end = file.info().sizeBytes; end > 0; ) {
    const from = Math.max(0, end - TAIL_BYTES);
    const last = file.read(from, end - from).lastIndexOf(LF);
    if (last >= 0) return from + last + 1;
    end = from;
  }
  return 0;
}

export function fileSink(files: Files, spec: SinkSpec): Sink {
  let open: { readonly path: string; readonly file: OpenFile } | null = null;
  let end = 0;
  const close = (): void => {
    open?.file.close();
    open = null;
  };
  const openAt = (path: string): OpenFile => {
    if (open?.path === path && open.file.stands()) return open.file;
    close();
    const directory = directoryOf(path);
    if (files.info(directory)?.type !== 'directory') fail('NotFound', `there is no directory ${directory}`);
    const fresh = files.info(path) === null;
    const file = files.open(path, fresh ? 'create-new' : 'write');
    open = { path, file };
    if (fresh) files.syncDirectoryNow(directory);
    end = wholeBytes(file);
    if (end < file.info().sizeBytes) file.truncate(end);
    return file;
  };
  return {
    deliver: async (batch) => {
      const file = openAt(sinkPath(spec, batch));
      file.write(batch.bytes, end);
      await file.sync();
      end += batch.bytes.length;
    },
    close: async () => close(),
  };
}
