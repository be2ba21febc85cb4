// Sends a request to a witness (C2SP tlog-witness): POST <prefix>/add-checkpoint, bounded in time and bytes, no redirects, no
// proxy. https anywhere, with the CAs of the runtime; http on loopback only. What the answer says counts by its signatures.

import type { WitnessAnswer } from '../audit/witness-request.ts';
import { RonError } from '../errors.ts';

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES = 256 * 1024;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

function unreachable(prefix: string, why: string, cause?: unknown): RonError {
  return new RonError('Unreachable', `${prefix}: ${why}`, {
    hint: 'See whether the witness runs, and the URL of its line in the policy.',
    ...(cause === undefined ? {} : { cause }),
  });
}

function addressOf(prefix: string): URL {
  const url = URL.canParse(prefix) ? new URL(prefix) : null;
  const isAllowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  if (url === null || !isAllowed || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw unreachable(prefix, 'not an https URL, nor an http URL of this machine');
  }
  return new URL(`${url.pathname.replace(/\/$/, '')}/add-checkpoint`, url);
}

/** One exchange. Throws Unreachable. */
export async function askWitness(prefix: string, body: Uint8Array, signal: AbortSignal): Promise<WitnessAnswer> {
  const url = addressOf(prefix);
  const { request, Agent } = await import('undici');
  const dispatcher = new Agent({ connections: 1, connect: { timeout: TIMEOUT_MS } });
  try {
    const answer = await request(url, {
      dispatcher,
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      signal: AbortSignal.any([signal, AbortSignal.timeout(2 * TIMEOUT_MS)]),
    });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > ANSWER_BYTES) throw unreachable(prefix, `an answer of more than ${ANSWER_BYTES} bytes`);
      chunks.push(chunk);
    }
    const header = answer.headers['content-type'];
    const type = (Array.isArray(header) ? header[0] : header) ?? '';
    return { status: answer.statusCode, type: type.split(';')[0]!.trim().toLowerCase(), body: Buffer.concat(chunks) };
  } catch (error) {
    if (error instanceof RonError) throw error;
    throw unreachable(prefix, error instanceof Error ? error.message : String(error), error);
  } finally {
    await dispatcher.destroy();
  }
}
