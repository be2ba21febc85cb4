// The Audit port in-process (service page 1): the log as it stands, byte for byte, with proofs under its newest checkpoint,
// and the signing of a checkpoint. Whoever receives the bytes verifies them; nothing here is trusted by being said.

import { consistencyProof } from '../../audit/proof.ts';
import { TILE_WIDTH, tileWidth } from '../../audit/tile.ts';
import { formatTlogProof } from '../../audit/tlog-proof.ts';
import { toBase64 } from '../../bytes/base64.ts';
import { fromHex } from '../../bytes/hex.ts';
import { fromUtf8 } from '../../bytes/text.ts';
import { INSTANCE } from '../../capability/caveats.ts';
import { fail } from '../../errors.ts';
import type { Files } from '../../host.ts';
import type { EpochPaths } from '../../storage/audit-paths.ts';
import { hashReader, provenRecord, storedRecords } from '../../storage/audit-store.ts';
import { cachedTileReader, tileReader } from '../../storage/audit-tiles.ts';
import type { CheckpointInfo } from '../../storage/custody-port.ts';
import type { Audit } from '../admin-ports.ts';
import { admitted, authoriseInstance, refuseAborted } from './authorise.ts';
import { type Custodian, placeOf } from './custodian.ts';

/** The log of the newest epoch, and how far it goes. */
export interface AuditLogReading {
  readonly files: Files;
  readonly paths: EpochPaths;
  readonly origin: string;
  readonly epoch: number;
  readonly size: number;
  readonly checkpoint: CheckpointInfo | null;
}

const RECORDS_MAX = 10_000;

function whole(value: number, field: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  return fail('InvalidValue', `${field}: an integer from 0 is expected, not ${value}`, { field });
}

function demandCheckpoint({ checkpoint }: AuditLogReading): CheckpointInfo {
  return checkpoint ?? fail('NotAuthenticated', 'the audit log has no checkpoint yet');
}

export function auditService(custodian: Custodian, log: () => Promise<AuditLogReading>): Audit {
  return {
    checkpoint: async (request, call) => {
      authoriseInstance(call, 'kms:audit');
      return admitted(call, 'mutate', INSTANCE, async () => {
        const signed = await custodian.act({ call, confirmTime: request.confirmTime === true }, () =>
          custodian.checkpoint(call),
        );
        const info = signed ?? demandCheckpoint(await log());
        return { ...placeOf(info)!, note: fromUtf8(info.note)! };
      });
    },

    head: async (_request, call) => {
      authoriseInstance(call, 'kms:audit');
      const { origin, epoch, size, checkpoint } = await log();
      return { origin, epoch, size, checkpoint: checkpoint === null ? null : fromUtf8(checkpoint.note) };
    },

    records: async function* ({ from, to }, call) {
      authoriseInstance(call, 'kms:audit');
      const { files, paths, size } = await log();
      const end = Math.min(whole(to, 'to'), size);
      if (end - whole(from, 'from') > RECORDS_MAX) {
        fail('InvalidValue', `at most ${RECORDS_MAX} records are read at once`, { field: 'to' });
      }
      for (const { line } of storedRecords(files, paths, from, end)) {
        refuseAborted(call);
        yield line.slice();
      }
    },

    tile: async ({ level, n, width }, call) => {
      authoriseInstance(call, 'kms:audit');
      const reading = await log();
      const { size } = demandCheckpoint(reading);
      const isThere =
        whole(level, 'level') < 8 &&
        whole(width, 'width') > 0 &&
        width <= TILE_WIDTH &&
        width <= tileWidth(size, level, whole(n, 'n'));
      const bytes = isThere ? tileReader(reading.files, reading.paths)({ level, index: n, width }) : null;
      return bytes ?? fail('NotFound', `there is no tile ${level}/${n} of width ${width}`);
    },

    inclusion: async ({ index }, call) => {
      authoriseInstance(call, 'kms:audit');
      const reading = await log();
      const { size, root, note } = demandCheckpoint(reading);
      if (whole(index, 'index') >= size) {
        fail('NotFound', `record ${index} is not under the newest checkpoint, of size ${size}`, { field: 'index' });
      }
      const at = { size, root: fromHex(root, 32)! };
      const { line, proof } = provenRecord(reading.files, reading.paths, at, index);
      return formatTlogProof({ extra: line, index, path: proof, checkpoint: note });
    },

    consistency: async ({ from, to }, call) => {
      authoriseInstance(call, 'kms:audit');
      const reading = await log();
      const { size } = demandCheckpoint(reading);
      if (whole(from, 'from') > whole(to, 'to') || from < 1 || to > size) {
        fail('InvalidValue', `sizes from 1 up to ${size} are expected, from <= to, not ${from} and ${to}`, {
          field: 'from',
        });
      }
      if (from === to) return [];
      const tiles = cachedTileReader(tileReader(reading.files, reading.paths));
      return consistencyProof(from, to, hashReader(tiles, to)).map(toBase64);
    },
  };
}
