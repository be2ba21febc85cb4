// The parts of a server by themselves: repetitions of sign and wrap (I-28), recorded outcomes, cached verdicts (C-73),
// the table of operations, room for the log (R-30, I-44), bounded waits (C-03), checkpoints (log page 4.6).

import { describe, expect, it } from 'vitest';
import type { AuditDraft, AuditRecord } from '../../src/audit/draft.ts';
import { sha256Hex } from '../../src/crypto/hash.ts';
import { RonError } from '../../src/errors.ts';
import type { VerifyResult } from '../../src/kms/ports.ts';
import { Checkpointer } from '../../src/kms/service/checkpointer.ts';
import { Deadlines } from '../../src/kms/service/deadlines.ts';
import { Once } from '../../src/kms/service/once.ts';
import { Outcomes } from '../../src/kms/service/outcomes.ts';
import { RecentOperations } from '../../src/kms/service/recent-operations.ts';
import { Space } from '../../src/kms/service/space.ts';
import { VerifyCache } from '../../src/kms/service/verify-cache.ts';
import { SILENT } from '../../src/kms/telemetry.ts';
import type { CheckpointInfo } from '../../src/storage/custody-port.ts';
import { B3, call, LOCAL } from '../contract/kms-subject.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { NOW, told } from '../support/serving.ts';

const MIB = 1024 * 1024;

describe('one op_id', () => {
  const asked = (opId: string, body: string, tenant = 'acme') => ({
    call: call(LOCAL, { opId, repeatable: true }),
    route: 'sign' as const,
    tenant,
    body: { body },
  });
  const ID = '0190a5a0-0000-7000-8000-00000000000a';

  it('is shared while it runs, remembered for 60 s, and runs again as a repetition', async () => {
    const clock = new ManualClock(NOW);
    const once = new Once(clock);
    const repeats: boolean[] = [];
    const work = async (repeat: boolean): Promise<number> => {
      repeats.push(repeat);
      await settle(1);
      return repeats.length;
    };
    expect(await Promise.all([once.run(asked(ID, 'a'), work), once.run(asked(ID, 'a'), work)])).toEqual([1, 1]);
    await clock.pass(59_000, 59_000);
    expect(await once.run(asked(ID, 'a'), work)).toBe(1);
    await expect(once.run(asked(ID, 'b'), work)).rejects.toMatchObject({ code: 'Conflict', field: 'op_id' });
    expect(await once.run(asked(ID, 'b', 'other'), work)).toBe(2);
    await clock.pass(1001, 1001);
    expect(await once.run(asked(ID, 'b'), work)).toBe(3);
    expect(repeats).toEqual([false, false, true]);
  });

  it('a failure is not remembered; ids made by the server never repeat', async () => {
    const once = new Once(new ManualClock(NOW));
    await expect(once.run(asked(ID, 'a'), () => Promise.reject(new RonError('Busy', 'full')))).rejects.toMatchObject({
      code: 'Busy',
    });
    expect(await once.run(asked(ID, 'b'), async () => 7)).toBe(7);
    const own = { ...asked(ID, 'c'), call: call(LOCAL, { opId: ID }) };
    expect([await once.run(own, async () => 8), await once.run(own, async () => 9)]).toEqual([8, 9]);
  });

  it('secrets are copied for each caller and wiped when they are forgotten', async () => {
    const clock = new ManualClock(NOW);
    const once = new Once(clock);
    const secret = Uint8Array.of(1, 2, 3);
    const request = {
      ...asked(ID, 'a'),
      copy: (one: Uint8Array) => one.slice(),
      wipe: (one: Uint8Array) => {
        one.fill(0);
      },
    };
    const first = await once.run(request, async () => secret);
    first.fill(9);
    expect(await once.run(request, async () => secret)).toEqual(Uint8Array.of(1, 2, 3));
    once.clear();
    await settle(1);
    expect(secret).toEqual(Uint8Array.of(0, 0, 0));
  });

  it('4,096 results are kept at most', async () => {
    const once = new Once(new ManualClock(NOW));
    for (let n = 0; n < 4200; n++) {
      const id = `0190a5a0-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
      await once.run(asked(id, 'a'), async () => n);
    }
    expect(once.size).toBe(4096);
  });
});

describe('outcomes', () => {
  const written: AuditDraft[] = [];
  const store = {
    append: async (drafts: readonly AuditDraft[]): Promise<readonly AuditRecord[]> => {
      written.push(...drafts);
      return [];
    },
  };
  const broken = { append: () => Promise.reject(new RonError('StoreUnavailable', 'away')) };
  const other = `${'0'.repeat(63)}1`;
  const of = { tenant: 'acme', kid: 'acme/r/ed25519/x#v1', purpose: 'r', result: 'ok' } as const;

  it('one record for a second, with the sorted inputs, after the second is over', async () => {
    written.length = 0;
    const clock = new ManualClock(NOW);
    const outcomes = new Outcomes(clock);
    outcomes.verified({ ...of, payloadB3: B3 });
    outcomes.verified({ ...of, payloadB3: other });
    outcomes.verified({ ...of, payloadB3: B3 });
    outcomes.verified({ ...of, result: 'PqPolicy', payloadB3: B3 });
    outcomes.refused({ tenant: 'acme', of: 'sign', result: 'Retired' });
    outcomes.refused({ tenant: 'acme', of: 'sign', result: 'Retired' });
    await outcomes.flush(store);
    expect(written).toEqual([]);
    clock.nowMs += 1000;
    await outcomes.flush(store);
    const hex = [other, B3, B3].join('');
    expect(written).toEqual([
      {
        op: 'verify',
        actor: 'system',
        tenant: 'acme',
        result: 'ok',
        kid: of.kid,
        purpose: 'r',
        detail: { count: 3, second: NOW / 1000, inputs_sha256: sha256Hex(Buffer.from(hex, 'hex')) },
      },
      expect.objectContaining({ op: 'verify', result: 'PqPolicy' }),
      {
        op: 'reject',
        actor: 'system',
        tenant: 'acme',
        result: 'Retired',
        detail: { op: 'sign', count: 2, second: NOW / 1000 },
      },
    ]);
    expect(outcomes.waiting).toBe(0);
  });

  it('waits while the log is away, is bounded, and declares what did not fit', async () => {
    written.length = 0;
    const clock = new ManualClock(NOW);
    const outcomes = new Outcomes(clock);
    for (let n = 0; n < 65_540; n++) outcomes.verified({ ...of, kid: `acme/r/ed25519/${n}#v1`, payloadB3: B3 });
    expect([outcomes.waiting, outcomes.dropped]).toEqual([65_536, 4]);
    await expect(outcomes.flush(broken, true)).rejects.toMatchObject({ code: 'StoreUnavailable' });
    expect(outcomes.waiting).toBe(65_536);
    await outcomes.flush(store, true);
    expect(written[0]).toMatchObject({ op: 'gap', detail: { kind: 'verify-spool', count: 4 } });
    expect(written).toHaveLength(65_537);
    expect([outcomes.waiting, outcomes.dropped]).toEqual([0, 0]);
  });
});

describe('verdicts', () => {
  const bundle = { kid: 'k#v1', payload_b3: B3, sigs: [] } as never;
  const asked = {
    kid: 'k#v1',
    bundle,
    payloadB3: B3,
    mode: 'or',
    policySeq: 3,
    state: 'active',
    trust: 'authenticated',
  };
  const accepted: VerifyResult = {
    kid: 'k#v1',
    signatures: [],
    accepted: true,
    state: 'authenticated',
    required_mode: 'or',
    satisfied_mode: 'or',
    audited: false,
    trust: 'authenticated',
    refusal: null,
  };

  it.each([
    ['mode', { mode: 'and' }],
    ['policy seq', { policySeq: 4 }],
    ['state of the key', { state: 'compromised 3' }],
    ['payload', { payloadB3: '0'.repeat(64) }],
    ['trust', { trust: 'not-authenticated' }],
  ])('another %s is another question', async (_name, change) => {
    const cache = new VerifyCache(new ManualClock(NOW), SILENT, { maxEntries: 10, ttlMs: 1000 });
    let judged = 0;
    const judge = async (): Promise<VerifyResult> => {
      judged++;
      return accepted;
    };
    await cache.answer(asked, 0, judge);
    expect((await cache.answer(asked, 0, judge)).cache_age_ms).toBe(0);
    await cache.answer({ ...asked, ...change }, 0, judge);
    expect(judged).toBe(2);
  });

  it('is judged again beyond the soft limit, keeps no result that ends by time, and no more than it may', async () => {
    const clock = new ManualClock(NOW);
    const cache = new VerifyCache(clock, SILENT, { maxEntries: 2, ttlMs: 1000 });
    let judged = 0;
    const judge = async (): Promise<VerifyResult> => {
      judged++;
      return accepted;
    };
    await cache.answer(asked, 0, judge);
    clock.sinceBootMs += 1000;
    expect((await cache.answer(asked, 0, judge)).cache_age_ms).toBe(1000);
    clock.sinceBootMs += 1;
    expect((await cache.answer(asked, 0, judge)).cache_age_ms).toBeUndefined();
    expect(judged).toBe(2);
    await cache.answer({ ...asked, mode: 'and' }, 0, async () => ({ ...accepted, legacy: 'proven' }));
    expect(cache.size).toBe(1);
    for (const mode of ['a', 'b', 'c']) await cache.answer({ ...asked, mode }, 0, judge);
    expect(cache.size).toBe(2);
  });

  it('tells its age in whole milliseconds: the real clock has fractions, the wire has none', async () => {
    const clock = new ManualClock(NOW);
    const cache = new VerifyCache(clock, SILENT, { maxEntries: 2, ttlMs: 1000 });
    const judge = async (): Promise<VerifyResult> => accepted;
    await cache.answer(asked, 0, judge);
    clock.sinceBootMs += 12.161808999997447;
    expect((await cache.answer(asked, 0, judge)).cache_age_ms).toBe(13);
    expect((await cache.answer(asked, 0.25, judge)).cache_age_ms).toBe(1);
    expect((await cache.answer({ ...asked, mode: 'and' }, 999.5, judge)).cache_age_ms).toBe(1000);
  });
});

describe('operations of the last day', () => {
  const record = (seq: number, atMs: number, more: Partial<AuditRecord> = {}): AuditRecord =>
    ({
      seq,
      ts: new Date(atMs).toISOString(),
      op: 'create',
      op_id: `id-${seq}`,
      req: 'x',
      tenant: 'acme',
      ...more,
    }) as AuditRecord;
  const HOUR = 3_600_000;

  it('come from the records, newest first, and are forgotten after 24 hours', () => {
    const log = [-30, -25, -23, -1].map((hour, seq) => record(seq, NOW + hour * HOUR));
    const source = { logSize: 4, record: (seq: number) => log[seq]!, records: (from: number) => log.slice(from) };
    const recent = RecentOperations.read(source, NOW);
    expect([0, 1, 2, 3].map((seq) => recent.seqsOf(`id-${seq}`))).toEqual([[], [], [2], [3]]);
    recent.add(record(9, NOW, { op_id: 'id-3' }));
    recent.add(record(10, NOW, { op_id: 'plain', req: undefined } as never));
    expect(recent.seqsOf('id-3')).toEqual([9, 3]);
    expect(recent.seqsOf('plain')).toEqual([]);
    recent.forget(NOW + 2 * HOUR);
    expect(recent.seqsOf('id-2')).toEqual([]);
    expect(recent.size).toBe(2);
  });

  it('are shared among tenants: nobody pushes out another one', () => {
    const recent = new RecentOperations();
    for (let seq = 0; seq < 50_000; seq++) recent.add(record(seq, NOW, { tenant: 'busy' }));
    recent.demandRoom('busy');
    recent.add(record(50_000, NOW, { tenant: 'quiet' }));
    expect(() => recent.demandRoom('busy')).toThrow(/share of one tenant/);
    recent.demandRoom('quiet');
    recent.demandRoom(null);
  });
});

describe('room', () => {
  const sign = { op: 'sign', tenant: 'acme', kid: 'k' } as const;
  const space = (freeBytes: number, tenantBytesPerS: number, clock = new ManualClock(NOW)) => {
    const files = { fileSystem: () => ({ type: 'ext4', freeBytes, totalBytes: 1000 * MIB }) } as never;
    return new Space(files, '/', clock, { reserveBytes: 256 * MIB, lastBytes: 64 * MIB, tenantBytesPerS });
  };

  it('below the reserve only authority changes, below 64 MiB nothing', () => {
    space(300 * MIB, 0).admit([sign]);
    expect(() => space(255 * MIB, 0).admit([sign])).toThrow(/only authority changes/);
    space(255 * MIB, 0).admit([{ op: 'revoke' }, { op: 'governance.execute' }, { op: 'ledger.append' }]);
    expect(() => space(63 * MIB, 0).admit([{ op: 'revoke' }])).toThrow(/full/);
  });

  it('below the reserve a server still starts: its own capability is an act of the system, one for others is not', () => {
    space(255 * MIB, 0).admit([{ op: 'mint', actor: 'system' }]);
    for (const draft of [
      { op: 'mint', actor: 'local:0:root' },
      { ...sign, actor: 'system' },
    ] as const) {
      expect(() => space(255 * MIB, 0).admit([draft])).toThrow(/only authority changes/);
    }
  });

  it('a tenant has its bytes a second with a burst of a minute, and a tenth of the volume a day', () => {
    const clock = new ManualClock(NOW);
    const one = space(900 * MIB, 100, clock);
    const full = (): void => one.admit([sign]);
    for (let n = 0; n < 13; n++) full();
    expect(full).toThrow(/per second/);
    one.admit([{ ...sign, tenant: 'other' }]);
    clock.sinceBootMs += 5000;
    full();
    expect(full).toThrow(/per second/);
    const daily = space(300 * MIB, 0, clock);
    const some = Array.from({ length: 1000 }, () => sign);
    expect(() => {
      for (let n = 0; n < 100; n++) daily.admit(some);
    }).toThrow(/today/);
    clock.nowMs += 86_400_000;
    daily.admit(some);
  });
});

describe('bounded waits', () => {
  it('give up after their time, not because the process stood still', async () => {
    const clock = new ManualClock(NOW);
    const deadlines = new Deadlines(clock);
    const late = (): RonError => new RonError('StoreUnavailable', 'late');
    const waiting = deadlines.within(new Promise(() => undefined), 200, late);
    const refused = expect(waiting).rejects.toMatchObject({ message: 'late' });
    await clock.pass(1000, 1000);
    await clock.pass(150, 25);
    await clock.pass(200, 25);
    await refused;
    expect(await deadlines.within(Promise.resolve(3), 200, late)).toBe(3);
  });
});

describe('checkpoints', () => {
  const info = { size: 1, root: '00' } as CheckpointInfo;

  it('those of 200 ms are shared, one runs at a time, a late one makes the log not ready until the next', async () => {
    const clock = new ManualClock(NOW);
    const heard = told();
    const { telemetry } = heard;
    const finish: (() => void)[] = [];
    const sign = (): Promise<CheckpointInfo> => new Promise((resolve) => finish.push(() => resolve(info)));
    const one = new Checkpointer(
      { clock, telemetry, intervalOps: 3, intervalMs: 60_000, deadlineMs: 1000, sign },
      null,
    );
    const all = [one.now(), one.now()];
    await settle(2);
    expect(finish).toHaveLength(1);
    // Nothing is durable that the one being signed does not cover; after the next record there is.
    const shared = one.now();
    one.grown(1);
    all.push(shared, one.now());
    expect(all[3]).not.toBe(shared);
    one.soon();
    await clock.pass(1100);
    finish[0]!();
    await settle(2);
    expect(await Promise.race([shared.then(() => 'done'), settle(5).then(() => 'waits')])).toBe('done');
    expect(one.state.ok).toBe(false);
    expect(heard.count('kms_audit_integrity_failed_total')).toBe(1);
    expect(finish).toHaveLength(2);
    finish[1]!();
    await Promise.all(all);
    expect(one.state).toEqual({ atMs: clock.now(), ok: true });
    one.grown(2);
    expect(one.due).toBe(false);
    one.grown(1);
    await settle(2);
    expect(finish).toHaveLength(2);
    clock.sinceBootMs += 1000;
    one.grown(1);
    await settle(2);
    expect(finish).toHaveLength(3);
    finish[2]!();
    await one.idle();
    clock.sinceBootMs += 60_000;
    expect(one.due).toBe(true);
  });

  it('a failure is told and does not stop the next', async () => {
    const clock = new ManualClock(NOW);
    const { telemetry, events } = told();
    let fails = true;
    const sign = (): Promise<CheckpointInfo> =>
      fails ? Promise.reject(new RonError('StorageFault', 'EIO')) : Promise.resolve(info);
    const one = new Checkpointer(
      { clock, telemetry, intervalOps: 3, intervalMs: 60_000, deadlineMs: 1000, sign },
      null,
    );
    await expect(one.now()).rejects.toMatchObject({ code: 'StorageFault' });
    expect(one.state).toEqual({ atMs: null, ok: false });
    fails = false;
    one.end();
    await one.now();
    expect(one.state.ok).toBe(true);
    expect(events.map((event) => event.data['ok'])).toEqual([false, true]);
  });
});
