// The body of a request: declared length, encoding, bytes, JSON. Refused: more than the cap (413), an encoding other than
// identity and gzip or a charset other than UTF-8 (415), gzip that unpacks to more than ten times its size (400 `ratio_cap`) or over the cap (413
// `decompress_cap`), bytes that are no UTF-8, duplicate members, depth over 16, fractions.

import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { gunzip } from 'node:zlib';
import { type Json, parseHandWritten } from '../../bytes/canonical-json.ts';
import { fromUtf8 } from '../../bytes/text.ts';
import { RonError } from '../../errors.ts';
import { Refusal } from './refusal.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  readonly ratio: number;
}

/** A small body may unpack to this much, whatever its ratio. */
const FREE_BYTES = 1024;

function tooLarge(maxBytes: number): Refusal {
  return new Refusal('TooLarge', `the body is over ${maxBytes} bytes`, { reason: 'oversize' });
}

export type Encoding = 'identity' | 'gzip';

const unsupported = (why: string): Refusal => new Refusal('Unsupported', why, { status: 415, reason: 'unsupported' });

/** RFC 9110 8.3.2: the name is case-insensitive, and may be quoted. */
function checkCharset(contentType: string | undefined): void {
  const [, quoted, plain] = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]*))/i.exec(contentType ?? '') ?? [];
  const charset = quoted ?? plain;
  if (charset === undefined || charset.toLowerCase() === 'utf-8') return;
  throw unsupported('content-type: only the charset utf-8 is read');
}

/** From the headers alone, before a byte of the body is asked for. */
export function checkDeclared(headers: IncomingMessage['headers'], limits: BodyLimits): Encoding {
  const length = headers['content-length'];
  if (length !== undefined && Number(length) > limits.maxBytes) throw tooLarge(limits.maxBytes);
  const encoding = (headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw unsupported('content-encoding: only identity and gzip are read');
  }
  checkCharset(headers['content-type']);
  return encoding;
}

/** Stops reading at the cap; the caller closes the connection then. Rejects when the client goes. */
function received(stream: Readable, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (settle: () => void): void => {
      stream.off('data', data).off('end', end).off('error', failed).off('close', failed);
      settle();
    };
    const data = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      stream.pause();
      done(() => reject(tooLarge(maxBytes)));
    };
    const end = (): void => done(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    const failed = (): void => done(() => reject(new RonError('Malformed', 'the body did not come to its end')));
    stream.on('data', data).on('end', end).on('error', failed).on('close', failed);
  });
}

function unpack(packed: Uint8Array, { maxBytes, ratio }: BodyLimits): Promise<Uint8Array> {
  const byRatio = Math.max(FREE_BYTES, packed.length * ratio);
  return new Promise((resolve, reject) => {
    const options = { maxOutputLength: Math.min(byRatio, maxBytes), rejectGarbageAfterEnd: true };
    gunzip(packed, options, (error, bytes) => {
      if (error === null) resolve(bytes);
      else if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') {
        reject(new RonError('Malformed', 'the body is no gzip of one member', { cause: error }));
      } else if (byRatio < maxBytes) {
        reject(
          new Refusal('InvalidValue', `the body unpacks to more than ${ratio} times its size`, { reason: 'ratio_cap' }),
        );
      } else {
        const transport = { reason: 'decompress_cap' } as const;
        reject(new Refusal('TooLarge', `the body unpacks to more than ${maxBytes} bytes`, transport));
      }
    });
  });
}

export async function readBytes(stream: Readable, encoding: Encoding, limits: BodyLimits): Promise<Uint8Array> {
  const bytes = await received(stream, limits.maxBytes);
  return encoding === 'gzip' ? unpack(bytes, limits) : bytes;
}

/** No bytes are an empty object: every member of such a request is optional. */
export function parseBody(bytes: Uint8Array): Json {
  if (bytes.length === 0) return {};
  const text = fromUtf8(bytes);
  if (text === null) throw new RonError('Malformed', 'the body is no UTF-8');
  return parseHandWritten(text, 'the body');
}
