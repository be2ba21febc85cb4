import { mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nodeFiles, withWriteThread } from '../../src/cli/node-files.ts';
import type { Files, OpenFile } from '../../src/host.ts';
import { writeInOrder } from '../../src/storage/durable-file.ts';
import { refusalOf } from '../support/refusal.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'ronctl-write-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function opened(files: Files, path: string): OpenFile {
  const file = files.open(path, 'create-new');
  onTestFinished(() => file.close());
  return file;
}

const openPaths = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });

/** The contract of `Files.writeInOrder`, and of the steps that stand for it where there is none. */
describe.each([
  ['on this thread', () => nodeFiles()],
  ['on a thread of its own', () => withWriteThread(nodeFiles())],
])('writes in order, %s', (_name, make) => {
  test('all bytes at their places, and all files stand', async () => {
    const files = make();
    const place = directory();
    const [one, two] = [opened(files, `${place}/one`), opened(files, `${place}/two`)];
    const first = writeInOrder(files, [
      { file: one, bytes: text('segment'), position: 3 },
      { file: two, bytes: text('head'), position: 0 },
    ]);
    expect(await first).toBe(true);
    expect(await writeInOrder(files, [{ file: one, bytes: text('abc'), position: 0 }])).toBe(true);
    expect(readFileSync(`${place}/one`, 'latin1')).toBe('abcsegment');
    expect(readFileSync(`${place}/two`, 'latin1')).toBe('head');
  });

  test('a file that was moved or replaced does not stand', async () => {
    const files = make();
    const place = directory();
    const [one, two] = [opened(files, `${place}/one`), opened(files, `${place}/two`)];
    renameSync(`${place}/two`, `${place}/moved`);
    const writes = [one, two].map((file) => ({ file, bytes: text('x'), position: 0 }));
    expect(await writeInOrder(files, writes)).toBe(false);
    opened(files, `${place}/two`);
    expect(await writeInOrder(files, writes)).toBe(false);
    renameSync(`${place}/moved`, `${place}/two`);
    expect(await writeInOrder(files, writes)).toBe(true);
  });

  test('the first error names its file, and nothing behind it is written', async () => {
    const files = make();
    const place = directory();
    opened(files, `${place}/one`);
    const two = opened(files, `${place}/two`);
    const readOnly = files.open(`${place}/one`, 'read');
    onTestFinished(() => readOnly.close());
    const error = await refusalOf(
      writeInOrder(files, [
        { file: readOnly, bytes: text('x'), position: 0 },
        { file: two, bytes: text('x'), position: 0 },
      ]),
    );
    expect(error).toMatchObject({ code: 'StorageFault', message: `cannot write ${place}/one: EBADF` });
    expect(readFileSync(`${place}/two`, 'latin1')).toBe('');
    expect(await writeInOrder(files, [{ file: two, bytes: text('y'), position: 0 }])).toBe(true);
  });
});

test('a file closed while the thread writes it is closed afterwards', async () => {
  const files = withWriteThread(nodeFiles());
  const place = directory();
  const bytes = new Uint8Array(1 << 20).fill(7);
  const file = files.open(`${place}/one`, 'create-new');
  const written = writeInOrder(files, [{ file, bytes, position: 0 }]);
  file.close();
  const next = opened(files, `${place}/two`);
  expect(await written).toBe(true);
  expect(readFileSync(`${place}/one`)).toEqual(Buffer.from(bytes));
  expect(next.info().sizeBytes).toBe(0);
  expect(openPaths()).not.toContain(`${place}/one`);
});
