// What a running server tells of its ledger: each status of a proposal once, whoever appended the lines; nothing of what stood
// there at its start; and the end of a proposal that only time brings.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uuidV7 } from '../../src/bytes/uuid.ts';
import { fail } from '../../src/errors.ts';
import type { EffectivePolicyAnswer } from '../../src/kms/admin-ports.ts';
import { createLedgerWatch, type LedgerWatch } from '../../src/kms/ledger-watch.ts';
import { createMetrics, type Metrics } from '../../src/kms/metrics.ts';
import type { Call } from '../../src/kms/ports.ts';
import { governanceService } from '../../src/kms/service/governance-port.ts';
import { readGovernance } from '../../src/kms/service/governance-reader.ts';
import type { Telemetry } from '../../src/kms/telemetry.ts';
import { storeContext } from '../../src/storage/store-deps.ts';
import { DAY, GovernedStore, HOUR, MIN } from '../support/governed-store.ts';

let store: GovernedStore;
let metrics: Metrics;
let events: { topic: string; data: Readonly<Record<string, unknown>> }[];
let watch: LedgerWatch;
/** Tenants whose policy was asked for since the last look. */
let asked: (string | null)[];

const EFFECTIVE: Omit<EffectivePolicyAnswer, 'scope'> = {
  governed: true,
  phase: 2,
  verify_mode: 'and',
  produce_hybrid: true,
  rollout_percent: 100,
  base_phase: 2,
  values: {},
  ledger_seq: 1,
  trust: 'authenticated',
};

const status = (name: string): number => metrics.value('kms_governance_proposals_total', { status: name });
const topics = (): string[] => events.map(({ topic }) => topic);

beforeAll(async () => {
  store = await GovernedStore.create();
  await store.carryOut({ changes: ['caps.max_ttl_s=600'] });
  metrics = createMetrics();
  events = [];
  const telemetry: Pick<Telemetry, 'count' | 'publish'> = {
    count: metrics.count,
    publish: (topic, data) => {
      events.push({ topic, data });
    },
  };
  const reading = async () => readGovernance(await storeContext(store.storeDeps()));
  const never = (): never => fail('Internal', 'a watch only reads');
  const governance = governanceService(
    { keysElsewhere: false, act: never, checkpoint: never },
    { context: () => storeContext(store.storeDeps()), reading },
  );
  let seq: number | null = null;
  const call = (): Call => {
    const id = uuidV7(store.clock.now(), globalThis.crypto.getRandomValues(new Uint8Array(16)));
    return { caller: { kind: 'system' }, opId: id, corrId: id, signal: new AbortController().signal };
  };
  const inner = createLedgerWatch({
    governance,
    policy: {
      effective: async ({ tenant }) => {
        asked.push(tenant);
        return { ...EFFECTIVE, scope: tenant ?? 'global' };
      },
    },
    telemetry,
    state: () => ({ ledgerSeq: seq }),
    call,
    monotonicMs: () => store.clock.monotonicMs(),
  });
  watch = {
    catchUp: async () => {
      seq = (await reading()).state?.seq ?? null;
      events.length = 0;
      asked = [];
      await inner.catchUp();
    },
  };
});

afterAll(() => store.remove());

describe('the watch', () => {
  test('tells nothing of what stood in the ledger at the start', async () => {
    await watch.catchUp();
    expect(events).toEqual([]);
    expect(status('executed')).toBe(0);
  });

  test('tells a proposal, its votes and its quorum, and later its execution, each once', async () => {
    const proposed = await store.propose({ changes: ['caps.max_ttl_s=700'] });
    await store.ingest();
    await watch.catchUp();
    expect(events).toMatchObject([
      { topic: 'governance.proposed', data: { proposal_id: proposed.id, scope: 'global', status: 'pending' } },
    ]);
    await store.vote('approve', 'alice', proposed);
    await store.vote('approve', 'bob', proposed);
    await store.ingest();
    await watch.catchUp();
    expect(topics()).toEqual(['governance.statement', 'governance.statement', 'governance.approved']);
    await store.execute(proposed);
    await watch.catchUp();
    expect(topics()).toEqual(['governance.executed', 'kms.policy.hint']);
    const hint = { proposal_id: proposed.id, scope: 'global', pq_mode: 'and', rollout_percent: 100 };
    expect(events[1]!.data).toEqual(hint);
    expect(asked).toEqual([null]);
    await watch.catchUp();
    expect(events).toEqual([]);
    expect(['pending', 'approved', 'executed', 'failed'].map(status)).toEqual([1, 1, 1, 0]);
    expect(metrics.value('kms_governance_statements_total', { purpose: 'approve' })).toBe(2);
  });

  test('a proposal that came, was approved and executed between two looks passed every step', async () => {
    await store.carryOut({ changes: ['caps.max_ttl_s=750'] });
    await watch.catchUp();
    expect(topics().filter((topic) => topic !== 'governance.statement')).toEqual([
      'governance.proposed',
      'governance.approved',
      'governance.executed',
      'kms.policy.hint',
    ]);
    expect(['pending', 'approved', 'executed'].map(status)).toEqual([2, 2, 2]);
  });

  test('a withdrawal closes', async () => {
    const proposed = await store.propose({ changes: ['caps.max_ttl_s=800'] });
    await store.vote('withdraw', 'alice', proposed);
    await store.ingest();
    await watch.catchUp();
    expect(events.at(-1)).toMatchObject({ topic: 'governance.closed', data: { status: 'withdrawn' } });
    expect(status('withdrawn')).toBe(1);
  });

  test('what runs out of time is told although no line says so, within a minute', async () => {
    await store.propose({ changes: ['caps.max_ttl_s=810'], lifeMs: DAY });
    await store.ingest();
    await watch.catchUp();
    store.clock.pass(2 * DAY + HOUR);
    await watch.catchUp();
    expect(topics()).toEqual(['governance.closed']);
    store.clock.pass(MIN);
    await watch.catchUp();
    expect(events).toEqual([]);
    expect(status('rejected') + status('expired')).toBe(1);
  });
});
