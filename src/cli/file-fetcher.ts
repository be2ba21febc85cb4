// The other side of blocking-fetch.ts, in its worker thread: takes requests from a port one by one, asks the server, answers
// on the port and rings the bell.

import type { MessagePort } from 'node:worker_threads';
import { uuidV7 } from '../bytes/uuid.ts';
import { RonError } from '../errors.ts';
import type { PublicFiles } from '../kms/admin-ports.ts';
import type { Call } from '../kms/ports.ts';
import { connectFiles } from '../kms-client/client.ts';
import type { Endpoint } from '../kms-client/connect.ts';
import type { FetchReply, FetchRequest } from './blocking-fetch.ts';
import { nodeClock, nodeRandom } from './node-clock.ts';

export interface ConnectedFiles {
  readonly endpoint: Endpoint;
  readonly token: string | null;
  readonly timeoutMs: number;
  readonly retries: number;
}

interface FetcherInput extends ConnectedFiles {
  readonly port: MessagePort;
  readonly bell: Int32Array;
}

/** Runs until the thread is ended. */
export function fetchFiles(input: unknown): Promise<never> {
  const { port, bell, ...options } = input as FetcherInput;
  const clock = nodeClock();
  const random = nodeRandom();
  let connected: Promise<PublicFiles> | undefined;
  const answer = async (request: FetchRequest): Promise<FetchReply> => {
    const opId = uuidV7(clock.now(), random.bytes(16));
    const call: Call = {
      caller: { kind: 'system' },
      opId,
      corrId: opId,
      signal: new AbortController().signal,
    };
    try {
      connected ??= connectFiles({ ...options, clock });
      const files = await connected;
      if (request.ask === 'read') return { ok: true, value: await files.read(request, call) };
      const { ask, path } = request;
      return { ok: true, value: await files[ask]({ path }, call) };
    } catch (thrown) {
      if (!(thrown instanceof RonError)) return { ok: false, code: null, message: String(thrown) };
      const { code, message, hint, field } = thrown;
      return {
        ok: false,
        code,
        message,
        ...(hint === undefined ? {} : { hint }),
        ...(field === undefined ? {} : { field }),
      };
    }
  };
  port.on('message', (request: FetchRequest) => {
    void answer(request).then((reply) => {
      port.postMessage(reply);
      Atomics.add(bell, 0, 1);
      Atomics.notify(bell, 0);
    });
  });
  return new Promise<never>(() => undefined);
}
