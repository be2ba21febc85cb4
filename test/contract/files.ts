// What every `Files` must do, by the same errors: run against the disk and against memory.

import { expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import type { Files } from '../../src/host.ts';

export interface FilesSubject {
  readonly files: Files;
  /** A directory that exists and is empty. */
  readonly root: string;
}

const bytes = (text: string): Uint8Array => utf8(text);
const text = (read: Uint8Array | null): string | null => (read === null ? null : Buffer.from(read).toString());
const code = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'nothing was refused';
};

export function filesContract(make: () => FilesSubject): void {
  const written = ({ files, root }: FilesSubject, name: string, content: string): string => {
    const path = `${root}/${name}`;
    const file = files.open(path, 'create-new');
    file.write(bytes(content), 0);
    file.syncNow();
    file.close();
    return path;
  };

  it('what is absent: null, empty, NotFound', () => {
    const { files, root } = make();
    const path = `${root}/none`;
    expect(files.info(path)).toBeNull();
    expect(files.list(path)).toEqual([]);
    expect(files.read(path, 10)).toBeNull();
    expect(code(() => files.open(path, 'read'))).toBe('NotFound');
    expect(code(() => files.open(path, 'write'))).toBe('NotFound');
    expect(code(() => files.remove(path))).toBe('NotFound');
    expect(code(() => files.removeDirectory(path))).toBe('NotFound');
    expect(code(() => files.rename(path, `${root}/x`))).toBe('NotFound');
    expect(code(() => files.link(path, `${root}/x`))).toBe('NotFound');
    expect(code(() => files.syncDirectoryNow(path))).toBe('NotFound');
    expect(code(() => files.open(`${path}/below`, 'create-new'))).toBe('NotFound');
    expect(code(() => files.makeDirectory(`${path}/below`))).toBe('NotFound');
    expect(code(() => files.realPath(path))).toBe('NotFound');
  });

  it('files are made 0600 and directories 0700, by this account', () => {
    const subject = make();
    const { files, root } = subject;
    const path = written(subject, 'file', 'abc');
    files.makeDirectory(`${root}/directory`);
    expect(files.info(path)).toMatchObject({ type: 'file', mode: 0o600, uid: files.uid(), sizeBytes: 3 });
    expect(files.info(`${root}/directory`)).toMatchObject({ type: 'directory', mode: 0o700, uid: files.uid() });
    expect(files.list(root)).toEqual(['directory', 'file']);
  });

  it('nothing that exists is made again', () => {
    const subject = make();
    const { files, root } = subject;
    const path = written(subject, 'file', 'abc');
    const other = written(subject, 'other', 'def');
    expect(code(() => files.open(path, 'create-new'))).toBe('Exists');
    expect(code(() => files.makeDirectory(path))).toBe('Exists');
    expect(code(() => files.link(other, path))).toBe('Exists');
    expect(text(files.read(`${root}/file`, 10))).toBe('abc');
  });

  it('an open file stands where it was opened until it is moved, replaced or removed', () => {
    const subject = make();
    const { files, root } = subject;
    const made = files.open(`${root}/made`, 'create-new');
    expect(made.stands()).toBe(true);
    files.rename(`${root}/made`, `${root}/moved`);
    expect(made.stands()).toBe(false);
    const moved = files.open(`${root}/moved`, 'write');
    expect(moved.stands()).toBe(true);
    files.rename(written(subject, 'other', 'abc'), `${root}/moved`);
    expect(moved.stands()).toBe(false);
    files.makeDirectory(`${root}/below`);
    const below = files.open(written(subject, 'below/file', 'abc'), 'read');
    expect(below.stands()).toBe(true);
    files.rename(`${root}/below`, `${root}/away`);
    expect(below.stands()).toBe(false);
    files.rename(`${root}/away`, `${root}/below`);
    expect(below.stands()).toBe(true);
    files.remove(`${root}/below/file`);
    expect(below.stands()).toBe(false);
    written(subject, 'below/file', 'abc');
    expect(below.stands()).toBe(false);
    for (const file of [made, moved, below]) file.close();
  });

  it('reads at a position, short at the end; writes and truncates in place', async () => {
    const subject = make();
    const { files } = subject;
    const path = written(subject, 'file', '0123456789');
    const file = files.open(path, 'write');
    expect(text(file.read(3, 4))).toBe('3456');
    expect(text(file.read(8, 4))).toBe('89');
    expect(text(file.read(10, 4))).toBe('');
    expect(text(file.read(20, 4))).toBe('');
    file.write(bytes('ab'), 9);
    await file.sync();
    expect(text(files.read(path, 100))).toBe('012345678ab');
    file.truncate(4);
    expect(text(files.read(path, 100))).toBe('0123');
    file.write(bytes('z'), 6);
    expect([...files.read(path, 100)!]).toEqual([48, 49, 50, 51, 0, 0, 122]);
    expect(file.info().sizeBytes).toBe(7);
    file.close();
  });

  it('what was read is a copy', () => {
    const subject = make();
    const path = written(subject, 'file', 'abc');
    subject.files.read(path, 10)!.fill(0);
    expect(text(subject.files.read(path, 10))).toBe('abc');
  });

  it('more than the limit is refused before it is read', () => {
    const subject = make();
    const path = written(subject, 'file', 'abcd');
    expect(code(() => subject.files.read(path, 3))).toBe('TooLarge');
    expect(text(subject.files.read(path, 4))).toBe('abcd');
  });

  it('a rename replaces; an open file lives on after its name is gone', () => {
    const subject = make();
    const { files, root } = subject;
    const old = written(subject, 'old', 'old');
    const open = files.open(old, 'read');
    files.rename(written(subject, 'new', 'new'), old);
    expect(text(files.read(old, 10))).toBe('new');
    expect(text(open.read(0, 10))).toBe('old');
    open.close();
    expect(files.list(root)).toEqual(['old']);
  });

  it('a hard link is the same file, and outlives the first name', () => {
    const subject = make();
    const { files, root } = subject;
    const first = written(subject, 'first', 'abc');
    files.link(first, `${root}/second`);
    const file = files.open(`${root}/second`, 'write');
    file.write(bytes('X'), 0);
    file.close();
    expect(text(files.read(first, 10))).toBe('Xbc');
    files.remove(first);
    expect(text(files.read(`${root}/second`, 10))).toBe('Xbc');
  });

  it('directories: only empty ones go, a file is none, names are sorted', () => {
    const subject = make();
    const { files, root } = subject;
    files.makeDirectory(`${root}/d`);
    for (const name of ['b', 'a', 'B', '10', '9']) written({ files, root: `${root}/d` }, name, name);
    expect(files.list(`${root}/d`)).toEqual(['10', '9', 'B', 'a', 'b']);
    expect(code(() => files.removeDirectory(`${root}/d`))).toBe('Exists');
    expect(code(() => files.remove(`${root}/d`))).toBe('UnsafeFile');
    expect(code(() => files.open(`${root}/d`, 'read'))).toBe('UnsafeFile');
    expect(code(() => files.read(`${root}/d`, 10))).toBe('UnsafeFile');
    files.rename(`${root}/d`, `${root}/e`);
    expect(text(files.read(`${root}/e/a`, 10))).toBe('a');
    for (const name of files.list(`${root}/e`)) files.remove(`${root}/e/${name}`);
    files.removeDirectory(`${root}/e`);
    expect(files.list(root)).toEqual([]);
    files.syncDirectoryNow(root);
  });

  it('a temporary directory is a fresh one', () => {
    const { files } = make();
    const [a, b] = [files.temporaryDirectory('x-'), files.temporaryDirectory('x-')];
    expect(a).not.toBe(b);
    expect(files.info(a)?.mode).toBe(0o700);
    for (const one of [a, b]) files.removeDirectory(one);
  });
}
