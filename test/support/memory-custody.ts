// A custody store in memory, for tests of the services above it: the rules of mutations, append and op_id without files.
// Records are built by the real record module, so a draft outside its schema fails here too.

import type { AuditDraft, AuditRecord } from '../../src/audit/draft.ts';
import { buildRecord } from '../../src/audit/record.ts';
import { toBase64Url } from '../../src/bytes/base64.ts';
import { toHex } from '../../src/bytes/hex.ts';
import { toTime } from '../../src/bytes/time.ts';
import { uuidV7 } from '../../src/bytes/uuid.ts';
import { hmacSha256 } from '../../src/crypto/hash.ts';
import type { Crypto } from '../../src/crypto/provider.ts';
import type { DualSigningKeys } from '../../src/envelope/dual-signature.ts';
import { fail, RonError } from '../../src/errors.ts';
import type { PublicView } from '../../src/keys/public-view.ts';
import type {
  CheckpointInfo,
  CommitPlace,
  CustodyStore,
  Mutation,
  SealedItem,
} from '../../src/storage/custody-port.ts';

export interface MemoryCustody extends CustodyStore {
  readonly records_: readonly AuditRecord[];
  readonly files: Map<string, Uint8Array>;
  nowMs: number;
}

const HASH = '0'.repeat(64);

export async function memoryCustody(
  crypto: Crypto,
  options: { readonly profile?: string; readonly governed?: boolean; readonly nowMs: number },
): Promise<MemoryCustody> {
  const sealed = new Map<string, { meta: SealedItem['meta']; secret: Uint8Array }>();
  const files = new Map<string, Uint8Array>();
  const log: AuditRecord[] = [];
  const counters = new Map<string, number>();
  const storeId = '0123456789abcdef0123456789abcdef';
  const keyOf = async (alg: 'ed25519' | 'ml-dsa') =>
    crypto.signature(alg).importSecret(await crypto.signature(alg).generate());
  const service: DualSigningKeys = { ed25519: await keyOf('ed25519'), mlDsa: await keyOf('ml-dsa') };
  let view: PublicView = {
    v: 1,
    store_id: storeId,
    ledger_id: null,
    generation: 1,
    keys: [],
    ledger: null,
    policy: null,
  };

  const place = (): CommitPlace => ({
    epoch: 0,
    seq: log.length,
    generation: view.generation + 1,
    ts: toTime(store.nowMs),
  });

  const append = (draft: AuditDraft): AuditRecord => {
    const seq = log.length;
    const base = draft.kid?.split('#')[0];
    const kidSeq = base === undefined ? undefined : (counters.get(base) ?? 0) + 1;
    if (base !== undefined && kidSeq !== undefined) counters.set(base, kidSeq);
    const governed = options.governed === true ? {} : { governed: false };
    const detail = { ...draft.detail, ...governed };
    const { record } = buildRecord(
      { ...draft, ...(Object.keys(detail).length === 0 ? {} : { detail }) },
      {
        seq,
        r: toBase64Url(globalThis.crypto.getRandomValues(new Uint8Array(16))),
        prev: HASH,
        ts: toTime(store.nowMs),
        mono: seq,
        boot: '00000000',
        op_id: draft.op_id ?? uuidV7(store.nowMs, globalThis.crypto.getRandomValues(new Uint8Array(16))),
        ...(kidSeq === undefined ? {} : { kid_seq: kidSeq }),
      },
    );
    log.push(record);
    return record;
  };

  const mutate = async (mutation: Mutation): Promise<AuditRecord> => {
    const at = place();
    const next = mutation.publicView?.(view, at) ?? view;
    const draft = typeof mutation.audit === 'function' ? mutation.audit(at) : mutation.audit;
    const heads = { generation: at.generation, manifest_sha256: HASH, public_sha256: HASH };
    const record = append({ ...draft, ...heads });
    for (const put of mutation.puts ?? []) sealed.set(put.id, { meta: put.meta, secret: put.secret.slice() });
    for (const id of mutation.drops ?? []) sealed.delete(id);
    for (const file of mutation.keyFiles ?? []) files.set(file.name, file.bytes);
    view = { ...next, generation: at.generation };
    return record;
  };

  const checkpoint = (): CheckpointInfo => ({
    origin: store.origin,
    size: log.length,
    root: HASH,
    note: new Uint8Array(0),
    signedAtMs: 0,
  });

  const store: MemoryCustody = {
    storeId,
    profile: options.profile ?? 'dev',
    origin: `ronctl.invalid/${storeId}/e0`,
    genesisDigest: null,
    verifyOnly: null,
    broken: null,
    nowMs: options.nowMs,
    files,
    records_: log,
    get view() {
      return view;
    },
    get logSize() {
      return log.length;
    },
    read: async (id) => {
      const item = sealed.get(id) ?? fail('NotFound', `no record ${id}`);
      return { meta: item.meta, secret: item.secret.slice() };
    },
    recordIds: () => [...sealed.keys()],
    keyFile: (name) => files.get(name) ?? null,
    writeKeyFiles: async (written) => {
      for (const file of written) files.set(file.name, file.bytes);
    },
    serviceKeys: async () => service,
    logVkeys: () => ({ ed25519: '', mlDsa44: '' }),
    requestDigest: async (request) => toHex(hmacSha256(new Uint8Array(32), request)),
    mutate,
    append: async (drafts) => drafts.map(append),
    appendLedger: () => fail('Ungoverned', 'the memory store has no ledger'),
    checkpoint: async () => checkpoint(),
    newestCheckpoint: checkpoint,
    record: (seq) => log[seq] ?? fail('NotFound', `no record ${seq}`),
    records: (fromSeq) => log.slice(fromSeq),
    findOperation: (opId, _from, accept = () => true) =>
      log.findLast((one) => one.op_id === opId && accept(one)) ?? null,
    ledgerLines: () => [],
    ledgerState: () => null,
    originOf: () => store.origin,
    openEpoch: () => Promise.reject(new RonError('Conflict', 'this store was not restored')),
    stagedKeys: () => Promise.resolve(null),
    stageKeys: () => Promise.reject(new RonError('Conflict', 'this store was not restored')),
    close: async () => {},
  };
  sealed.set('cap-root/1', {
    meta: { v: 1, n: 1, created_at: toTime(options.nowMs) },
    secret: globalThis.crypto.getRandomValues(new Uint8Array(32)),
  });
  append({
    op: 'init',
    actor: 'system',
    result: 'ok',
    detail: { profile: store.profile, version: '0.1.0' },
    generation: 1,
    manifest_sha256: HASH,
    public_sha256: HASH,
  });
  return store;
}
