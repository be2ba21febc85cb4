// What the server knows of one request while it lasts: its ids, where it came in, who asks, and how it ends. X-Corr-ID is
// taken when it is a UUID and made anew otherwise, so that no free text gets into logs (C-51).

import type { IncomingMessage } from 'node:http';
import { uuidV4, uuidV7 } from '../../bytes/uuid.ts';
import type { RonError } from '../../errors.ts';
import type { Clock, Random } from '../../host.ts';
import type { Caller } from '../ports.ts';
import type { Listen } from './server-parts.ts';

export interface RequestContext {
  readonly requestId: string;
  /** Lower case. */
  readonly corrId: string;
  /** As it is echoed. */
  readonly corrText: string;
  readonly listener: Listen['kind'];
  readonly peer: string | undefined;
  readonly startedMs: number;
  /** Aborted at the deadline, when the client goes, and at the end of the drain. */
  readonly abort: AbortController;
  caller: Caller | null;
  /** Members of the log line that the request itself brings; never a raw kid. */
  readonly log: Record<string, unknown>;
  refused: RonError | null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const listeners = new WeakMap<IncomingMessage, Listen['kind']>();

/** Called by the listener that received the request. */
export function receivedOn(request: IncomingMessage, listener: Listen['kind']): void {
  listeners.set(request, listener);
}

export function requestContext(
  request: IncomingMessage,
  { clock, random, corrIdMode }: { readonly clock: Clock; readonly random: Random; readonly corrIdMode: string },
): RequestContext {
  const given = request.headers['x-corr-id'];
  const lower = typeof given === 'string' ? given.toLowerCase() : '';
  const isGiven = UUID.test(lower);
  const made = isGiven
    ? ''
    : corrIdMode === 'uuidv4'
      ? uuidV4(random.bytes(16))
      : uuidV7(clock.now(), random.bytes(16));
  return {
    requestId: `r-${uuidV7(clock.now(), random.bytes(16))}`,
    corrId: isGiven ? lower : made,
    corrText: isGiven ? (given as string) : made,
    listener: listeners.get(request) ?? 'tcp',
    peer: request.socket.remoteAddress,
    startedMs: clock.monotonicMs(),
    abort: new AbortController(),
    caller: null,
    log: {},
    refused: null,
  };
}
