// The writer's own memory of its checkpoints (log page 4.8, R-20): what this home signed it also remembers, so that an older
// copy of store and log put back together is found (`rolled-back`).

import { createLogVerifier, type TrustedLog, type VerifiedCheckpoint } from '../audit/checkpoint.ts';
import { ownBytes, RonError } from '../errors.ts';
import { requireLogFile } from './audit-log-file.ts';
import { epochPaths } from './audit-paths.ts';
import { hashReader } from './audit-store.ts';
import { cachedTileReader, tileReader } from './audit-tiles.ts';
import type { StoreContext } from './store-deps.ts';
import { readRemembered, rememberCheckpoint } from './trust-memory.ts';

/** The newest epoch under the keys of audit/log.json, which the writer has compared with its sealed ones. */
export function ownLog(ctx: Pick<StoreContext, 'files'>, auditDir: string): TrustedLog & { readonly epoch: number } {
  const file = requireLogFile(ctx.files, auditDir);
  const { n, origin, keys } = file.epochs.at(-1)!;
  return { origin, keys, serviceKeys: file.serviceKeys, trust: 'local', epoch: n };
}

export function readOwnMemory(ctx: StoreContext, auditDir: string): VerifiedCheckpoint | null {
  const verifier = ownBytes(() => createLogVerifier(ownLog(ctx, auditDir), ctx.crypto));
  return readRemembered(ctx.files, ctx.paths.trustedLogs, verifier);
}

/** Remembers a note just signed. */
export async function rememberOwn(ctx: StoreContext, auditDir: string, note: Uint8Array): Promise<void> {
  const log = ownLog(ctx, auditDir);
  const answer = createLogVerifier(log, ctx.crypto).check(note);
  if (!answer.ok) throw new RonError('SelfCheckFailed', `the checkpoint just signed is refused: ${answer.message}`);
  const tiles = cachedTileReader(tileReader(ctx.files, epochPaths(auditDir, log.epoch)));
  const memory = { ...ctx, directory: ctx.paths.trustedLogs };
  await rememberCheckpoint(memory, log, answer.checkpoint, hashReader(tiles, answer.checkpoint.size));
}
