// The HTTP sink of a server's log (log page 4.11): POST of NDJSON of at most 1 MiB, one request for one log, 2xx is the
// acknowledgement. Redirects are not followed: records go where the operator said. TLS 1.3 under the system's CAs or the one
// that is configured. Refuses (Unreachable) every other answer; the batch then comes again.

import { RonError } from '../errors.ts';

export interface SinkEndpoint {
  readonly url: string;
  /** Value of a bearer token, or null. */
  readonly token: string | null;
  /** PEM text of the CA, or null: those of the system. */
  readonly ca: string | null;
  readonly timeoutMs: number;
}

export interface SinkConnection {
  /** `origin` is told as a header, so that the receiver need not look into the lines. */
  post(origin: string, body: Uint8Array, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 2000;

/** Loads undici; connects at the first request. */
export async function connectSink(endpoint: SinkEndpoint): Promise<SinkConnection> {
  const { Client } = await import('undici');
  const { url, token, ca, timeoutMs } = endpoint;
  const { origin: place, pathname, search } = new URL(url);
  const client = new Client(place, {
    connect: { timeout: CONNECT_TIMEOUT_MS, minVersion: 'TLSv1.3', ...(ca === null ? {} : { ca }) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    pipelining: 1,
  });
  return {
    post: async (origin, body, signal) => {
      const answer = await client
        .request({
          method: 'POST',
          path: `${pathname}${search}`,
          headers: {
            'content-type': 'application/x-ndjson',
            'ronctl-log': origin,
            ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          },
          body,
          signal,
        })
        .catch((error: unknown) => {
          throw unreachable(place, error instanceof Error ? error.message : String(error), error);
        });
      await answer.body.dump().catch(() => undefined);
      if (answer.statusCode >= 200 && answer.statusCode < 300) return;
      throw unreachable(place, `it answered ${answer.statusCode}`);
    },
    close: async () => client.destroy(),
  };
}

function unreachable(place: string, why: string, cause?: unknown): RonError {
  return new RonError('Unreachable', `the sink ${place} did not take the records: ${why}`, { cause });
}
