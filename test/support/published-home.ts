// The public files of a home over HTTP on a Unix socket, as a server answers for them, without any check of tokens: for
// readers. A test may answer a request in another way, and change what a file says.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export interface PublishedHome {
  readonly socketPath: string;
  /** `info audit/log.json`, ... */
  readonly asked: string[];
  /** Bytes in the place of a file, or null: it is not there. */
  readonly instead: Map<string, Uint8Array | null>;
}

const PUBLIC = /^(?:store|store\/keys(?:\/[^/]+)?|store\/public\.json|(?:ledger|audit)(?:\/.*)?)$/;

export async function publishedHome(home: string): Promise<PublishedHome> {
  const directory = mkdtempSync(join(tmpdir(), 'ronctl-pub-'));
  const socketPath = join(directory, 's');
  const asked: string[] = [];
  const instead = new Map<string, Uint8Array | null>();
  const bytesOf = (path: string): Uint8Array | null => {
    const other = instead.get(path);
    if (other !== undefined) return other;
    try {
      return PUBLIC.test(path) ? readFileSync(join(home, path)) : null;
    } catch {
      return null;
    }
  };
  const answer = (request: IncomingMessage, response: ServerResponse): unknown => {
    const url = new URL(request.url!, 'http://x');
    const what = url.pathname.slice('/v1/kms/files/'.length);
    const path = url.searchParams.get('path') ?? '';
    asked.push(`${what} ${path}`);
    const json = (status: number, value: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    const absent = (): void =>
      json(404, { error: { code: 'NotFound', message: 'no such file', retryable: false, ron_code: 'NotFound' } });
    if (!url.pathname.startsWith('/v1/kms/files/')) return absent();
    if (what === 'list') {
      try {
        return json(200, { names: PUBLIC.test(path) ? readdirSync(join(home, path)).sort() : [] });
      } catch {
        return json(200, { names: [] });
      }
    }
    if (what === 'info') {
      const other = instead.get(path);
      const found =
        other === undefined && PUBLIC.test(path) ? statSync(join(home, path), { throwIfNoEntry: false }) : undefined;
      if (found === undefined && (other === undefined || other === null)) return json(200, { info: null });
      const info = {
        type: found?.isDirectory() === true ? 'directory' : 'file',
        mode: 0o600,
        uid: 0,
        size_bytes: other?.length ?? found?.size ?? 0,
        mtime_ms: found?.mtimeMs ?? 0,
      };
      return json(200, { info });
    }
    const bytes = bytesOf(path);
    if (bytes === null) return absent();
    const offset = Number(url.searchParams.get('offset') ?? 0);
    const length = Number(url.searchParams.get('length') ?? bytes.length);
    return response
      .writeHead(200, { 'content-type': 'application/octet-stream' })
      .end(bytes.subarray(offset, offset + length));
  };
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(socketPath, done));
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    rmSync(directory, { recursive: true, force: true });
  });
  return { socketPath, asked, instead };
}
