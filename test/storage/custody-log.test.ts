import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../src/cli/node-host.ts';
import { LIMITS } from '../../src/limits.ts';
import { epochPaths } from '../../src/storage/audit-paths.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { findOperation } from '../../src/storage/custody-log.ts';
import { createKey, INIT, signDraft } from '../support/custody.ts';
import { storeDeps, temporaryHome } from '../support/store.ts';

const uuid = (n: number): string => `0190a5a0-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

describe('finding an operation in the log', () => {
  it('finds every one, the newest of two, and none that is not there, over more than one chunk', async () => {
    const home = temporaryHome();
    const store = await initCustody(storeDeps(home), INIT);
    await store.mutate(createKey());
    const count = 3000;
    for (let from = 0; from < count; from += LIMITS.auditBatchRecords) {
      const drafts = Array.from({ length: Math.min(LIMITS.auditBatchRecords, count - from) }, (_, index) => ({
        ...signDraft,
        op_id: uuid(from + index),
      }));
      await store.append(drafts);
    }
    const first = store.findOperation(uuid(0))!;
    for (let n = 0; n < count; n += 97) expect(store.findOperation(uuid(n))?.seq).toBe(first.seq + n);
    const [again] = await store.append([{ ...signDraft, op_id: uuid(5) }]);
    expect(store.findOperation(uuid(5))?.seq).toBe(again?.seq);
    expect(store.findOperation(uuid(6), first.seq + 7)).toBeNull();
    expect(store.findOperation(uuid(count + 1))).toBeNull();
    // Beyond the size that a reader was given, a record does not count.
    const paths = epochPaths(`${home}/audit`, 0);
    const { files } = nodeHost();
    expect(findOperation(files, paths, again!.seq, uuid(5), 0)?.seq).toBe(first.seq + 5);
    await store.close();
  });

  it('passes over an id that only stands in a detail', async () => {
    const home = temporaryHome();
    const store = await initCustody(storeDeps(home), INIT);
    const [real] = await store.append([
      { op: 'stop', op_id: uuid(1), actor: 'system', result: 'ok', detail: { reason: 'x' } },
    ]);
    const reqs = [{ op_id: uuid(1), req: '00'.repeat(32), seq: 0 }];
    const detail = { ledger_id: 'gl-x', seq: 0, hash: `sha256:${'00'.repeat(32)}`, reqs };
    await store.append([
      { op: 'ledger.append', actor: 'system', result: 'ok', detail, public_sha256: '00'.repeat(32) },
    ]);
    expect(store.findOperation(uuid(1))?.seq).toBe(real?.seq);
    await store.close();
  });
});
