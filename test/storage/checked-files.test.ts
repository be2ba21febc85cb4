import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../src/cli/node-host.ts';
import type { Files } from '../../src/host.ts';
import { checkedFiles } from '../../src/storage/checked-files.ts';
import { writeFile, writeNewFile } from '../../src/storage/durable-file.ts';
import { temporaryHome } from '../support/store.ts';

function home(change: Partial<Files> = {}) {
  const path = temporaryHome();
  const plain = nodeHost().files;
  const files = checkedFiles({ ...bound(plain), ...change }, path);
  mkdirSync(path, { mode: 0o700 });
  mkdirSync(`${path}/store`, { mode: 0o700 });
  writeFileSync(`${path}/store/a`, 'a', { mode: 0o600 });
  return { path, files, file: `${path}/store/a` };
}

/** Methods by name: a class instance does not spread. */
function bound(files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, value]) => [name, value])) as unknown as Files;
}

describe('files below the home', () => {
  it('are read when everything is as it must be, and null when absent', () => {
    const { files, file, path } = home();
    expect(Buffer.from(files.read(file, 10)!).toString()).toBe('a');
    expect(files.read(`${path}/store/b`, 10)).toBeNull();
    expect(files.read(`${path}/nowhere/b`, 10)).toBeNull();
    expect(files.list(`${path}/store`)).toEqual(['a']);
  });

  it.each([
    ['a file readable by the group', 0o640, 'has mode 0640, expected 0600'],
    ['a file that may be executed', 0o700, 'has mode 0700, expected 0600'],
    ['a file that is read-only', 0o400, 'has mode 0400, expected 0600'],
    ['a set-uid file', 0o4600, 'has mode 4600, expected 0600'],
  ])('%s is refused, with the command that corrects it', (_name, mode, message) => {
    const { files, file } = home();
    chmodSync(file, mode);
    expect(() => files.read(file, 10)).toThrow(
      expect.objectContaining({ code: 'UnsafeFile', message: expect.stringContaining(message), field: file }),
    );
    expect(() => files.open(file, 'read')).toThrow(expect.objectContaining({ code: 'UnsafeFile' }));
  });

  it('a directory that others may enter is refused, at every level', () => {
    for (const level of ['', '/store']) {
      const { files, file, path } = home();
      chmodSync(`${path}${level}`, 0o750);
      expect(() => files.read(file, 10)).toThrow(/has mode 0750, expected 0700/);
      expect(() => files.list(`${path}/store`)).toThrow(/has mode 0750/);
    }
  });

  it('a symbolic link is refused as file, as directory and as home', () => {
    const asFile = home();
    renameSync(asFile.file, `${asFile.path}/real`);
    symlinkSync(`${asFile.path}/real`, asFile.file);
    expect(() => asFile.files.read(asFile.file, 10)).toThrow(/is a symbolic link/);
    expect(() => asFile.files.open(asFile.file, 'read')).toThrow(expect.objectContaining({ code: 'UnsafeFile' }));

    for (const level of ['/store', '']) {
      const { files, file, path } = home();
      const at = `${path}${level}`;
      renameSync(at, `${path}.real`);
      symlinkSync(`${path}.real`, at);
      expect(() => files.read(file, 10)).toThrow(/is a symbolic link/);
    }
  });

  it('what belongs to another account is refused, also for root', () => {
    const { files, file } = home({ uid: () => 12_345 });
    expect(() => files.read(file, 10)).toThrow(/belongs to uid \d+, and ronctl runs as uid 12345/);
  });

  it('a file over its limit is refused before it is read', () => {
    const { files, file } = home();
    writeFileSync(file, 'x'.repeat(11), { mode: 0o600 });
    expect(() => files.read(file, 10)).toThrow(expect.objectContaining({ code: 'TooLarge' }));
  });

  it('paths that climb are a bug, not a file', () => {
    const { files, path } = home();
    expect(() => files.read(`${path}/store/../../etc`, 10)).toThrow(TypeError);
  });

  it('files outside the home are not judged', () => {
    const { files, path } = home();
    const outside = `${path}.outside`;
    writeFileSync(outside, 'a', { mode: 0o644 });
    expect(Buffer.from(files.read(outside, 10)!).toString()).toBe('a');
  });
});

describe('durable files', () => {
  it('are 0600 whatever the umask, appear whole, and leave nothing beside them', async () => {
    const { files, path } = home();
    const deps = { files, random: nodeHost().random };
    const old = process.umask(0o077);
    try {
      process.umask(0);
      await writeFile(deps, `${path}/store/b`, Buffer.from('one'));
      await writeFile(deps, `${path}/store/b`, Buffer.from('two'));
      expect(files.info(`${path}/store/b`)?.mode).toBe(0o600);
      expect(files.list(`${path}/store`)).toEqual(['a', 'b']);
      await expect(writeNewFile(deps, `${path}/store/b`, Buffer.from('x'))).rejects.toMatchObject({ code: 'Exists' });
      expect(Buffer.from(files.read(`${path}/store/b`, 10)!).toString()).toBe('two');
      expect(files.list(`${path}/store`)).toEqual(['a', 'b']);
    } finally {
      process.umask(old);
    }
  });

  it('sync the file before the rename and the directory after it', async () => {
    const calls: string[] = [];
    const { files, path } = home();
    const logged: Files = {
      ...files,
      open: (at, flags) => {
        const file = files.open(at, flags);
        return {
          info: () => file.info(),
          stands: () => file.stands(),
          read: (position, length) => file.read(position, length),
          write: (bytes, position) => {
            calls.push('write');
            file.write(bytes, position);
          },
          truncate: (size) => file.truncate(size),
          sync: async () => {
            calls.push('sync');
            await file.sync();
          },
          syncNow: () => file.syncNow(),
          close: () => file.close(),
        };
      },
      rename: (from, to) => {
        calls.push('rename');
        files.rename(from, to);
      },
      syncDirectory: (at) => {
        calls.push('sync directory');
        return files.syncDirectory(at);
      },
    };
    await writeFile({ files: logged, random: nodeHost().random }, `${path}/store/b`, Buffer.from('one'));
    expect(calls).toEqual(['write', 'sync', 'rename', 'sync directory']);
  });
});
