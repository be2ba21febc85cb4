// run/kms.json counts only while the process that wrote it lives.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { canonicalFile } from '../../src/bytes/canonical-json.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import { readRuntimeFile, runtimeFilePath, startTicks, writeRuntimeFile } from '../../src/storage/runtime-file.ts';
import { temporaryHome } from '../support/store.ts';

const host = nodeHost();
const { clock, files, random } = host;
const deps = { files, clock, random };

const fileOf = (pid: number, change: object = {}) => ({
  pid,
  start_ticks: startTicks(files, pid) ?? 1,
  boot_id: clock.bootId(),
  since: '2026-11-20T10:00:00.000Z',
  socket: '/run/user/1000/ronctl/01234567.sock',
  ...change,
});

const runOf = (): string => {
  const home = temporaryHome();
  mkdirSync(home, { mode: 0o700 });
  return `${home}/run`;
};

test('a file of a live process is read back as written, 0600 in a directory of 0700', async () => {
  const run = runOf();
  const file = fileOf(process.pid, { addr: '127.0.0.1:7441', cert_sha256: '0'.repeat(64) });
  await writeRuntimeFile(deps, run, file);
  expect(readRuntimeFile(deps, run)).toEqual(file);
  expect(files.info(runtimeFilePath(run))?.mode).toBe(0o600);
  expect(files.info(run)?.mode).toBe(0o700);
});

test('it does not count after a boot, for another start of that pid, or when the process has ended', async () => {
  const run = runOf();
  expect(readRuntimeFile(deps, run)).toBeNull();
  await writeRuntimeFile(deps, run, fileOf(process.pid, { boot_id: 'another' }));
  expect(readRuntimeFile(deps, run)).toBeNull();
  await writeRuntimeFile(deps, run, fileOf(process.pid, { start_ticks: 7 }));
  expect(readRuntimeFile(deps, run)).toBeNull();
  const child = spawn('sleep', ['100']);
  const file = fileOf(child.pid!);
  await writeRuntimeFile(deps, run, file);
  expect(readRuntimeFile(deps, run)).toEqual(file);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(readRuntimeFile(deps, run)).toBeNull();
});

test('a file that is none is named', async () => {
  const run = runOf();
  await writeRuntimeFile(deps, run, fileOf(process.pid));
  writeFileSync(runtimeFilePath(run), canonicalFile({ pid: 1 }));
  expect(() => readRuntimeFile(deps, run)).toThrow(/kms\.json: start_ticks: missing member/);
});
