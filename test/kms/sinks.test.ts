// The sinks of a server (log page 4.11, X-33): everything in order and at least once, a checkpoint behind what it covers, within
// a second while the sink is up; a sink that is away, slow or half there holds nobody up, is seen, and misses nothing.

import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import { sinksOf } from '../../src/cli/serve-sinks.ts';
import { parseSink, type SinkSpec } from '../../src/config/sinks.ts';
import { RonError } from '../../src/errors.ts';
import { readinessLevels } from '../../src/kms/readiness.ts';
import { CursorFile, FIRST_CURSOR } from '../../src/kms/service/sinks/cursor.ts';
import { fileSink } from '../../src/kms/service/sinks/file-sink.ts';
import type { OpenSink } from '../../src/kms/service/sinks/sink.ts';
import { ExportSource } from '../../src/kms/service/sinks/source.ts';
import { NO_LOCAL_POLICY } from '../../src/policy/local.ts';
import { logFileBytes, readLogFile } from '../../src/storage/audit-log-file.ts';
import { B3, call } from '../contract/kms-subject.ts';
import { closing, createDraft, initDraft, newLog, signDraft } from '../support/audit.ts';
import { passing, settle, until } from '../support/manual-clock.ts';
import { scratch } from '../support/scratch.ts';
import { AROUND, HEALTHY, READINESS_CONFIG } from '../support/service-state.ts';
import { type Serving, serverConfig, serving } from '../support/serving.ts';
import { temporaryHome } from '../support/store.ts';
import { type TlsPair, tlsPair } from '../support/tls-pair.ts';

const key = { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true } as const;

interface Message {
  readonly index?: number;
  readonly line?: string;
  readonly checkpoint?: string;
}

const messagesOf = (text: string): Message[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Message);

/** A sink in the hands of the test. */
function receiver() {
  const got: Message[] = [];
  const state = { fails: null as string | null, half: false, hangs: false, batches: 0, most: 0 };
  const open: OpenSink = async () => ({
    deliver: async ({ bytes }, signal) => {
      if (state.hangs) {
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
      }
      if (state.fails !== null && !state.half) throw new RonError('Unreachable', state.fails);
      state.batches += 1;
      state.most = Math.max(state.most, bytes.length);
      got.push(...messagesOf(Buffer.from(bytes).toString()));
      if (state.fails !== null) throw new RonError('Unreachable', state.fails);
    },
    close: async () => undefined,
  });
  return { got, state, open };
}

const withSinks = (...sinks: string[]) => serverConfig((base) => ({ audit: { ...base.audit, sinks } }));

const linesOf = (home: string): string[] =>
  readFileSync(join(home, 'audit/e0/segments/000000.jsonl'), 'utf8').trimEnd().split('\n');

/** Records in order without a hole; each checkpoint after the records below it, and no record twice. */
function expectWhole(got: readonly Message[], home: string): void {
  const lines = linesOf(home);
  const records = got.filter((one) => one.index !== undefined);
  expect(records.map((one) => one.index)).toEqual(records.map((_, at) => at));
  expect(records.map((one) => one.line)).toEqual(lines.slice(0, records.length));
  let sent = 0;
  for (const one of got) {
    if (one.index !== undefined) sent = one.index + 1;
    else expect(Number(one.checkpoint!.split('\n')[1])).toBeLessThanOrEqual(sent);
  }
}

async function signs({ service }: Serving, count: number): Promise<void> {
  const { kid } = await service.kms.keys.create(key, call());
  for (let n = 0; n < count; n++) await service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call());
}

describe('a sink that is up', () => {
  it('has every record within a second, and each checkpoint behind what it covers', async () => {
    const sink = receiver();
    const run = await serving({ config: withSinks('one=dir:/nowhere'), options: { sinks: sink.open } });
    await run.service.start();
    await signs(run, 5);
    const size = run.service.store.logSize;
    await run.clock.pass(1000);
    expect(sink.got.filter((one) => one.index !== undefined).length).toBeGreaterThanOrEqual(size);
    expect(run.service.state().sinks).toMatchObject([
      { name: 'one', kind: 'directory', behind: 0, lagMs: 0, error: null },
    ]);
    await run.clock.pass(62_000, 1000);
    await run.service.close('SIGTERM');
    expectWhole(sink.got, run.deps.home);
    const notes = sink.got.flatMap((one) => (one.checkpoint === undefined ? [] : [one.checkpoint]));
    const listed = readFileSync(join(run.deps.home, 'audit/e0/checkpoints.jsonl'), 'utf8').trimEnd().split('\n');
    for (const line of listed) {
      const note = Buffer.from((JSON.parse(line) as { note_b64: string }).note_b64, 'base64').toString();
      expect(notes).toContain(note);
    }
    expect(notes).toContain(readFileSync(join(run.deps.home, 'audit/e0/checkpoint'), 'utf8'));
    expect(new Set(notes).size).toBe(notes.length);
    expect(sink.got.filter((one) => one.index !== undefined)).toHaveLength(linesOf(run.deps.home).length);
  });

  it('under amnesia gets checkpoints and no record', async () => {
    const sink = receiver();
    const config = serverConfig((base) => ({
      service: { ...base.service, amnesia: true },
      audit: { ...base.audit, sinks: ['one=dir:/nowhere'] },
    }));
    const run = await serving({ config, options: { sinks: sink.open } });
    await run.service.start();
    await signs(run, 2);
    await run.clock.pass(2000);
    expect(sink.got.length).toBeGreaterThan(0);
    expect(sink.got.filter((one) => one.line !== undefined)).toEqual([]);
    expect(run.service.state().sinks[0]).toMatchObject({ behind: 0 });
  });
});

describe('a sink that is away', () => {
  it('holds nobody up, is seen after 60 s, and then gets everything in order', async () => {
    const sink = receiver();
    sink.state.fails = 'no medium';
    const run = await serving({ config: withSinks('one=dir:/nowhere'), options: { sinks: sink.open } });
    await run.service.start();
    await signs(run, 3);
    await run.clock.pass(2000, 100);
    const level = () => readinessLevels(run.service.state(), READINESS_CONFIG, AROUND).audit_export;
    expect(run.service.state().sinks[0]).toMatchObject({ error: 'no medium' });
    expect(level()).toBe('ok');
    await run.clock.pass(62_000, 1000);
    expect(run.service.state().sinks[0]!.lagMs).toBeGreaterThan(60_000);
    expect(run.service.state().sinks[0]!.behind).toBeGreaterThan(5);
    expect(level()).toBe('degraded');
    expect(run.told.lines.filter((line) => line.event === 'audit_export_failed')).toHaveLength(1);
    expect(sink.got).toEqual([]);
    sink.state.fails = null;
    await run.clock.pass(7000, 100);
    expect(run.service.state().sinks[0]).toMatchObject({ behind: 0, lagMs: 0, error: null });
    expect(level()).toBe('ok');
    expect(run.told.lines.filter((line) => line.event === 'audit_export_resumed')).toHaveLength(1);
    expectWhole(sink.got, run.deps.home);
  });

  it('is also behind by records alone', () => {
    const behind = { name: 'one', kind: 'file', index: 0, lagMs: 0, error: null } as const;
    const level = (of: number) =>
      readinessLevels({ ...HEALTHY, sinks: [{ ...behind, behind: of }] }, READINESS_CONFIG, AROUND).audit_export;
    expect([level(99_999), level(100_000)]).toEqual(['ok', 'degraded']);
  });

  it('that took half and did not say so gets it again, the same', async () => {
    const sink = receiver();
    sink.state.fails = 'the answer was lost';
    sink.state.half = true;
    const run = await serving({ config: withSinks('one=dir:/nowhere'), options: { sinks: sink.open } });
    await run.service.start();
    await run.clock.pass(1000);
    sink.state.fails = null;
    await run.clock.pass(6000, 100);
    const records = sink.got.filter((one) => one.index !== undefined);
    expect(records.length).toBeGreaterThan(new Set(records.map((one) => one.index)).size);
    const lines = linesOf(run.deps.home);
    for (const { index, line } of records) expect(line).toBe(lines[index!]);
  });

  it('that never answers ends with the server, and another one goes on', async () => {
    const sink = receiver();
    const other = receiver();
    sink.state.hangs = true;
    const config = withSinks('one=dir:/nowhere', 'two=dir:/elsewhere');
    const sinks: OpenSink = (spec) => (spec.name === 'one' ? sink : other).open(spec);
    const run = await serving({ config, options: { sinks } });
    await run.service.start();
    await run.clock.pass(1000);
    expect(run.service.state().sinks.map((one) => one.behind === 0)).toEqual([false, true]);
    await passing(run.clock, run.service.close('SIGTERM'));
    expect(other.got.length).toBeGreaterThan(0);
  });
});

describe('the cursor', () => {
  it('is where the next life goes on', async () => {
    const sink = receiver();
    const first = await serving({ config: withSinks('one=dir:/nowhere'), options: { sinks: sink.open } });
    await first.service.start();
    await signs(first, 2);
    await first.service.close('SIGTERM');
    const { home } = first.deps;
    const taken = sink.got.length;
    expectWhole(sink.got, home);
    const next = await serving({
      home,
      clock: first.clock,
      config: withSinks('one=dir:/nowhere'),
      options: { sinks: sink.open },
    });
    await next.service.start();
    await next.clock.pass(1000);
    await next.service.close('SIGTERM');
    expect(sink.got.length).toBeGreaterThan(taken);
    expectWhole(sink.got, home);
  });

  it('survives a torn slot with what stood before it, and nothing else', async () => {
    const home = temporaryHome();
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const file = new CursorFile(nodeFiles(), `${home}/export`, 'one');
    expect(file.read()).toEqual(FIRST_CURSOR);
    const at = (index: number) => ({ epoch: 0, index, notes: index * 10, note: 'ab'.repeat(32) });
    for (const index of [1, 2, 3]) await file.write(at(index));
    const path = `${home}/export/one.cursor`;
    const again = () => new CursorFile(nodeFiles(), `${home}/export`, 'one').read();
    expect(again()).toEqual(at(3));
    const bytes = readFileSync(path);
    const torn = Buffer.from(bytes);
    torn.fill(0, 4096 + 20, 4096 + 40);
    writeFileSync(path, torn);
    expect(again()).toEqual(at(2));
    writeFileSync(path, Buffer.from(bytes.toString().replace('"index":3', '"index":9')));
    expect(again()).toEqual(at(2));
    writeFileSync(path, 'nothing');
    expect(again()).toEqual(FIRST_CURSOR);
  });

  it('ahead of the log is an error that stays, not a silence', async () => {
    const sink = receiver();
    const first = await serving({ config: withSinks('one=dir:/nowhere'), options: { sinks: sink.open } });
    const { home } = first.deps;
    await first.service.close('SIGTERM');
    const file = new CursorFile(nodeFiles(), `${home}/audit/export`, 'one');
    file.read();
    await file.write({ epoch: 0, index: 1_000_000, notes: 0, note: '00'.repeat(32) });
    const next = await serving({ home, config: withSinks('one=dir:/nowhere'), options: { sinks: sink.open } });
    await next.service.start();
    await next.clock.pass(1000);
    expect(next.service.state().sinks[0]!.error).toMatch(/it has record 1000000 of epoch 0; the log ends before it/);
  });
});

describe('a reload', () => {
  it('adds and removes sinks, and leaves the others alone', async () => {
    const sink = receiver();
    const names: string[] = [];
    const sinks: OpenSink = (spec) => {
      names.push(spec.name);
      return sink.open(spec);
    };
    const run = await serving({ config: withSinks('one=dir:/nowhere'), options: { sinks } });
    await run.service.start();
    await run.clock.pass(500);
    const judged = (...items: string[]) => ({ config: withSinks(...items), local: NO_LOCAL_POLICY });
    await run.service.reload(judged('one=dir:/nowhere', 'two=file:/x'), ['audit.sinks']);
    await run.clock.pass(500);
    expect(run.service.state().sinks.map((one) => one.name)).toEqual(['one', 'two']);
    await run.service.reload(judged('two=file:/x'), ['audit.sinks']);
    expect(run.service.state().sinks.map((one) => one.name)).toEqual(['two']);
    expect(names).toEqual(['one', 'two']);
  });
});

describe('what is read from the log', () => {
  it('goes from epoch to epoch, and is never more than 1 MiB', async () => {
    const home = temporaryHome();
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const log = await newLog(join(home, 'audit'));
    await log.append([initDraft(), createDraft(2)]);
    for (let n = 0; n < 5; n++) await log.append(Array.from({ length: 500 }, (_, at) => signDraft(n * 500 + at)));
    await log.append(await closing(log, 2));
    const { size, note } = await log.signCheckpoint();
    log.close();
    cpSync(join(home, 'audit/e0'), join(home, 'audit/e1'), { recursive: true });
    const files = nodeFiles();
    const file = readLogFile(files, join(home, 'audit'))!;
    const e0 = file.epochs[0]!;
    const e1 = { ...e0, n: 1, origin: e0.origin.replace(/e0$/, 'e1') };
    writeFileSync(join(home, 'audit/log.json'), logFileBytes({ ...file, epochs: [e0, e1] }));
    const tip = () => ({ epoch: 1, size, checkpoint: { size, note } });
    const source = new ExportSource({ files, auditDir: join(home, 'audit'), tip, checkpointsOnly: false });
    const got: string[] = [];
    let cursor = FIRST_CURSOR;
    for (;;) {
      const batch = source.next(cursor);
      if (batch === null) break;
      expect(batch.bytes.length).toBeLessThanOrEqual(1024 * 1024);
      for (const one of messagesOf(Buffer.from(batch.bytes).toString())) {
        got.push(`${batch.origin.slice(-2)} ${one.index ?? 'checkpoint'}`);
      }
      cursor = batch.next;
    }
    const epoch = (name: string): string[] => [
      ...Array.from({ length: size }, (_, at) => `${name} ${at}`),
      `${name} checkpoint`,
    ];
    expect(got).toEqual([...epoch('e0'), ...epoch('e1')]);
    rmSync(join(home, 'audit/e0/segments/000000.jsonl'));
    expect(() => source.next({ ...FIRST_CURSOR, index: 7 })).toThrow(/record 7 is not in the log any more/);
  });
});

describe('a file sink', () => {
  const spec = (text: string): SinkSpec => parseSink(text) as SinkSpec;
  const origin = 'ronctl.invalid/0123456789abcdef0123456789abcdef/e0';
  const batch = (text: string, epoch = 0) => ({
    epoch,
    origin: origin.replace(/e0$/, `e${epoch}`),
    bytes: Buffer.from(text),
  });
  const never = new AbortController().signal;
  const place = (): string => {
    const home = temporaryHome();
    mkdirSync(home, { recursive: true });
    return home;
  };

  it('has a file per origin, cuts half a line, and begins anew what was moved away', async () => {
    const home = place();
    const sink = fileSink(nodeFiles(), spec(`one=dir:${home}`));
    await sink.deliver(batch('{"index":0}\n'), never);
    await sink.deliver(batch('{"index":0}\n', 1), never);
    const path = join(home, `${origin.replaceAll('/', '+')}.jsonl`);
    expect(readdirSync(home)).toEqual([path.slice(home.length + 1), path.slice(home.length + 1).replace('+e0', '+e1')]);
    writeFileSync(path, '{"ind', { flag: 'a' });
    await sink.close();
    const again = fileSink(nodeFiles(), spec(`one=dir:${home}`));
    await again.deliver(batch('{"index":1}\n'), never);
    expect(readFileSync(path, 'utf8')).toBe('{"index":0}\n{"index":1}\n');
    renameSync(path, `${path}.1`);
    await again.deliver(batch('{"index":2}\n'), never);
    expect(readFileSync(path, 'utf8')).toBe('{"index":2}\n');
    await again.close();
    const single = fileSink(nodeFiles(), spec(`one=file:${home}/log`));
    for (const epoch of [0, 1]) await single.deliver(batch('{}\n', epoch), never);
    expect(readdirSync(home).filter((name) => name.startsWith('log'))).toEqual(['log', 'log.e1']);
  });

  it('refuses a directory that is not there, so that no disk below it is filled', async () => {
    const sink = fileSink(nodeFiles(), spec(`one=dir:${place()}/medium`));
    await expect(sink.deliver(batch('{}\n'), never)).rejects.toMatchObject({ code: 'NotFound' });
  });
});

describe('an HTTP sink', () => {
  const never = new AbortController().signal;
  const batch = { epoch: 0, origin: 'a/b/e0', bytes: Buffer.from('{"index":0,"line":"x"}\n') };

  async function listening(
    answer: (request: IncomingMessage, reply: ServerResponse, body: string) => void,
  ): Promise<string> {
    const server = createServer((request, reply) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => answer(request, reply, body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close().closeAllConnections();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const open = (url: string, tokenFile = '') =>
    sinksOf(nodeHost())({ name: 'one', kind: 'http', target: url, tokenFile, caFile: '' });

  it('posts NDJSON with origin and token, and takes 2xx for an answer', async () => {
    const seen: string[] = [];
    const url = await listening((request, reply, body) => {
      const { method, headers } = request;
      seen.push(
        `${method} ${request.url} ${headers['content-type']} ${[headers['ronctl-log']].join()} ${headers.authorization} ${body}`,
      );
      reply.writeHead(204).end();
    });
    const home = temporaryHome();
    mkdirSync(dirname(home), { recursive: true });
    writeFileSync(home, 'abc\n', { mode: 0o600 });
    const sink = await open(`${url}/audit?x=1`, home);
    await sink.deliver(batch, never);
    await sink.close();
    expect(seen).toEqual([`POST /audit?x=1 application/x-ndjson a/b/e0 Bearer abc {"index":0,"line":"x"}\n`]);
    writeFileSync(home, 'abc\n');
    cpSync(home, `${home}.open`);
    chmodSync(`${home}.open`, 0o644);
    await expect(open(url, `${home}.open`)).rejects.toMatchObject({ code: 'UnsafeFile' });
  });

  it.each([
    ['500', (reply: ServerResponse) => reply.writeHead(500).end('no')],
    ['429', (reply: ServerResponse) => reply.writeHead(429, { 'retry-after': '1' }).end()],
    ['302', (reply: ServerResponse) => reply.writeHead(302, { location: '/elsewhere' }).end()],
    ['closed', (reply: ServerResponse) => reply.socket?.destroy()],
  ])('does not take %s for an answer', async (what, answer) => {
    const asked: string[] = [];
    const url = await listening((request, reply) => {
      asked.push(request.url ?? '');
      answer(reply);
    });
    const sink = await open(`${url}/audit`);
    await expect(sink.deliver(batch, never)).rejects.toMatchObject({
      code: 'Unreachable',
      message: expect.stringContaining(what === 'closed' ? 'the sink' : `it answered ${what}`),
    });
    await sink.close();
    expect(asked).toEqual(['/audit']);
  });

  it('gives up what never ends when it is told to', async () => {
    const url = await listening((_request, reply) => void reply.writeHead(200).write('half'));
    const ended = new AbortController();
    const sink = await open(url);
    const delivered = sink.deliver(batch, ended.signal).then(
      () => 'taken',
      () => 'given up',
    );
    await settle(100);
    ended.abort();
    await until(() => true);
    expect(['taken', 'given up']).toContain(await delivered);
    await sink.close();
  });
});

describe('an HTTP sink over TLS', () => {
  const never = new AbortController().signal;
  const batch = { epoch: 0, origin: 'a/b/e0', bytes: Buffer.from('{"index":0,"line":"x"}\n') };
  let pairs: Readonly<Record<'own' | 'stranger' | 'elsewhere', TlsPair>>;
  let directory: string;

  beforeAll(() => {
    directory = scratch();
    const pair = (name: string, names?: string): TlsPair => tlsPair(directory, name, names);
    pairs = { own: pair('own'), stranger: pair('stranger'), elsewhere: pair('elsewhere', 'DNS:elsewhere.example') };
  });

  /** What a receiver was sent, and by which protocol. */
  async function receiving(pair: TlsPair, options: TlsOptions = {}) {
    const seen: string[] = [];
    const server = createTlsServer({ cert: pair.cert, key: pair.key, ...options }, (request, reply) => {
      const { authorization } = request.headers;
      seen.push(`${(request.socket as TLSSocket).getProtocol()} ${authorization ?? 'no token'}`);
      request.resume().on('end', () => reply.writeHead(204).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close().closeAllConnections();
    });
    return { seen, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/audit` };
  }

  /** One batch, with a token that nobody else may see. */
  async function deliver(url: string, caFile: string): Promise<void> {
    const tokenFile = join(directory, 'token');
    writeFileSync(tokenFile, 'secret\n', { mode: 0o600 });
    const sink = await sinksOf(nodeHost())({ name: 'one', kind: 'http', target: url, tokenFile, caFile });
    try {
      await sink.deliver(batch, never);
    } finally {
      await sink.close();
    }
  }

  it('speaks TLS 1.3 with the CA that is configured', async () => {
    const { url, seen } = await receiving(pairs.own);
    await deliver(url, pairs.own.certFile);
    expect(seen).toEqual(['TLSv1.3 Bearer secret']);
  });

  it('sends neither records nor token to another certificate, another name, an older TLS, or without a CA', async () => {
    const older = { maxVersion: 'TLSv1.2' } as const;
    const refused: readonly (readonly [TlsPair, string, TlsOptions, RegExp])[] = [
      [pairs.stranger, pairs.own.certFile, {}, /self-signed certificate/],
      // Those of the system, which do not know it.
      [pairs.own, '', {}, /self-signed certificate/],
      [pairs.elsewhere, pairs.elsewhere.certFile, {}, /does not match certificate's altnames/],
      [pairs.own, pairs.own.certFile, older, /protocol version|unsupported protocol/],
    ];
    for (const [pair, caFile, options, message] of refused) {
      const { url, seen } = await receiving(pair, options);
      await expect(deliver(url, caFile)).rejects.toMatchObject({ code: 'Unreachable', message });
      expect(seen).toEqual([]);
    }
    const { url } = await receiving(pairs.own);
    await expect(deliver(url, join(directory, 'none.crt'))).rejects.toMatchObject({ code: 'NotFound' });
    // A plain server behind an https URL gets nothing that it could read.
    const heard: Buffer[] = [];
    const plain = createTcpServer((socket) =>
      socket.on('data', (bytes: Buffer) => heard.push(bytes) && socket.destroy()),
    );
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void plain.close());
    const at = `https://127.0.0.1:${(plain.address() as AddressInfo).port}/audit`;
    await expect(deliver(at, pairs.own.certFile)).rejects.toMatchObject({ code: 'Unreachable' });
    expect(Buffer.concat(heard).includes('secret')).toBe(false);
  });
});

describe('audit.sinks', () => {
  it.each([
    ['x=http://example.org/', /http:\/\/ only reaches this machine/],
    ['x=https://user:word@example.org/', /password/],
  ])('%s is refused', (text, why) => {
    expect(parseSink(text)).toMatch(why);
  });

  it('knows files, directories and URLs', () => {
    expect(parseSink('a=file:/x')).toMatchObject({ name: 'a', kind: 'file', target: '/x' });
    expect(parseSink('a=dir:/x')).toMatchObject({ kind: 'directory', target: '/x' });
    expect(parseSink('a=https://h/p')).toMatchObject({ kind: 'http', target: 'https://h/p' });
    expect(parseSink('a=http://[::1]:9/p')).toMatchObject({ kind: 'http' });
  });
});
