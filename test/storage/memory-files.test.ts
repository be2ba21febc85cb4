// Files in memory behave like files on a disk, and never grow beyond their capacity.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { MemoryFiles } from '../../src/storage/memory-files.ts';
import { filesContract } from '../contract/files.ts';

const memory = (capacityBytes = 1024 * 1024): MemoryFiles =>
  new MemoryFiles({
    clock: { now: () => 1 },
    random: { bytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)) },
    uid: process.geteuid!(),
    capacityBytes,
  });

describe('on disk', () =>
  filesContract(() => {
    const root = mkdtempSync(join(tmpdir(), 'ronctl-files-'));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    return { files: nodeFiles(), root };
  }));

describe('in memory', () =>
  filesContract(() => {
    const files = memory();
    files.makeDirectory('/root');
    return { files, root: '/root' };
  }));

describe('capacity', () => {
  it('what does not fit is a storage error and changes nothing; removed bytes come back', () => {
    const files = memory(100);
    const file = files.open('/a', 'create-new');
    file.write(new Uint8Array(80), 0);
    expect(() => file.write(new Uint8Array(30), 80)).toThrow(/used up/);
    expect(file.info().sizeBytes).toBe(80);
    expect(files.fileSystem('/a').freeBytes).toBe(20);
    files.remove('/a');
    expect(files.fileSystem('/').freeBytes).toBe(20);
    file.close();
    expect(files.fileSystem('/').freeBytes).toBe(100);
  });

  it('an open file refuses what it was not opened for, and everything when closed', () => {
    const files = memory();
    files.open('/a', 'create-new').close();
    const file = files.open('/a', 'read');
    expect(() => file.write(new Uint8Array(1), 0)).toThrow(/for reading/);
    file.close();
    file.close();
    expect(() => file.read(0, 1)).toThrow(/closed/);
  });
});
