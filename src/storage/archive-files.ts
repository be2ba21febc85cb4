// A log some of whose segments lie in an archive, read as if they were here. Only paths are mapped: every line is proved by
// whoever reads it.

import type { Files } from '../host.ts';
import { type EpochPaths, segmentName } from './audit-paths.ts';
import { bound } from './checked-files.ts';

/** `segments`: numbers of those to read from `directory`, which is that of segment files. */
export function withArchived(
  files: Files,
  paths: EpochPaths,
  archive: { readonly files: Files; readonly directory: string; readonly segments: readonly number[] },
): Files {
  if (archive.segments.length === 0) return files;
  const places = new Map(archive.segments.map((n) => [paths.segment(n), `${archive.directory}/${segmentName(n)}`]));
  return {
    ...bound(files),
    info: (path) => {
      const place = places.get(path);
      return place === undefined ? files.info(path) : archive.files.info(place);
    },
    open: (path, flags) => {
      const place = places.get(path);
      return place === undefined || flags !== 'read' ? files.open(path, flags) : archive.files.open(place, flags);
    },
  };
}
