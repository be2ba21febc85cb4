import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { readPublicView, withPublicView } from '../../src/storage/public-reader.ts';
import { storeContext } from '../../src/storage/store-deps.ts';
import { createKey, INIT, KID } from '../support/custody.ts';
import { storeDeps, temporaryHome } from '../support/store.ts';

async function home() {
  const path = temporaryHome();
  const deps = storeDeps(path);
  const store = await initCustody(deps, INIT);
  return { path, store, ctx: await storeContext(deps) };
}

describe('reading without a passphrase', () => {
  it('is local under a checkpoint of an ungoverned store, and sees what was committed', async () => {
    const { ctx, store } = await home();
    expect(readPublicView(ctx)).toMatchObject({ trust: 'local', view: { generation: 1, keys: [] } });
    await store.mutate(createKey());
    // Committed, and not yet under a checkpoint.
    expect(readPublicView(ctx)).toMatchObject({ trust: 'not-authenticated', view: { generation: 2 } });
    await store.checkpoint();
    const read = readPublicView(ctx);
    expect(read).toMatchObject({
      trust: 'local',
      view: { keys: [{ kid: KID }] },
      head: { record: { op: 'manifest' } },
    });
    await store.close();
  });

  it('refuses an older public.json, and an altered one', async () => {
    const { ctx, store, path } = await home();
    const old = readFileSync(`${path}/store/public.json`);
    await store.mutate(createKey());
    await store.mutate(createKey(2));
    await store.checkpoint();
    await store.close();
    const current = readFileSync(`${path}/store/public.json`);
    writeFileSync(`${path}/store/public.json`, old);
    expect(() => readPublicView(ctx)).toThrow(/not the one that the audit log names/);
    writeFileSync(`${path}/store/public.json`, current.toString().replace('"superseded"', '"retired"'));
    expect(() => readPublicView(ctx)).toThrow(/not the one that the audit log names/);
    rmSync(`${path}/store/public.json`);
    expect(() => readPublicView(ctx)).toThrow(/public.json is missing/);
  });

  it('refuses a whole older home when it remembers a newer checkpoint', async () => {
    const { ctx, store, path } = await home();
    for (const part of ['store', 'audit']) cpSync(`${path}/${part}`, `${path}/../old/${part}`, { recursive: true });
    await store.mutate(createKey());
    await store.checkpoint();
    await store.close();
    for (const part of ['store', 'audit']) {
      rmSync(`${path}/${part}`, { recursive: true });
      cpSync(`${path}/../old/${part}`, `${path}/${part}`, { recursive: true });
    }
    expect(() => readPublicView(ctx)).toThrow(/remembers a checkpoint of size/);
  });

  it('starts over when a writer changed it meanwhile, and gives up after five times', async () => {
    const { ctx, store } = await home();
    let n = 0;
    const path = ctx.paths.publicView;
    const files = {
      ...ctx.files,
      read: (at: string, max: number) => {
        const bytes = ctx.files.read(at, max);
        // Every second look finds one byte more.
        return at === path && bytes !== null && ++n % 2 === 0 ? new Uint8Array([...bytes, 0x0a]) : bytes;
      },
    };
    expect(() => withPublicView({ ...ctx, files }, (read) => read)).toThrow(/changed at each of 5 attempts/);
    await store.close();
  });

  it('says what is missing in an empty home', async () => {
    const ctx = await storeContext(storeDeps(temporaryHome()));
    expect(() => readPublicView(ctx)).toThrow(/no custody store/);
  });
});
