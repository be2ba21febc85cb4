// The ring behind `tail`: order, topics, since, the lagged marker, live reading and its end.

import { describe, expect, test } from 'vitest';
import type { ServiceEvent } from '../../src/kms/admin-ports.ts';
import { createEventRing, EVENT_READERS, EVENT_RING_SIZE } from '../../src/kms/event-ring.ts';
import { EVENT_TOPICS, topicFits } from '../../src/kms-api/events.ts';
import { refusal } from '../support/refusal.ts';

function ringAt(size?: number) {
  const clock = { now: 1000 };
  const lags: number[] = [];
  const ring = createEventRing({
    nowMs: () => clock.now,
    onLag: (missed) => lags.push(missed),
    ...(size === undefined ? {} : { size }),
  });
  return { clock, lags, ring };
}

async function take(from: AsyncIterable<ServiceEvent>, count: number): Promise<ServiceEvent[]> {
  const out: ServiceEvent[] = [];
  if (count === 0) return out;
  for await (const event of from) {
    out.push(event);
    if (out.length === count) break;
  }
  return out;
}

const live = new AbortController().signal;
const all = { topic: null, sinceMs: 0, signal: live };

describe('reading', () => {
  test('a prefix is whole words', () => {
    expect(topicFits('kms.audit.checkpoint', 'kms')).toBe(true);
    expect(topicFits('kms.audit.checkpoint', 'kms.audit')).toBe(true);
    expect(topicFits('kms.audit.checkpoint', 'kms.aud')).toBe(false);
    expect(topicFits('governance.executed', 'kms')).toBe(false);
    expect(topicFits('governance.executed', null)).toBe(true);
  });

  test('events come in order with number, time and topic', async () => {
    const { clock, ring } = ringAt();
    ring.publish('kms.ready', { ready: true });
    clock.now = 2000;
    ring.publish('governance.executed', { proposal_id: 'p-1' });
    expect(await take(ring.read(all), 2)).toEqual([
      { seq: 1, ts: '1970-01-01T00:00:01.000Z', topic: 'kms.ready', data: { ready: true } },
      { seq: 2, ts: '1970-01-01T00:00:02.000Z', topic: 'governance.executed', data: { proposal_id: 'p-1' } },
    ]);
  });

  test('since takes the first event at or after the time, null only what comes', async () => {
    const { clock, ring } = ringAt();
    for (const at of [1000, 2000, 3000]) {
      clock.now = at;
      ring.publish('kms.health', { at });
    }
    expect((await take(ring.read({ ...all, sinceMs: 2000 }), 2)).map(({ seq }) => seq)).toEqual([2, 3]);
    const later = take(ring.read({ ...all, sinceMs: null }), 1);
    await Promise.resolve();
    ring.publish('kms.health', { at: 4 });
    expect((await later).map(({ seq }) => seq)).toEqual([4]);
  });

  test('a topic leaves out the others, live too', async () => {
    const { ring } = ringAt();
    ring.publish('kms.ready', {});
    const two = take(ring.read({ ...all, topic: 'governance' }), 2);
    ring.publish('governance.proposed', {});
    await Promise.resolve();
    ring.publish('kms.health', {});
    ring.publish('governance.approved', {});
    expect((await two).map(({ topic }) => topic)).toEqual(['governance.proposed', 'governance.approved']);
  });

  test('the signal ends a reader that waits, and its place is free again', async () => {
    const { ring } = ringAt();
    const stop = new AbortController();
    const done = take(ring.read({ ...all, signal: stop.signal }), 99);
    await Promise.resolve();
    expect(ring.readers()).toBe(1);
    stop.abort();
    expect(await done).toEqual([]);
    expect(ring.readers()).toBe(0);
  });
});

describe('a slow reader', () => {
  test('is told how many it missed, and goes on with the oldest that is left', async () => {
    const { ring, lags } = ringAt(4);
    ring.publish('kms.health', { n: 1 });
    const stream = ring.read(all)[Symbol.asyncIterator]();
    expect((await stream.next()).value.seq).toBe(1);
    for (let n = 2; n <= 10; n += 1) ring.publish('kms.health', { n });
    const rest: ServiceEvent[] = [];
    for (let i = 0; i < 5; i += 1) rest.push((await stream.next()).value);
    expect(rest[0]).toMatchObject({ seq: 6, topic: 'lagged', data: { missed: 5 } });
    expect(rest.slice(1).map(({ seq }) => seq)).toEqual([7, 8, 9, 10]);
    expect(lags).toEqual([5]);
  });

  test('who asks for more than the ring holds is told so', async () => {
    const { ring, lags } = ringAt(2);
    for (let n = 0; n < 3; n += 1) ring.publish('kms.health', { n });
    const found = await take(ring.read(all), 3);
    expect(found.map(({ topic }) => topic)).toEqual(['lagged', 'kms.health', 'kms.health']);
    expect(found[0]!.data).toEqual({ missed: null });
    expect(lags).toEqual([]);
  });

  test('the ring holds 1,024 events', async () => {
    const { ring } = ringAt();
    for (let n = 0; n < EVENT_RING_SIZE + 5; n += 1) ring.publish('kms.health', { n });
    expect(EVENT_RING_SIZE).toBe(1024);
    expect((await take(ring.read(all), 2))[1]!.seq).toBe(6);
  });
});

describe('refused', () => {
  test('more readers than there are places', async () => {
    const { ring } = ringAt();
    const stop = new AbortController();
    const open = Array.from({ length: EVENT_READERS }, () => take(ring.read({ ...all, signal: stop.signal }), 9));
    await Promise.resolve();
    const error = refusal(() => ring.read(all));
    expect([error.code, error.message]).toEqual(['LimitReached', '64 readers follow the events already']);
    stop.abort();
    await Promise.all(open);
    expect(() => ring.read(all)).not.toThrow();
  });

  test('a topic that no page names', () => {
    const { ring } = ringAt();
    const untyped = ring as unknown as { publish(topic: string, data: object): void };
    expect(() => untyped.publish('kms.nope', {})).toThrow(/no topic kms\.nope/);
    expect(Object.keys(EVENT_TOPICS)).toContain('kms.audit.checkpoint');
  });
});
