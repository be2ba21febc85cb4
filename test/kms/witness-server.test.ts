// The HTTP face of a witness against raw requests: every documented status, limits, and a stop that finishes what runs.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { RonError } from '../../src/errors.ts';
import { serveWitness, type WitnessEvent, type WitnessFace } from '../../src/kms/http/witness-server.ts';
import { askWitness } from '../../src/kms-client/witness-client.ts';
import { witnessFileName } from '../../src/storage/witness-store.ts';
import { LOG_ORIGIN, numberedLog, witnessStore } from '../support/witness.ts';

interface Raw {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** Sends the text of a request, returns what comes until the other side closes. */
function raw(port: number, text: string | Uint8Array): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    const chunks: Uint8Array[] = [];
    socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)));
    socket.on('error', reject);
    socket.on('close', () => {
      const all = Buffer.concat(chunks).toString('utf8');
      const split = all.indexOf('\r\n\r\n');
      resolve({
        status: Number(all.slice(9, 12)),
        headers: all.slice(0, split).toLowerCase(),
        body: all.slice(split + 4),
      });
    });
    socket.write(text);
  });
}

const post = (body: Uint8Array | string, path = '/add-checkpoint'): Buffer => {
  const bytes = Buffer.from(body);
  const head = `POST ${path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), bytes]);
};

const get = (path: string, method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n`;

async function serving(face?: WitnessFace) {
  const base = mkdtempSync(join(tmpdir(), 'ronctl-test-'));
  const { store } = await witnessStore(nodeFiles(), base);
  const events: WitnessEvent[] = [];
  const options = {
    host: '127.0.0.1',
    port: 0,
    loopback: true,
    tls: null,
    onAnswer: (one: WitnessEvent) => events.push(one),
  };
  const server = await serveWitness({ ...options, witness: face ?? store });
  onTestFinished(async () => {
    await server.stop(0);
    rmSync(base, { recursive: true, force: true });
  });
  return { server, port: server.port, events };
}

describe('a witness over HTTP', () => {
  it('cosigns with 200, and every refusal has the status of the protocol', async () => {
    const { request, note } = await numberedLog();
    const fork = await numberedLog(2);
    const { port, events } = await serving();
    const good = await raw(port, post(await request(0, 3)));
    expect(good.status).toBe(200);
    expect(good.body).toMatch(
      /^\u2014 witness\.example\.org\/alice [^\n]+\n\u2014 witness\.example\.org\/alice [^\n]+\n$/,
    );
    const stripped = Buffer.from(await note(7))
      .toString()
      .replace(/\n\u2014 [^\n]+\n$/, '\n');
    const expected: readonly (readonly [string, Uint8Array | string, number])[] = [
      ['unknown origin', 'old 0\n\nother.example/log\n1\nAA==\n\n\u2014 x AAAAAAAA\n', 404],
      ['one log signature alone', `old 3\n\n${stripped}`, 403],
      ['old above the size', Buffer.concat([Buffer.from('old 8\n\n'), await note(7)]), 400],
      ['no request at all', 'hello', 400],
      ['not UTF-8', Uint8Array.of(0x6f, 0xff), 400],
      ['another old size', await request(0, 7), 409],
      ['a wrong proof', Buffer.concat([Buffer.from('old 3\n\n'), await note(7)]), 422],
      ['another history', await fork.request(3, 7), 422],
      ['the same size with another root', await fork.request(3, 3), 422],
    ];
    for (const [what, body, status] of expected) expect((await raw(port, post(body))).status, what).toBe(status);
    const conflict = await raw(port, post(await request(0, 7)));
    expect(conflict.headers).toContain('content-type: text/x.tlog.size');
    expect(conflict.body).toBe('3\n');
    expect((await raw(port, post(await request(3, 7)))).status).toBe(200);
    expect((await raw(port, post(await request(7, 7)))).status).toBe(200);
    expect(events.filter((one) => one.status === 200).map((one) => one.size)).toEqual([3, 7, 7]);
    expect(events.find((one) => one.evidence !== null)?.message).toBe('another root was cosigned for size 3');
  });

  it('shows monitors the newest cosigned note, and nothing else', async () => {
    const { request } = await numberedLog();
    const { port } = await serving();
    const path = `/${witnessFileName(LOG_ORIGIN)}/checkpoint`;
    expect((await raw(port, get(path))).status).toBe(404);
    await raw(port, post(await request(0, 3)));
    const shown = await raw(port, get(path));
    expect([shown.status, shown.body.split('\n').slice(0, 2)]).toEqual([200, [LOG_ORIGIN, '3']]);
    expect(shown.body.match(/^\u2014 /gm)?.length).toBe(4);
    const head = await raw(port, get(path, 'HEAD'));
    expect([head.status, head.body]).toEqual([200, '']);
    for (const [method, where, status] of [
      ['POST', path, 405],
      ['GET', '/add-checkpoint', 405],
      ['GET', '/', 404],
      ['GET', '/witness.json', 404],
      ['GET', `/${'0'.repeat(64)}/checkpoint`, 404],
      ['GET', '/..%2f..%2froot.ronk/checkpoint', 404],
      ['GET', path.toUpperCase(), 404],
    ] as const) {
      expect((await raw(port, get(where, method))).status, `${method} ${where}`).toBe(status);
    }
  });

  it('refuses a large body before and while it reads it', async () => {
    const { port } = await serving();
    const declared = `POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 300000\r\n\r\n`;
    expect((await raw(port, declared)).status).toBe(413);
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`;
    const chunked = `POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}0\r\n\r\n`;
    expect((await raw(port, chunked)).status).toBe(413);
  });

  it('answers 503 to what it cannot do now, 500 to an altered state, and tells a stranger nothing more', async () => {
    const failing = (fault: RonError): WitnessFace => ({
      cosignedNote: () => {
        throw fault;
      },
      answer: async () => {
        throw fault;
      },
    });
    for (const [code, status] of [
      ['Locked', 503],
      ['StorageFault', 503],
      ['Tampered', 500],
    ] as const) {
      const { port, events } = await serving(failing(new RonError(code, 'a path of this machine')));
      const answer = await raw(port, post('x'));
      expect([answer.status, answer.body.includes('path')]).toEqual([status, false]);
      expect(answer.headers.includes('retry-after: 5')).toBe(status === 503);
      expect(events[0]).toMatchObject({ status, message: 'a path of this machine' });
      expect((await raw(port, get(`/${'0'.repeat(64)}/checkpoint`))).status).toBe(status);
    }
  });

  it('bounds how many wait, and finishes those that run when it stops', async () => {
    let finish: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const face: WitnessFace = {
      cosignedNote: () => null,
      answer: async () => {
        await slow;
        return { status: 404, message: 'late', origin: null };
      },
    };
    const { server, port } = await serving(face);
    const many = Array.from({ length: 64 }, () => raw(port, post('x')));
    const over = async (): Promise<number> => {
      for (;;) {
        const one = await Promise.race([raw(port, post('x')), slow.then(() => null)]);
        if (one !== null) return one.status;
      }
    };
    expect(await over()).toBe(503);
    const stopped = server.stop(60_000);
    finish();
    expect(new Set((await Promise.all(many)).map((one) => one.status))).toEqual(new Set([404]));
    await stopped;
    await expect(raw(port, get('/'))).rejects.toThrow(/ECONNREFUSED/);
  });

  it('needs TLS beyond loopback', async () => {
    const { server } = await serving();
    const options = { host: '0.0.0.0', port: 0, loopback: false, tls: null, onAnswer: () => undefined };
    const face: WitnessFace = { cosignedNote: () => null, answer: () => Promise.reject(new Error('unused')) };
    await expect(serveWitness({ ...options, witness: face })).rejects.toMatchObject({
      code: 'RefusedConfig',
      field: '--listen',
    });
    const taken = { ...options, host: '127.0.0.1', loopback: true, port: server.port, witness: face };
    await expect(serveWitness(taken)).rejects.toMatchObject({
      code: 'RefusedConfig',
      message: expect.stringContaining('EADDRINUSE'),
    });
  });
});

describe('asking a witness', () => {
  it('posts below its prefix and returns status, type and body', async () => {
    const { request } = await numberedLog();
    const { port } = await serving();
    const { signal } = new AbortController();
    const answer = await askWitness(`http://127.0.0.1:${port}/`, await request(3, 7), signal);
    expect([answer.status, answer.type, Buffer.from(answer.body).toString()]).toEqual([409, 'text/x.tlog.size', '0\n']);
    expect((await askWitness(`http://127.0.0.1:${port}/below`, await request(0, 3), signal)).status).toBe(404);
  });

  it('refuses plain HTTP to another machine, other schemes, credentials, and says when nobody answers', async () => {
    const { signal } = new AbortController();
    for (const url of [
      'http://witness.example.org/',
      'ftp://127.0.0.1/',
      'file:///etc/passwd',
      'x',
      'https://u:p@w.example/',
      'https://w.example/?a=b',
    ]) {
      await expect(askWitness(url, new Uint8Array(1), signal), url).rejects.toMatchObject({ code: 'Unreachable' });
    }
    const { server, port } = await serving();
    await server.stop(0);
    await expect(askWitness(`http://127.0.0.1:${port}`, new Uint8Array(1), signal)).rejects.toMatchObject({
      code: 'Unreachable',
    });
  });
});
