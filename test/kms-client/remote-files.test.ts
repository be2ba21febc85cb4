// A server's public files in the place of this home's: what is asked, what is kept, and what a server cannot do with them.

import { describe, expect, it } from 'vitest';
import type { FileInfo, Files } from '../../src/host.ts';
import { BLOCK_BYTES, type PublishedFiles, remoteFiles } from '../../src/kms-client/remote-files.ts';
import { refusal } from '../support/refusal.ts';

const HOME = '/somebody/ronctl';

function server(files: Record<string, Uint8Array>) {
  const asked: string[] = [];
  const info = (path: string): FileInfo | null => {
    const bytes = files[path];
    const isDirectory = Object.keys(files).some((one) => one.startsWith(`${path}/`));
    if (bytes === undefined && !isDirectory) return null;
    const type = bytes === undefined ? 'directory' : 'file';
    return { type, mode: 0o640, uid: 4711, sizeBytes: bytes?.length ?? 0, mtimeMs: 1 };
  };
  const published: PublishedFiles = {
    info: (path) => {
      asked.push(`info ${path}`);
      return info(path);
    },
    list: (path) => {
      asked.push(`list ${path}`);
      const below = Object.keys(files).filter((one) => one.startsWith(`${path}/`));
      return [...new Set(below.map((one) => one.slice(path.length + 1).split('/')[0]!))];
    },
    read: (path, offset, length) => {
      asked.push(`read ${path} ${offset}+${length}`);
      return files[path]?.slice(offset, offset + length) ?? null;
    },
  };
  return { files, asked, published };
}

/** This machine's files: each access outside of what a test gives is a mistake. */
function own(there: Record<string, Uint8Array> = {}): Files {
  const refuse = (name: string) => (): never => {
    throw new Error(`${name} of this machine was not expected`);
  };
  return {
    uid: () => 1000,
    info: (path) =>
      there[path] === undefined
        ? null
        : { type: 'file', mode: 0o600, uid: 1000, sizeBytes: there[path].length, mtimeMs: 0 },
    list: () => [],
    read: (path) => there[path] ?? null,
    open: refuse('open'),
    makeDirectory: refuse('makeDirectory'),
    rename: refuse('rename'),
    link: refuse('link'),
    remove: refuse('remove'),
    removeDirectory: refuse('removeDirectory'),
    syncDirectory: refuse('syncDirectory'),
    syncDirectoryNow: refuse('syncDirectoryNow'),
    realPath: (path) => path,
    fileSystem: refuse('fileSystem'),
    temporaryDirectory: refuse('temporaryDirectory'),
  };
}

const over = (published: PublishedFiles, there: Record<string, Uint8Array> = {}): Files =>
  remoteFiles({ own: own(there), home: HOME, server: published, name: 'the server' });
const at = (path: string): string => `${HOME}/${path}`;
const bytes = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);

describe('files that are replaced whole', () => {
  const path = 'store/public.json';

  it("are this account's and come whole, in one request", () => {
    const { published, asked } = server({ [path]: bytes(10) });
    const files = over(published);
    expect(files.info(at(path))).toEqual({ type: 'file', mode: 0o600, uid: 1000, sizeBytes: 10, mtimeMs: 0 });
    const file = files.open(at(path), 'read');
    expect([file.info().sizeBytes, file.read(2, 3), file.read(9, 5), file.read(10, 1)]).toEqual([
      10,
      bytes(3),
      bytes(1),
      bytes(0),
    ]);
    expect(asked).toEqual([`read ${path} 0+${BLOCK_BYTES}`]);
  });

  it('are asked for again at the next reading, and an open one does not change', () => {
    const { published, files: there } = server({ [path]: bytes(10) });
    const files = over(published);
    const file = files.open(at(path), 'read');
    there[path] = bytes(4, 2);
    expect(file.read(0, 10)).toEqual(bytes(10));
    expect(files.read(at(path), 100)).toEqual(bytes(4, 2));
  });

  it('of more than one piece count only when they did not change meanwhile', () => {
    const { published, files: there } = server({ [path]: bytes(BLOCK_BYTES + 5) });
    expect(over(published).read(at(path), 2 * BLOCK_BYTES)).toEqual(bytes(BLOCK_BYTES + 5));
    let turn = 0;
    const restless: PublishedFiles = {
      ...published,
      read: (name, offset, length) => {
        turn += 1;
        there[path] = bytes(BLOCK_BYTES + 5, turn);
        return published.read(name, offset, length);
      },
    };
    expect(refusal(() => over(restless).read(at(path), 2 * BLOCK_BYTES)).code).toBe('Changing');
  });

  it('over the limit of the reader are refused, and absent ones are absent', () => {
    const { published } = server({ [path]: bytes(10) });
    const files = over(published);
    expect(refusal(() => files.read(at(path), 9)).code).toBe('TooLarge');
    expect([files.info(at('store/keys/x')), files.read(at('store/keys/x'), 9)]).toEqual([null, null]);
    expect(refusal(() => files.open(at('audit/log.json'), 'read')).code).toBe('NotFound');
  });
});

describe('files that grow', () => {
  const path = 'audit/e0/segments/000000.jsonl';

  it('are read in blocks, each asked for once', () => {
    const content = Uint8Array.from({ length: 2 * BLOCK_BYTES + 7 }, (_, index) => index % 251);
    const { published, asked } = server({ [path]: content });
    const file = over(published).open(at(path), 'read');
    const parts: number[] = [];
    for (let position = 0; position < content.length; position += 100_000) {
      parts.push(...file.read(position, 100_000));
    }
    expect(Buffer.from(parts).equals(Buffer.from(content))).toBe(true);
    expect(asked.filter((one) => one.startsWith('read'))).toEqual([
      `read ${path} 0+${BLOCK_BYTES}`,
      `read ${path} ${BLOCK_BYTES}+${BLOCK_BYTES}`,
      `read ${path} ${2 * BLOCK_BYTES}+${BLOCK_BYTES}`,
    ]);
  });

  it('have the size of their opening; a later opening sees more', () => {
    const { published, files: there } = server({ [path]: bytes(10) });
    const files = over(published);
    const file = files.open(at(path), 'read');
    there[path] = bytes(20);
    expect(file.read(0, 100)).toHaveLength(10);
    expect(files.open(at(path), 'read').read(0, 100)).toHaveLength(20);
  });

  it('a server that sends more than was asked for is refused', () => {
    const { published } = server({ [path]: bytes(10) });
    const generous: PublishedFiles = { ...published, read: () => bytes(BLOCK_BYTES + 1) };
    expect(refusal(() => over(generous).open(at(path), 'read').read(0, 5)).code).toBe('Unreachable');
  });
});

describe('tiles', () => {
  it.each(['audit/e0/tile/0/000', 'audit/e0/tile/1/x001/234', 'audit/e0/tile/0/003.p/17'])(
    '%s is asked for once',
    (path) => {
      const { published, asked } = server({ [path]: bytes(32) });
      const files = over(published);
      for (let n = 0; n < 3; n++) expect(files.read(at(path), 8192)).toEqual(bytes(32));
      expect(asked.filter((one) => one.startsWith('read'))).toHaveLength(1);
    },
  );
});

describe("what is not a server's", () => {
  it.each([
    'trust/x/pin.json',
    'signers/alice/x',
    'inbox/y.json',
    'home.json',
    'run/kms.json',
    'storehouse',
    'auditors/x',
  ])("%s is this home's own", (path) => {
    const { published, asked } = server({ [path]: bytes(3) });
    expect(over(published, { [at(path)]: bytes(5, 9) }).read(at(path), 99)).toEqual(bytes(5, 9));
    expect(asked).toEqual([]);
  });

  it.each(['store/root.ronk', 'store/manifest', 'store/keys/a/b', 'store'])(
    "%s is not asked for, and not this home's",
    (path) => {
      const { published, asked } = server({});
      const files = over(published, { [at(path)]: bytes(5) });
      expect(files.read(at(path), 99)).toBeNull();
      expect(asked.filter((one) => one.startsWith('read'))).toEqual([]);
    },
  );

  it('nothing of it is written', () => {
    const files = over(server({ 'store/public.json': bytes(1) }).published);
    for (const act of [
      () => files.open(at('audit/e0/checkpoint'), 'write'),
      () => files.open(at('audit/e0/checkpoint'), 'create-new'),
      () => files.remove(at('store/public.json')),
      () => files.rename('/tmp/x', at('ledger/state.json')),
      () => files.makeDirectory(at('audit/e1')),
      () => files.open(at('store/public.json'), 'read').write(bytes(1), 0),
    ]) {
      expect(refusal(act).code).toBe('Unsupported');
    }
  });

  it("is published by a server, which is this home's own only when the log is the same", () => {
    const { published } = server({ 'audit/log.json': bytes(8) });
    expect(over(published).published).toMatchObject({ by: 'the server', own: false });
    expect(over(published, { [at('audit/log.json')]: bytes(8) }).published?.own).toBe(true);
    expect(over(published, { [at('audit/log.json')]: bytes(8, 2) }).published?.own).toBe(false);
  });
});
