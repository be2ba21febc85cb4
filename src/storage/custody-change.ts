// What a mutation of the custody store will write (store page 4, 5): the next public.json, the records that are sealed, the
// manifest. Prepares bytes only; the order in which they become the state is custody-store.ts.

import { toHex } from '../bytes/hex.ts';
import { sha256Hex } from '../crypto/hash.ts';
import { RonError } from '../errors.ts';
import type { PublicView } from '../keys/public-view.ts';
import { LIMITS } from '../limits.ts';
import { CUSTODY_KDF, type KdfCost } from '../sealed/kdf-parameters.ts';
import type { LogHead, Manifest } from '../sealed/manifest.ts';
import { recordHash } from '../sealed/record-id.ts';
import type { AuditAppender } from './audit-appender.ts';
import type { CommitPlace, Mutation } from './custody-port.ts';
import { recordIds, recordTypeOf } from './custody-records.ts';
import type { CustodyPaths, CustodyState } from './custody-state.ts';
import { encodePublicView } from './public-view.ts';
import { type PreparedChange, prepareChange, type RecordPut, readSealed } from './sealed-store.ts';
import type { StoreContext } from './store-deps.ts';

export interface PublicChange {
  readonly view: PublicView;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

export function publicChange(view: PublicView): PublicChange {
  const bytes = encodePublicView(view);
  if (bytes.length > LIMITS.stateFileBytes) {
    throw new RonError(
      'LimitReached',
      `public.json would have ${bytes.length} bytes; at most ${LIMITS.stateFileBytes} are read`,
    );
  }
  return { view, bytes, sha256: sha256Hex(bytes) };
}

/** public.json after a mutation; `generation`, ids and the ledger head are the store's to say. */
export function nextPublic(mutation: Mutation, place: CommitPlace, view: PublicView): PublicChange {
  const ledger =
    mutation.ledger === undefined
      ? view.ledger
      : { ...mutation.ledger.head, state_sha256: sha256Hex(mutation.ledger.state) };
  const current: PublicView = {
    ...view,
    generation: place.generation,
    ledger_id: mutation.adopt?.ledgerId ?? view.ledger_id,
    ledger,
  };
  const next = mutation.publicView === undefined ? current : mutation.publicView(current, place);
  return publicChange({ ...next, v: 1, store_id: view.store_id, generation: place.generation, ledger });
}

/** The log as it stands before the committing record. */
export function logHead(appender: AuditAppender): LogHead {
  return { origin: appender.origin, size: appender.size, root: toHex(appender.root) };
}

/** Cost of the root record after a mutation: a new passphrase takes the current default, everything else keeps it. */
export function rootCost(state: CustodyState, mutation: Mutation): KdfCost {
  return mutation.passphrase === undefined ? state.kdf : (state.freshKdf ?? CUSTODY_KDF);
}

export interface MutationInput {
  readonly mutation: Mutation;
  readonly place: CommitPlace;
  /** A new one for `rotateRoot`, else the one in force. */
  readonly rootKey: Uint8Array;
  readonly view: PublicView;
  readonly audit: LogHead;
}

export async function prepareMutation(
  ctx: StoreContext,
  paths: CustodyPaths,
  state: CustodyState,
  { mutation, place, rootKey, view, audit }: MutationInput,
): Promise<PreparedChange> {
  const genesisDigest = mutation.adopt?.genesisDigest ?? state.genesisDigest;
  const kept = new Map(state.manifest.records);
  for (const id of [...(mutation.drops ?? []), ...(mutation.puts ?? []).map((put) => put.id)]) {
    kept.delete(recordHash(id));
  }
  const puts: RecordPut[] = [...(mutation.puts ?? [])];
  if (mutation.rotateRoot === true) puts.push(...resealed(ctx, paths, state, kept));
  const newRoot = mutation.rotateRoot === true || mutation.adopt !== undefined || mutation.passphrase !== undefined;
  const root = {
    passphrase: mutation.passphrase ?? state.passphrase,
    cost: rootCost(state, mutation),
    genesisDigest,
  };
  return prepareChange(ctx, paths, {
    storeId: state.storeId,
    generation: place.generation,
    rootKey,
    kept,
    puts,
    ...(newRoot ? { root } : {}),
    heads: {
      genesisDigest,
      ledger: view.ledger === null ? null : { seq: view.ledger.seq, hash: view.ledger.hash },
      policy: view.policy,
      audit,
    },
  });
}

/** Every kept record with its content, to be sealed under a new root key; they leave `kept`. */
function resealed(
  ctx: StoreContext,
  paths: CustodyPaths,
  { rootKey, manifest }: CustodyState,
  kept: Map<string, unknown>,
): RecordPut[] {
  const ids = recordIds(ctx.files, paths, manifest).filter((id) => kept.delete(recordHash(id)));
  return ids.map((id) => {
    const type = recordTypeOf(id);
    const { meta, secret } = readSealed(ctx, paths, { rootKey, manifest }, id, type);
    return { id, type, meta, secret };
  });
}

/** Record files of the manifest before that the one after does not name. */
export function supersededFiles(paths: CustodyPaths, before: Manifest, after: Manifest): string[] {
  return [...before.records]
    .filter(([hash, ref]) => hash !== recordHash('root') && after.records.get(hash)?.generation !== ref.generation)
    .map(([hash, ref]) => `${paths.records}/${hash}.${ref.generation}.ronk`);
}
