// What the tlog listener publishes (log page 4.9, I-30): the newest epoch as C2SP tlog-tiles has it, up to the newest
// checkpoint. A tile or bundle that this checkpoint does not have is not there, however far the log has grown behind it.

import { tileWidth } from '../../audit/tile.ts';
import { BundleReader } from '../../storage/audit-bundles.ts';
import { tileReader } from '../../storage/audit-tiles.ts';
import { withCosignatures } from '../../storage/cosigned.ts';
import type { TlogFiles } from '../admin-ports.ts';
import type { AuditLogReading } from './audit-port.ts';

const LEVELS = 7;

export function tlogService(log: () => Promise<AuditLogReading>): TlogFiles {
  /** Of one epoch; another one begins with an empty reader. */
  let bundles: { readonly origin: string; readonly reader: BundleReader } | null = null;
  return {
    checkpoint: async () => {
      const { checkpoint, files, paths } = await log();
      return checkpoint === null ? null : withCosignatures(files, paths, checkpoint.note);
    },

    tile: async ({ level, index, width }) => {
      const { checkpoint, files, paths } = await log();
      if (checkpoint === null || level > LEVELS || width < 1 || width > tileWidth(checkpoint.size, level, index)) {
        return null;
      }
      return tileReader(files, paths)({ level, index, width });
    },

    entries: async ({ index, width }) => {
      const { checkpoint, files, paths, origin } = await log();
      if (checkpoint === null || width < 1 || width > tileWidth(checkpoint.size, 0, index)) return null;
      if (bundles?.origin !== origin) bundles = { origin, reader: new BundleReader(files, paths) };
      return bundles.reader.read(index, width);
    },
  };
}
