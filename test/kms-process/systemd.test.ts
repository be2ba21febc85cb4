// What systemd hears from a real server (Type=notify): READY=1 when it is ready and not before, nothing of reloads, STOPPING=1
// when it begins to drain. The socket is a real one; node has none of that kind, python has.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PROJECT, type TestHome, temporaryHome } from '../support/binary.ts';
import { http, startServer } from '../support/server.ts';

const PYTHON = '/usr/bin/python3';
const found = [PYTHON, 'systemd-notify'].every((tool) => spawnSync(tool, ['--version']).status === 0);
if (!found) process.stdout.write('systemd: did not run, the system has no python3 or no systemd-notify\n');

interface Heard {
  /** Lines of every datagram, in order. */
  readonly lines: readonly (readonly string[])[];
  until(count: number): Promise<void>;
}

async function listen(path: string): Promise<Heard> {
  const child = spawn(PYTHON, [join(PROJECT, 'test/kms-process/datagrams.py'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const lines: string[][] = [];
  const waiting: (() => void)[] = [];
  let rest = '';
  let listening = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const all = (rest + text).split('\n');
    rest = all.pop()!;
    for (const line of all) {
      const said = JSON.parse(line) as { readonly listening?: true; readonly text?: string };
      if (said.listening === true) listening = true;
      else lines.push(said.text!.split('\n').filter((one) => one !== ''));
    }
    for (const wake of waiting.splice(0)) wake();
  });
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  await until(() => listening);
  return { lines, until: (count) => until(() => lines.length >= count) };
}

const home: TestHome = temporaryHome();

describe.runIf(found)('systemd', () => {
  it('hears when the server is ready, and when it stops, and nothing of reloads', async () => {
    await home.json(['init', '--profile', 'dev', '--passphrase-file', home.passphrase('store')]);
    home.write('ron-kms.toml', '[observability]\nlog_level = "info"\n');
    const heard = await listen(home.file('notify'));
    const run = join(home.path, 'run', 'kms.json');
    const ready = heard.until(1).then(async () => {
      const { socket } = JSON.parse(readFileSync(run, 'utf8')) as { readonly socket: string };
      return (await http(socket, { path: '/readyz' })).status;
    });
    expect([heard.lines.length, existsSync(run)]).toEqual([0, false]);
    const server = await startServer(home, ['--config', 'ron-kms.toml'], {
      env: { NOTIFY_SOCKET: home.file('notify') },
      cwd: home.directory,
    });
    expect(await ready).toBe(200);
    expect(heard.lines).toEqual([expect.arrayContaining(['READY=1', `MAINPID=${server.child.pid}`]) as string[]]);

    // Type=notify knows no reload of the service: a message lost on the way would leave the unit in it.
    for (const [level, event] of [
      ['debug', 'config_updated'],
      ['nonsense', 'config_refused'],
    ]) {
      home.write('ron-kms.toml', `[observability]\nlog_level = "${level}"\n`);
      server.signal('SIGHUP');
      for (let n = 0; n < 2000 && !server.stderr().includes(`"event":"${event}"`); n++) {
        await new Promise((done) => setTimeout(done, 10));
      }
      expect(server.stderr()).toContain(`"event":"${event}"`);
    }

    expect(await server.stop()).toBe(0);
    await heard.until(2);
    expect(heard.lines.slice(1)).toEqual([expect.arrayContaining(['STOPPING=1']) as string[]]);
    expect(server.stderr()).not.toContain('systemd-notify');
  });

  it('that is away hinders nothing: the server says so and runs', async () => {
    const server = await startServer(home, [], { env: { NOTIFY_SOCKET: home.file('nobody') } });
    expect((await http(server.ready.socket!, { path: '/readyz' })).status).toBe(200);
    expect(server.stderr()).toMatch(/systemd-notify READY=1/);
    expect(await server.stop()).toBe(0);
  });
});
