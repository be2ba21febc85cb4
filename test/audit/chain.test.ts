// Stretches of records are judged apart and joined (log page 4.8): what a `state` record names are the counters before it,
// never those of records behind it.

import { expect, it } from 'vitest';
import { RecordChain } from '../../src/audit/chain.ts';
import type { ChainRecord } from '../../src/audit/chain-record.ts';

const COUNTERS = `sha256:${'0'.repeat(64)}`;

function record(seq: number, more: Partial<ChainRecord>): ChainRecord {
  return {
    seq,
    ts: '2026-11-20T08:00:00.000Z',
    mono: seq,
    boot: '00000000',
    op: 'sign',
    ok: true,
    kid: undefined,
    kidSeq: 0,
    generation: undefined,
    detail: undefined,
    ...more,
  };
}

const state = (seq: number): ChainRecord => record(seq, { op: 'state', detail: { counters: COUNTERS } });

function stretch(
  complete: boolean,
  from: number,
  records: readonly (readonly [string, number] | 'state')[],
): RecordChain {
  const chain = new RecordChain(complete, ({ message }) => expect.unreachable(message));
  records.forEach((one, index) => {
    const seq = from + index;
    chain.next(one === 'state' ? state(seq) : record(seq, { kid: one[0], kidSeq: one[1] }), seq);
  });
  return chain;
}

it('a key made behind a state record is not among its counters', () => {
  const all = new RecordChain(true, ({ message }) => expect.unreachable(message));
  all.join(stretch(true, 0, [['a', 1], 'state']).ends());
  all.join(stretch(false, 2, [['a', 2], ['b', 1], 'state', ['a', 3], ['c', 1]]).ends());
  expect(all.state!.seq).toBe(4);
  expect(new Map(all.state!.kids)).toEqual(
    new Map([
      ['a', 2],
      ['b', 1],
    ]),
  );
});

it('the first stretch knows every key from the start', () => {
  const all = new RecordChain(true, ({ message }) => expect.unreachable(message));
  all.join(stretch(true, 0, [['a', 1], 'state', ['a', 2], ['b', 1]]).ends());
  expect(new Map(all.state!.kids)).toEqual(new Map([['a', 1]]));
});
