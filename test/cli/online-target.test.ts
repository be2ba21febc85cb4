// Where --kms leads: the runtime file, sockets, tokens and pins of a home, and everything about them that is not right.

import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { canonicalFile } from '../../src/bytes/canonical-json.ts';
import { toTime } from '../../src/bytes/time.ts';
import { nodeClock } from '../../src/cli/node-clock.ts';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { startTicks } from '../../src/storage/runtime-file.ts';
import { type Envelope, temporaryHome } from '../support/binary.ts';
import { answer, type RudeServer, rudeServer } from '../support/rude-server.ts';

const home = temporaryHome();
const run = join(home.path, 'run');

const live = (socket: string) => ({
  pid: process.pid,
  start_ticks: startTicks(nodeFiles(), process.pid)!,
  boot_id: nodeClock().bootId(),
  since: toTime(Date.now()),
  socket,
});

function writeRuntime(content: object, mode = 0o600): void {
  mkdirSync(run, { recursive: true, mode: 0o700 });
  chmodSync(run, 0o700);
  chmodSync(home.path, 0o700);
  writeFileSync(join(run, 'kms.json'), canonicalFile(content), { mode });
  chmodSync(join(run, 'kms.json'), mode);
}

const LIST = ['kms', 'status'];
const refusal = async (argv: readonly string[], exit: number, env: Record<string, string> = {}) => {
  const { mode, error } = await home.json([...LIST, ...argv], exit, { env });
  expect(mode).toBe('online');
  return error!;
};

beforeAll(() => {
  mkdirSync(home.path, { mode: 0o700 });
});

describe('--kms local', () => {
  test('no server', async () => {
    const error = await refusal(['--kms', 'local'], 20);
    expect(error).toMatchObject({ code: 'Unreachable', field: '--kms', hint: 'Start it: ronctl kms serve' });
    expect(error.message).toBe(`no server of ${home.path} is running`);
  });

  test.each<[string, object]>([
    ['a process that is gone', { pid: 2 ** 22 - 3, start_ticks: 5 }],
    ['a pid that somebody else has now', { start_ticks: 7 }],
    ['another boot', { boot_id: '00000000-0000-4000-8000-000000000000' }],
  ])('a runtime file of %s', async (_, change) => {
    writeRuntime({ ...live('/nonexistent'), ...change });
    expect((await refusal(['--kms', 'local'], 20)).message).toContain(`the one that ${run}/kms.json names has ended`);
  });

  test('the server of another home', async () => {
    home.write(
      'home/home.json',
      canonicalFile({
        format: 'ronctl-home/1',
        home_id: '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81',
        created_at: toTime(Date.now()),
      }),
    );
    writeRuntime({ ...live('/nonexistent'), home_id: '00000000-0000-4000-8000-000000000000' });
    expect((await refusal(['--kms', 'local'], 20)).message).toBe(`no server of ${home.path} is running`);
  });

  test('a runtime file that others can write', async () => {
    writeRuntime(live('/nonexistent'), 0o622);
    expect(await refusal(['--kms', 'local'], 3)).toMatchObject({ code: 'UnsafeFile' });
  });

  test('a runtime file that is none', async () => {
    writeRuntime({ pid: 'x' });
    expect((await refusal(['--kms', 'local'], 3)).code).toBe('Malformed');
  });

  test('a live server whose socket is gone', async () => {
    writeRuntime(live(join(home.directory, 'gone.sock')));
    expect((await refusal(['--kms', 'local'], 20)).message).toContain('there is no socket');
  });

  test('a file in the place of the socket', async () => {
    writeRuntime(live(home.write('no.sock', '')));
    expect(await refusal(['--kms', 'local'], 3)).toMatchObject({ code: 'UnsafeFile' });
  });

  test('a socket nobody listens on', async () => {
    const path = home.file('dead.sock');
    const server = createServer();
    await new Promise<void>((done) => server.listen(path, done));
    // The process keeps the file: a closed listener removes it, a killed one does not.
    renameSync(path, `${path}.kept`);
    await new Promise((done) => server.close(done));
    writeRuntime(live(`${path}.kept`));
    const error = await refusal(['--kms', 'local'], 20);
    expect(error).toMatchObject({ code: 'Unreachable', message: 'local: nothing listens there' });
  });
});

describe('a server that answers', () => {
  let server: RudeServer;
  const ready = '{"ready":true,"missing":[],"degraded":[],"retry_after":0,"snapshot":{}}';
  beforeEach(async () => {
    server = await rudeServer((socket, request) => {
      if (request.startsWith('GET /readyz')) socket.write(answer(200, ready));
      else if (request.startsWith('GET /version')) socket.write(answer(200, '{"version":"0.1.0"}'));
      else {
        const error = { code: 'NoCapability', message: 'the capability is not valid', ron_code: 'NoCapability' };
        socket.write(answer(401, JSON.stringify({ error })));
      }
    });
    writeRuntime(live(server.socketPath));
  });

  test('is asked by its runtime file, without a token for what wants none', async () => {
    const { data } = await home.json<{ server: object; home: null }>([...LIST, '--kms', 'local']);
    expect(data).toMatchObject({ server: { name: 'local', version: '0.1.0', ready: true, service: null }, home: null });
    expect(server.requests.every((one) => !/authorization/i.test(one))).toBe(true);
  });

  test('RONCTL_KMS is used, and the flag overrides it', async () => {
    const named = await home.json<{ server: { name: string } }>(LIST, 0, {
      env: { RONCTL_KMS: `unix:${server.socketPath}` },
    });
    expect(named.data!.server.name).toBe(`unix:${server.socketPath}`);
    const off = await home.run([...LIST, '--kms', 'none', '--json'], { env: { RONCTL_KMS: 'local' } });
    expect((JSON.parse(off.stdout) as Envelope).mode).toBe('offline');
  });

  test('kms.url is used, and RONCTL_KMS overrides it', async () => {
    home.write('c.toml', `[kms]\nurl = "unix:${server.socketPath}"\n`);
    const named = await home.json<{ server: { name: string } }>([...LIST, '--config', 'c.toml']);
    expect(named.data!.server.name).toBe(`unix:${server.socketPath}`);
    const { error } = await home.json([...LIST, '--config', 'c.toml'], 20, {
      env: { RONCTL_KMS: 'unix:/nonexistent' },
    });
    expect(error!.message).toContain('unix:/nonexistent');
  });

  test('a command that stays here ignores variable and configuration', async () => {
    const { mode } = await home.json(['version'], 0, { env: { RONCTL_KMS: 'unix:/nonexistent' } });
    expect(mode).toBe('offline');
    expect((await home.json(['version', '--kms', 'local'], 2)).error!.code).toBe('Usage');
  });

  describe('tokens', () => {
    const ask = (argv: readonly string[], exit: number, env: Record<string, string> = {}) =>
      home.json(
        [
          'kms',
          'sign',
          'acme/k/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81',
          '--b3',
          'a'.repeat(64),
          '--kms',
          'local',
          ...argv,
        ],
        exit,
        { env },
      );

    test('none at all is exit 21', async () => {
      const { error } = await ask([], 21);
      expect(error).toMatchObject({ code: 'NoCapability', field: '--token-file' });
      expect(server.requests).toEqual([]);
    });

    test.each<[string, () => string, string]>([
      ['that is missing', () => home.file('no-token'), 'NotFound'],
      ['that others can read', () => home.write('open', 'AgEHcm9u\n', 0o644), 'UnsafeFile'],
      ['that is a directory', () => home.directory, 'UnsafeFile'],
      ['that is empty', () => home.write('empty', ''), 'Malformed'],
      ['that is no token', () => home.write('bad', 'a b c\n'), 'Malformed'],
      ['of two lines', () => home.write('two', 'AgEH\nAgEH\n'), 'Malformed'],
      ['that is too long', () => home.write('long', `${'A'.repeat(6000)}\n`), 'Malformed'],
    ])('a file %s', async (_, make, code) => {
      const path = make();
      const run = await home.run(['governance', 'list', '--kms', 'local', '--token-file', path, '--json']);
      const { error } = JSON.parse(run.stdout) as Envelope;
      expect(error).toMatchObject({ code, field: '--token-file' });
      expect(server.requests).toEqual([]);
    });

    test('the flag before the variable before the configuration', async () => {
      const named = async (argv: readonly string[], env: Record<string, string>) =>
        (await ask(argv, 4, env)).error!.field;
      home.write('c.toml', '[kms]\ntoken_file = "from-config"\n');
      expect(await named(['--config', 'c.toml'], {})).toBe('kms.token_file');
      expect(await named(['--config', 'c.toml'], { RONCTL_TOKEN_FILE: 'from-env' })).toBe('RONCTL_TOKEN_FILE');
      expect(await named(['--config', 'c.toml', '--token-file', 'x'], { RONCTL_TOKEN_FILE: 'y' })).toBe('--token-file');
    });
  });
});

describe('TCP', () => {
  test('plain loopback wants its flag', async () => {
    const error = await refusal(['--kms', 'http://127.0.0.1:9'], 2);
    expect(error).toMatchObject({ code: 'Usage', field: '--unsafe-plain-loopback' });
  });

  test('with the flag a closed port is unreachable, and nothing else is tried', async () => {
    const error = await refusal(['--kms', 'http://127.0.0.1:9', '--unsafe-plain-loopback'], 20);
    expect(error).toMatchObject({ code: 'Unreachable', message: 'http://127.0.0.1:9: nothing listens there' });
  });

  test('plain http elsewhere does not parse', async () => {
    expect(await refusalOf(['--kms', 'http://192.0.2.1:80'], 3)).toMatchObject({
      code: 'InvalidValue',
      field: '--kms',
    });
  });

  test('https wants a pin', async () => {
    const error = await refusal(['--kms', 'https://127.0.0.1:9'], 3);
    expect(error).toMatchObject({ code: 'RefusedConfig', field: 'kms.ca_file' });
  });

  test('a CA file that is missing', async () => {
    home.write('tls.toml', '[kms]\nca_file = "nowhere.pem"\n');
    const error = await refusal(['--kms', 'https://127.0.0.1:9', '--config', 'tls.toml'], 4);
    expect(error.message).toContain(join(home.directory, 'nowhere.pem'));
  });

  test.each([
    ['retries = 3', 'kms.retries'],
    ['timeout = "2m"', 'kms.timeout'],
  ])('%s is refused', async (text, field) => {
    home.write('limits.toml', `[kms]\n${text}\n`);
    const { error } = await home.json([...LIST, '--kms', 'local', '--config', 'limits.toml'], 3);
    expect(error).toMatchObject({ code: 'RefusedConfig', field });
  });
});

async function refusalOf(argv: readonly string[], exit: number) {
  return (await home.json([...LIST, ...argv], exit)).error!;
}
