// The inbox: what waits there is untrusted, bounded, and moved aside when it is refused.

import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import { RonError } from '../../src/errors.ts';
import { ensureHome } from '../../src/storage/home.ts';
import { inboxName, putInbox, readInbox, refuseInbox, removeFromInbox } from '../../src/storage/inbox.ts';
import { type StoreContext, storeContext } from '../../src/storage/store-deps.ts';
import { storeDeps, temporaryHome } from '../support/store.ts';

async function context(): Promise<StoreContext> {
  const ctx = await storeContext(storeDeps(temporaryHome()));
  await ensureHome(ctx, ctx.paths);
  return ctx;
}

const digest = (n: number): string => `sha256:${n.toString(16).padStart(64, '0')}`;

describe('the inbox', () => {
  it('keeps a file under the digest of its content, once; names of another form are not seen', async () => {
    const ctx = await context();
    expect(readInbox(ctx)).toEqual([]);
    await putInbox(ctx, digest(1), utf8('one'));
    await putInbox(ctx, digest(1), utf8('one'));
    writeFileSync(join(ctx.paths.inbox, 'note.txt'), 'x', { mode: 0o600 });
    expect(readInbox(ctx).map((one) => one.name)).toEqual([inboxName(digest(1))]);
    await removeFromInbox(ctx, [inboxName(digest(1)), inboxName(digest(2))]);
    expect(readInbox(ctx)).toEqual([]);
  });

  it('replaces a planted namesake', async () => {
    const ctx = await context();
    await putInbox(ctx, digest(1), utf8('planted'));
    await putInbox(ctx, digest(1), utf8('honest'));
    expect(Buffer.from(readInbox(ctx)[0]!.bytes!).toString()).toBe('honest');
  });

  it('holds at most 1,000 files', async () => {
    const ctx = await context();
    mkdirSync(ctx.paths.inbox, { mode: 0o700 });
    for (let n = 0; n < 1000; n++) writeFileSync(join(ctx.paths.inbox, inboxName(digest(n))), 'x', { mode: 0o600 });
    await putInbox(ctx, digest(5), utf8('again'));
    await expect(putInbox(ctx, digest(1000), utf8('x'))).rejects.toMatchObject({ code: 'LimitReached' });
  });

  it('reports files of another mode, links and what is too large, and reads the rest', async () => {
    const ctx = await context();
    for (const n of [1, 2, 3]) await putInbox(ctx, digest(n), utf8('x'));
    chmodSync(join(ctx.paths.inbox, inboxName(digest(1))), 0o644);
    symlinkSync('/etc/hostname', join(ctx.paths.inbox, inboxName(digest(4))));
    writeFileSync(join(ctx.paths.inbox, inboxName(digest(5))), new Uint8Array(1024 * 1024 + 1), { mode: 0o600 });
    const found = readInbox(ctx).map(({ name, bytes, problem }) => [
      Number.parseInt(name, 16) || name,
      bytes === null,
      problem?.code,
    ]);
    expect(found).toMatchObject([
      [1, true, 'UnsafeFile'],
      [2, false, undefined],
      [3, false, undefined],
      [4, true, 'UnsafeFile'],
      [5, true, 'TooLarge'],
    ]);
  });

  it('keeps the newest 100 refused files', async () => {
    const ctx = await context();
    for (let n = 0; n < 103; n++) {
      await putInbox(ctx, digest(n), utf8('x'));
      await refuseInbox(ctx, [inboxName(digest(n))]);
    }
    expect(readdirSync(join(ctx.paths.inbox, 'refused'))).toHaveLength(100);
    expect(readInbox(ctx)).toEqual([]);
    await expect(refuseInbox(ctx, [inboxName(digest(7777))])).rejects.toThrow(RonError);
  });
});
