// A reader takes no lock: whenever a writer appends, signs and drops old tiles between two reads of `audit verify`, that is
// no tampering. The directory becomes a later one at the k-th call of `Files`, for every k.

import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import type { Files } from '../../src/host.ts';
import { auditVerify } from '../../src/operations/audit/verify.ts';
import { closing, fillLog, newLog, reopenLog, signDraft, testClock } from '../support/audit.ts';

/** Serves `virtual` from the first directory for `calls` calls, then from the second. */
function switching(virtual: string, from: string, to: string, calls: number): { files: Files; count: () => number } {
  const inner = nodeFiles();
  let count = 0;
  const at = (path: string): string => {
    count++;
    return path.startsWith(virtual) ? `${count > calls ? to : from}${path.slice(virtual.length)}` : path;
  };
  const files: Files = {
    ...inner,
    info: (path) => inner.info(at(path)),
    list: (path) => inner.list(at(path)),
    read: (path, max) => inner.read(at(path), max),
    open: (path, flags) => inner.open(at(path), flags),
  };
  return { files, count: () => count };
}

test('a writer at work between any two reads is no finding', async () => {
  const base = mkdtempSync(join(tmpdir(), 'ronctl-audit-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const [before, after, virtual] = ['before', 'after', 'home'].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ];
  for (const home of [before, after]) mkdirSync(home, { mode: 0o700 });
  const first = await newLog(join(before, 'audit'));
  await fillLog(first, 250, 100);
  first.close();
  cpSync(before, after, { recursive: true });
  const log = await reopenLog(join(after, 'audit'));
  for (let n = 0; n < 3; n++) {
    await log.append([signDraft(n), signDraft(n + 10)]);
    await log.append(await closing(log, 1));
    await log.signCheckpoint();
  }
  await log.append([signDraft(99)]);
  log.close();
  const verify = async (files: Files) =>
    auditVerify(
      { target: null, fast: false, headKeys: null },
      {
        host: { ...nodeHost(), files, clock: { ...testClock(), now: () => Date.parse('2026-11-20T10:00:00.000Z') } },
        home: virtual,
        crypto: async () => nativeCrypto(),
        onProgress: () => undefined,
      },
    );
  const plain = switching(virtual, before, before, 0);
  expect((await verify(plain.files)).findings).toEqual([]);
  const total = plain.count();
  expect(total).toBeGreaterThan(15);
  for (let calls = 0; calls <= total + 3; calls++) {
    const { files } = switching(virtual, before, after, calls);
    const bad = (await verify(files)).findings.filter((one) => one.code !== 'hints-wrong');
    expect(bad, `after ${calls} calls: ${JSON.stringify(bad)}`).toEqual([]);
  }
});
