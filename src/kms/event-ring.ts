// The ring of events behind `tail` (CON-17, service page 5): the newest 1,024, each with a number and a time. A reader that
// is slower than the service misses events and is told how many by a `lagged` event in their place; the service never waits
// for a reader. Data is plain JSON with the same rules as the log: no token, payload, secret or raw kid.

import { toTime } from '../bytes/time.ts';
import { fail } from '../errors.ts';
import { EVENT_TOPICS, type EventTopic, LAGGED, topicFits } from '../kms-api/events.ts';
import type { ServiceEvent } from './admin-ports.ts';

export const EVENT_RING_SIZE = 1024;
/** Readers at once: each is an answer that never ends. */
export const EVENT_READERS = 64;

export interface EventRing {
  publish(topic: EventTopic, data: Readonly<Record<string, unknown>>): void;
  /** Events from `sinceMs` on (null: from now on), then live until the signal. LimitReached with too many readers. */
  read(request: {
    readonly topic: string | null;
    readonly sinceMs: number | null;
    readonly signal: AbortSignal;
  }): AsyncIterable<ServiceEvent>;
  /** How many read now. */
  readers(): number;
}

export interface RingOptions {
  readonly nowMs: () => number;
  /** Told how many events a reader missed. */
  readonly onLag: (missed: number) => void;
  readonly size?: number;
}

interface Stored {
  readonly event: ServiceEvent;
  readonly atMs: number;
}

export function createEventRing({ nowMs, onLag, size = EVENT_RING_SIZE }: RingOptions): EventRing {
  const ring: Stored[] = [];
  const waiting = new Set<() => void>();
  let next = 1;
  let readers = 0;

  const oldest = (): number => next - ring.length;

  /** Until the next event or the signal. */
  function pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      if (signal.aborted) wake();
    });
  }

  const lagged = (seq: number, missed: number | null): ServiceEvent => ({
    seq,
    ts: toTime(nowMs()),
    topic: LAGGED,
    data: { missed },
  });

  async function* stream(
    topic: string | null,
    sinceMs: number | null,
    signal: AbortSignal,
  ): AsyncGenerator<ServiceEvent> {
    readers += 1;
    try {
      const first = sinceMs === null ? undefined : ring.find(({ atMs }) => atMs >= sinceMs);
      let cursor = first?.event.seq ?? next;
      // What was before the oldest event may have been asked for: nobody knows how much of it.
      if (first !== undefined && cursor === oldest() && cursor > 1) yield lagged(cursor - 1, null);
      while (!signal.aborted) {
        if (cursor < oldest()) {
          const missed = oldest() - cursor;
          onLag(missed);
          cursor = oldest();
          yield lagged(cursor - 1, missed);
        } else if (cursor < next) {
          const { event } = ring[cursor - oldest()]!;
          cursor += 1;
          if (topicFits(event.topic, topic)) yield event;
        } else await pause(signal);
      }
    } finally {
      readers -= 1;
    }
  }

  return {
    publish(topic, data) {
      if (!Object.hasOwn(EVENT_TOPICS, topic)) throw new TypeError(`events: no topic ${topic}`);
      const atMs = nowMs();
      ring.push({ event: { seq: next, ts: toTime(atMs), topic, data }, atMs });
      next += 1;
      if (ring.length > size) ring.shift();
      for (const wake of waiting) wake();
    },
    read({ topic, sinceMs, signal }) {
      if (readers >= EVENT_READERS) {
        fail('LimitReached', `${EVENT_READERS} readers follow the events already`, { hint: 'End one of them.' });
      }
      return stream(topic, sinceMs, signal);
    },
    readers: () => readers,
  };
}
