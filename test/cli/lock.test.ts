import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeHost } from '../../src/cli/node-host.ts';
import { PROJECT } from '../support/binary.ts';

const HOLDER = join(PROJECT, 'test', 'support', 'lock-holder.ts');

let home: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ronctl-lock-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

/** Another process that tries for the lock; its first word. */
async function other(directory: string): Promise<{ word: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [HOLDER, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { word: chunk.toString().trim(), child };
}

describe('the kernel lock', () => {
  test('a second process is refused while it is held, and gets it after the release', async () => {
    const lock = await nodeHost().locks.acquire(home, 0);
    expect(lock).not.toBeNull();
    expect((await other(home)).word).toBe('busy');
    lock?.release();
    expect((await other(home)).word).toBe('held');
  });

  test('the holder reads every file of the home through Files, and a second process is still refused', async () => {
    const host = nodeHost();
    const lock = await host.locks.acquire(home, 0);
    writeFileSync(join(home, 'home.json'), '{}\n', { mode: 0o600 });
    expect(host.files.list(home)).toEqual(['home.json']);
    for (const name of readdirSync(home)) {
      const read = (): unknown => host.files.read(join(home, name), 1024);
      if (name === 'home.json') read();
      else expect(read).toThrow('is a lock: opening it would drop the lock');
    }
    expect((await other(home)).word).toBe('busy');
    lock?.release();
  });

  test('kill -9 of the holder releases it', async () => {
    const { word, child } = await other(home);
    expect(word).toBe('held');
    expect(await nodeHost().locks.acquire(home, 0)).toBeNull();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = await nodeHost().locks.acquire(home, 0);
    expect(lock).not.toBeNull();
    lock?.release();
  });

  test('waits for the holder up to the timeout', async () => {
    const { child } = await other(home);
    const waiting = nodeHost().locks.acquire(home, 30_000);
    child.stdin?.end();
    const lock = await waiting;
    expect(lock).not.toBeNull();
    lock?.release();
  });

  test('the same process does not get it twice', async () => {
    const { locks } = nodeHost();
    const lock = await locks.acquire(home, 0);
    expect(await locks.acquire(home, 0)).toBeNull();
    lock?.release();
    lock?.release();
    const again = await locks.acquire(home, 0);
    expect(again).not.toBeNull();
    again?.release();
  });

  test('a signer store has a lock of its own, beside that of the home', async () => {
    const host = nodeHost();
    const signer = join(home, 'signers', 'alice');
    mkdirSync(signer, { recursive: true });
    const own = await host.locks.acquire(signer, 0);
    const whole = await host.locks.acquire(home, 0);
    expect([own, whole]).not.toContain(null);
    expect(host.files.list(signer)).toEqual([]);
    own?.release();
    whole?.release();
  });

  test('a symbolic link in place of the lock file is refused', async () => {
    const { locks } = nodeHost();
    (await locks.acquire(home, 0))?.release();
    const [name] = readdirSync(home);
    rmSync(join(home, name!));
    writeFileSync(join(home, 'elsewhere'), '');
    symlinkSync(join(home, 'elsewhere'), join(home, name!));
    await expect(locks.acquire(home, 0)).rejects.toMatchObject({ code: 'UnsafeFile' });
  });

  test('a file that is no database is a StorageFault, not a lock', async () => {
    const { locks } = nodeHost();
    (await locks.acquire(home, 0))?.release();
    const [name] = readdirSync(home);
    writeFileSync(join(home, name!), 'x'.repeat(4096));
    await expect(locks.acquire(home, 0)).rejects.toMatchObject({ code: 'StorageFault' });
  });
});
