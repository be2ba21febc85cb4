// Reads of a server: its bytes are judged here, under this home's own pins and memory, by the same operations as offline.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { mintToken } from '../../src/capability/token.ts';
import { type Envelope, envelopesOf, type TestHome, temporaryHome } from '../support/binary.ts';
import { asStore } from '../support/governed-home.ts';
import { type PublishedHome, publishedHome } from '../support/published-home.ts';
import { makeStoryHome, type StoryHome } from '../support/story-home.ts';

const server = temporaryHome();
const far = temporaryHome();
const stranger = temporaryHome();
let story: StoryHome;
let published: PublishedHome;

const token = mintToken(
  new Uint8Array(32).fill(7),
  {
    v: 1,
    id: '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81',
    root: 1,
    once: false,
    minted_at: toTime(Date.now()),
    minted_by: 'local:0:test',
  },
  ['tenant = _instance', 'scope = kms:audit,kms:read', `exp = ${toTime(Date.now() + 600_000)}`],
);

const online = (home: TestHome, argv: readonly string[]): string[] => [
  ...argv,
  '--kms',
  `unix:${published.socketPath}`,
  '--token-file',
  home.file('token'),
];

beforeAll(async () => {
  story = await makeStoryHome(server);
  await server.json(asStore(server, ['governance', 'ingest']));
  for (const home of [server, far, stranger]) home.write('token', `${token}\n`);
  const genesis = join(server.path, 'trust');
  const ledger = (await server.json<{ ledger_id: string }>(['governance', 'list'])).data!.ledger_id;
  const bytes = readFileSync(join(genesis, ledger, 'genesis.json'));
  const pin = JSON.parse(readFileSync(join(genesis, ledger, 'pin.json'), 'utf8')) as { genesis_digest: string };
  far.write('genesis.json', bytes);
  await far.json(['governance', 'trust', far.file('genesis.json'), '--expect-digest', pin.genesis_digest]);
  published = await publishedHome(server.path);
}, 120_000);

/** Commands that read, with what their answers may differ in. */
const READS: readonly (readonly string[])[] = [
  ['governance', 'list'],
  ['governance', 'status'],
  ['governance', 'log'],
  ['governance', 'verify'],
  ['governance', 'signers', 'show'],
  ['policy', 'inspect', '--tenant', 'acme'],
  ['pq', 'status'],
  ['kms', 'list'],
  ['audit', 'log'],
  ['audit', 'show', '0'],
  ['audit', 'verify'],
];

const timeless = (value: unknown, homePath: string): unknown =>
  JSON.parse(
    JSON.stringify(value)
      .replaceAll(homePath, 'HOME')
      .replaceAll(/"(seconds_left|ends_in_s|age_s|counts_for_s)":\d+/g, '"$1":0')
      .replaceAll(/"(judged_at|now)":"[^"]*"/g, '"$1":""')
      // What was judged is named as it was given.
      .replace('"target":"HOME/audit","kind":"home"', '"target":"","kind":""')
      .replace(/"target":"unix:[^"]*","kind":"server"/, '"target":"","kind":""')
      // Signers and memory are those of the home that asks.
      .replaceAll('"local":true', '"local":false')
      .replaceAll(/"remembered":(null|\{[^}]*\})/g, '"remembered":null'),
  );

describe('a home that pins the genesis of the server', () => {
  test.each(READS.map((argv) => [argv.join(' '), argv] as const))(
    '%s answers as in the home itself',
    async (_, argv) => {
      const here = await server.json(argv);
      const there = await far.json(online(far, argv));
      expect(there.mode).toBe('online');
      expect(timeless(there.data, far.path)).toEqual(timeless(here.data, server.path));
    },
  );

  test('kms show and needs-rotation too, with their exit codes', async () => {
    const { data } = await far.json<{ trust: string }>(online(far, ['kms', 'show', story.kid]));
    expect(data!.trust).toBe('authenticated');
    await far.json(online(far, ['kms', 'needs-rotation', story.kid]), 5);
  });

  test('a file is asked for again at every reading, and no secret file ever', () => {
    expect(published.asked.filter((one) => one === 'read store/public.json').length).toBeGreaterThan(2);
    expect(published.asked.filter((one) => /signers|trust|inbox|root|sealed|manifest/.test(one))).toEqual([]);
  });

  test('the verified checkpoint is remembered, and an older log is then tampering', async () => {
    const { data } = await far.json<{ remembered: boolean; trust: string }>(online(far, ['audit', 'verify']));
    const target = `unix:${published.socketPath}`;
    expect(data).toMatchObject({ remembered: true, trust: 'pinned', verdict: 'consistent', kind: 'server', target });
    const checkpoints = readFileSync(join(server.path, 'audit', 'e0', 'checkpoints.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const older = JSON.parse(checkpoints.at(-2)!) as { note_b64: string };
    published.instead.set('audit/e0/checkpoint', Buffer.from(older.note_b64, 'base64'));
    published.instead.set('audit/e0/checkpoints.jsonl', Buffer.from(`${checkpoints.slice(0, -1).join('\n')}\n`));
    try {
      const verdict = await far.json(online(far, ['audit', 'verify']), 10);
      expect(verdict.error).toMatchObject({ code: 'Tampered' });
      const list = await far.json(online(far, ['governance', 'list']), 10);
      expect(list.error).toMatchObject({ code: 'Tampered', field: 'rolled-back' });
    } finally {
      published.instead.clear();
    }
  });

  test.each([
    ['audit/e0/segments/000000.jsonl', ['audit', 'verify']],
    ['store/public.json', ['kms', 'list']],
    ['ledger/000000.jsonl', ['governance', 'verify']],
  ] as const)('a byte of %s that the server changes is tampering', async (path, argv) => {
    const bytes = readFileSync(join(server.path, path));
    const at = Math.floor(bytes.length / 2);
    bytes[at] = bytes[at] === 0x30 ? 0x31 : 0x30;
    published.instead.set(path, bytes);
    try {
      expect((await far.json(online(far, argv), 10)).error?.code).toMatch(/Tampered|VerificationFailed/);
    } finally {
      published.instead.clear();
    }
  });

  test.each(['audit/log.json', 'store/public.json', 'audit/e0/checkpoint'])(
    '%s that is gone is an error',
    async (path) => {
      published.instead.set(path, null);
      try {
        const run = await far.run(online(far, ['governance', 'list', '--json']));
        expect(run.exit).not.toBe(0);
        const { error } = JSON.parse(run.stdout) as Envelope;
        expect(['Tampered', 'NotInitialised']).toContain(error!.code);
      } finally {
        published.instead.clear();
      }
    },
  );
});

describe('trust', () => {
  test('the home of the server itself is its own authority', async () => {
    const { data } = await server.json<{ trust: string }>(online(server, ['kms', 'list']));
    expect(data!.trust).toBe('authenticated');
  });

  test('without a pin nothing is authenticated', async () => {
    const run = await stranger.run(online(stranger, ['kms', 'list']));
    expect([run.exit, run.stderr]).toEqual([0, expect.stringContaining('not authenticated')]);
    const strict = await stranger.json(online(stranger, ['kms', 'list', '--strict']), 11);
    expect(strict.error!.code).toBe('NotAuthenticated');
    expect((await stranger.json(online(stranger, ['audit', 'verify']), 11)).error!.code).toBe('NoTrustedKey');
    expect((await stranger.json(online(stranger, ['audit', 'log']), 11)).error!.code).toBe('NoTrustedKey');
  });
});

describe('offline, the same commands', () => {
  test('tail tells the log and the ledger of this home, oldest first, and ends', async () => {
    const run = await server.run(['tail', '--since', '10m', '--json']);
    expect(run.exit, run.stderr).toBe(0);
    const events = envelopesOf<{ seq: number; topic: string; ts: string; data: object }>(run);
    expect(events.every((one) => one.mode === 'offline')).toBe(true);
    const topics = events.map((one) => one.data!.topic);
    expect(topics).toEqual(expect.arrayContaining(['kms.key.created', 'governance.proposed']));
    expect(events.map((one) => one.data!.ts)).toEqual(events.map((one) => one.data!.ts).toSorted());
    expect(run.stdout).not.toContain(story.kid);
    const some = envelopesOf<{ topic: string }>(
      await server.run(['tail', '--topic', 'governance', '--count', '1', '--json']),
    );
    expect(some.map((one) => one.data!.topic)).toEqual(['governance.proposed']);
  });

  test('kms status says what lies here', async () => {
    const { mode, data } = await server.json<{ home: object; server: null }>(['kms', 'status']);
    expect([mode, data]).toMatchObject(['offline', { server: null, home: { trust: 'authenticated', keys: 1 } }]);
    expect((await server.json(['kms', 'status', '--ready'], 2)).error).toMatchObject({ field: '--ready' });
    const run = await server.run(['kms', 'status']);
    expect(run.stdout).toContain('offline: no server was asked');
  });
});

describe('what is about this machine', () => {
  test.each([
    ['audit verify of a directory', ['audit', 'verify', '.'], 'DIR'],
    ['audit verify --unseal', ['audit', 'verify', '--unseal'], '--unseal'],
  ])('%s with --kms is a usage error', async (_, argv, field) => {
    expect((await far.json(online(far, argv), 2)).error).toMatchObject({ code: 'Usage', field });
  });
});
