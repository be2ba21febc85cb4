// The tlog listener (log page 4.9, I-30): GET and HEAD of /checkpoint, /tile/<L>/<N>[.p/<W>] and, with audit.tlog = full,
// /tile/entries/<N>[.p/<W>], as in C2SP tlog-tiles. No token: these are the files that `audit export --tlog` writes. Only the
// canonical spelling of a path is there. Tiles never change, so they may be kept; the checkpoint may not.

import type { FastifyInstance } from 'fastify';
import { TILE_WIDTH, tileIndexPath } from '../../audit/tile.ts';
import { fail } from '../../errors.ts';
import type { TlogFiles } from '../admin-ports.ts';
import type { KnownPath } from './known-paths.ts';
import type { ServerParts } from './server-parts.ts';

const PATH = /^(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,4}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/;
/** A tile of more records than any log has is not there. */
const INDEX_GROUPS = 5;

export const TLOG_PATHS: readonly KnownPath[] = [
  { method: 'GET', path: '/checkpoint' },
  ...Array.from({ length: INDEX_GROUPS + 1 }, (_, more): KnownPath => {
    const rest = Array.from({ length: more }, (__, at) => `/{x${at}}`).join('');
    return { method: 'GET', path: `/tile/{level}/{index}${rest}` };
  }),
];

export interface TilePath {
  /** Null: a bundle of entries. */
  readonly level: number | null;
  readonly index: number;
  readonly width: number;
}

/** Null for anything but the one spelling of a tile. */
export function parseTilePath(path: string): TilePath | null {
  const found = PATH.exec(path);
  if (found === null) return null;
  const [, of, groups, partial] = found;
  const index = Number(groups!.replaceAll(/[x/]/g, ''));
  const level = of === 'entries' ? null : Number(of);
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  if (tileIndexPath(index) !== groups || (level !== null && String(level) !== of)) return null;
  if (partial !== undefined && (String(width) !== partial || width < 1 || width >= TILE_WIDTH)) return null;
  return { level, index, width };
}

const absent = (): never => fail('NotFound', 'there is no such tile under the newest checkpoint');

async function tileBytes(tlog: TlogFiles, path: string, shows: 'off' | 'hashes' | 'full'): Promise<Uint8Array> {
  const tile = parseTilePath(path);
  if (tile === null || shows === 'off') return absent();
  const { level, index, width } = tile;
  if (level !== null) return (await tlog.tile({ level, index, width })) ?? absent();
  if (shows !== 'full') return fail('NotFound', 'this server publishes hashes, not entries (audit.tlog = hashes)');
  return (await tlog.entries({ index, width })) ?? absent();
}

export function addTlogRoutes(app: FastifyInstance, parts: ServerParts, tlog: TlogFiles): void {
  app.get('/checkpoint', { config: { plain: '/checkpoint' } }, async (_request, reply) => {
    const note = await tlog.checkpoint();
    if (note === null) return fail('NotFound', 'the log has no checkpoint yet');
    return reply.type('text/plain; charset=utf-8').send(Buffer.from(note));
  });
  app.get<{ Params: { '*': string } }>('/tile/*', { config: { plain: '/tile' } }, async (request, reply) => {
    const bytes = await tileBytes(tlog, request.params['*'], parts.config().audit.tlog);
    return reply
      .header('cache-control', 'public, max-age=31536000, immutable')
      .type('application/octet-stream')
      .send(Buffer.from(bytes));
  });
}
