// Ctrl-C while a command waits for a server that says nothing: it ends then, not when its patience does.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { mintToken } from '../../src/capability/token.ts';
import { BINARY, temporaryHome } from '../support/binary.ts';
import { rudeServer } from '../support/rude-server.ts';

const home = temporaryHome();
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

describe('a server that never answers', () => {
  test.each([
    ['SIGINT', ['audit', 'log']],
    ['SIGINT', ['governance', 'list']],
    ['SIGTERM', ['kms', 'list']],
  ] as const)('%s ends %j at once', async (signal, argv) => {
    const order: string[] = [];
    let asked: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const server = await rudeServer(() => asked());
    chmodSync(dirname(server.socketPath), 0o700);
    chmodSync(server.socketPath, 0o600);
    home.write('config.toml', '[kms]\ntimeout = "20s"\nretries = 0\n');
    home.write('token', `${token}\n`);
    const online = ['--kms', `unix:${server.socketPath}`, '--token-file', home.file('token')];
    const child = spawn(BINARY, [...argv, ...online, '--config', home.file('config.toml')], {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8', RONCTL_HOME: home.path },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const ended = once(child, 'close').then((how: unknown[]) => {
      order.push('ended');
      return how;
    });
    await Promise.race([waiting, ended]);
    expect([server.requests.length, stderr]).toEqual([1, `online: unix:${server.socketPath}\n`]);
    const patience = setTimeout(() => order.push('out of patience'), 15_000);
    child.kill(signal);
    const [code, by] = await ended;
    clearTimeout(patience);
    expect(order).toEqual(['ended']);
    // A shell says 128 + n either way.
    expect(code ?? by).toSatisfy((how) => how === signal || how === { SIGINT: 130, SIGTERM: 143 }[signal]);
  });
});
