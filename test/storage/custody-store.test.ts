import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import { sha256Hex } from '../../src/crypto/hash.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { openCustodyStore } from '../../src/storage/custody-open.ts';
import { ledgerLineRef } from '../../src/storage/ledger-segments.ts';
import { ACTOR, createKey as create, createDraft, INIT, KID, signDraft as sign } from '../support/custody.ts';
import { fixedPassphrases, storeDeps, temporaryHome } from '../support/store.ts';

async function home() {
  const path = temporaryHome();
  const deps = storeDeps(path);
  const store = await initCustody(deps, INIT);
  return { path, deps, store };
}

describe('the custody store', () => {
  it('is made with its log, whose first checkpoint ends with a manifest record', async () => {
    const { store, deps, path } = await home();
    expect(store.record(0)).toMatchObject({ op: 'init', generation: 1, detail: { profile: 'dev', governed: false } });
    const size = store.newestCheckpoint().size;
    expect(store.logSize).toBe(size);
    expect(store.record(size - 1)).toMatchObject({
      op: 'manifest',
      public_sha256: sha256Hex(readFileSync(`${path}/store/public.json`)),
      manifest_sha256: sha256Hex(readFileSync(`${path}/store/manifest.ronk`)),
    });
    expect(store.profile).toBe('dev');
    expect(store.recordIds()).toEqual(['service-keys', 'log-keys', 'cap-root/1']);
    await store.close();
    const again = await openCustodyStore(deps);
    expect(again.storeId).toBe(store.storeId);
    expect(again.view.generation).toBe(1);
    await again.close();
    await expect(initCustody(deps, INIT)).rejects.toMatchObject({ code: 'Exists' });
  });

  it('is NotInitialised without init, and names the command', async () => {
    const deps = storeDeps(temporaryHome());
    await expect(openCustodyStore(deps)).rejects.toMatchObject({
      code: 'NotInitialised',
      hint: expect.stringContaining('ronctl init --profile'),
    });
  });

  it('commits a mutation and finds it again', async () => {
    const { store, deps, path } = await home();
    const before = store.logSize;
    const record = await store.mutate(create());
    expect(record).toMatchObject({ seq: before, generation: 2, kid_seq: 1, detail: { governed: false } });
    expect(store.view.keys[0]?.versions[0]?.created_seq).toBe(before);
    const item = await store.read(`${KID}#v1`);
    expect(Buffer.from(item.secret).toString()).toBe('s'.repeat(32));
    const signed = await Promise.all(Array.from({ length: 5 }, () => store.append([sign])));
    expect(new Set(signed.map(([one]) => one?.kid_seq))).toEqual(new Set([2, 3, 4, 5, 6]));
    expect(store.findOperation(record.op_id)).toEqual(record);
    expect(store.findOperation('0190a5a0-0000-7000-8000-00000000ffff')).toBeNull();
    const checkpoint = await store.checkpoint();
    expect(checkpoint.size).toBe(store.logSize);
    expect([...store.records(before)].map((one) => one.op)).toEqual([
      'create',
      ...signed.map(() => 'sign'),
      'state',
      'manifest',
    ]);
    await store.close();
    expect(readdirSync(`${path}/store`).sort()).toEqual([
      'keys',
      'manifest.ronk',
      'public.json',
      'records',
      'root.ronk',
    ]);

    const again = await openCustodyStore(deps);
    expect(again.view).toEqual(store.view);
    expect((await again.read(`${KID}#v1`)).secret).toHaveLength(32);
    await again.mutate(create(2));
    await again.mutate({ drops: [`${KID}#v1`], audit: createDraft(1) });
    await expect(again.read(`${KID}#v1`)).rejects.toMatchObject({ code: 'NotFound' });
    expect(again.recordIds()).toContain(`${KID}#v2`);
    await again.close();
  });

  it('signs an idle log again without growing it', async () => {
    const { store } = await home();
    const { size } = store.newestCheckpoint();
    await store.checkpoint();
    expect(store.newestCheckpoint().size).toBe(size);
    await store.close();
  });

  it('appends ledger lines under one record and hands them back', async () => {
    const { store, deps } = await home();
    const line = utf8('{"seq":0}');
    const state = utf8('{"v":1}');
    const ledgerId = 'gl-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
    const head = ledgerLineRef(line);
    const record = await store.appendLedger({ ledgerId, lines: [line], head, state, actor: ACTOR });
    expect(record).toMatchObject({ op: 'ledger.append', detail: { ledger_id: ledgerId, seq: 0, hash: head.hash } });
    await store.checkpoint();
    await store.close();
    const again = await openCustodyStore(deps);
    expect([...again.ledgerLines(0)].map((one) => Buffer.from(one).toString())).toEqual(['{"seq":0}']);
    expect(again.ledgerState()).toEqual(new Uint8Array(state));
    await again.close();
  });

  it('changes its passphrase and its root key', async () => {
    const { store, deps, path } = await home();
    await store.mutate(create());
    await store.mutate({
      passphrase: utf8('second'),
      audit: { op: 'store.passphrase', actor: ACTOR, result: 'ok', detail: { kdf: { alg: 'scrypt' } } },
    });
    await store.close();
    await expect(openCustodyStore(deps)).rejects.toMatchObject({ code: 'WrongPassphrase' });
    const second = storeDeps(path, { passphrases: fixedPassphrases({ store: 'second' }) });
    const again = await openCustodyStore(second);
    const digest = await again.requestDigest(utf8('{}'));
    const root = readFileSync(`${path}/store/root.ronk`);
    await again.mutate({
      rotateRoot: true,
      audit: { op: 'store.reseal', actor: ACTOR, result: 'ok', detail: { kdf: { alg: 'scrypt' } } },
    });
    expect(readFileSync(`${path}/store/root.ronk`)).not.toEqual(root);
    expect(await again.requestDigest(utf8('{}'))).not.toBe(digest);
    expect((await again.read(`${KID}#v1`)).secret).toHaveLength(32);
    await again.close();
    const third = await openCustodyStore(second);
    expect((await third.read(`${KID}#v1`)).secret).toHaveLength(32);
    expect(third.recordIds()).toHaveLength(4);
    await third.close();
  });

  it('reads its service keys again after a file that was not there for a moment', async () => {
    const made = await home();
    await made.store.close();
    const store = await openCustodyStore(made.deps);
    const records = `${made.path}/store/records`;
    renameSync(records, `${records}-away`);
    await expect(store.serviceKeys()).rejects.toMatchObject({ code: 'Tampered' });
    renameSync(`${records}-away`, records);
    expect((await store.serviceKeys()).ed25519.publicKey).toHaveLength(32);
    await store.close();
  });

  it('is held by one writer, and names the holder', async () => {
    const { store, deps } = await home();
    await expect(openCustodyStore(deps)).rejects.toMatchObject({
      code: 'Locked',
      message: expect.stringMatching(/^a command \(pid \d+, since /),
    });
    await store.close();
    const next = await openCustodyStore(deps);
    await next.close();
  });

  it('stops when another process has written holder.json', async () => {
    const { store, path } = await home();
    const holder = JSON.parse(readFileSync(`${path}/holder.json`, 'utf8')) as Record<string, unknown>;
    writeFileSync(`${path}/holder.json`, `${JSON.stringify({ ...holder, nonce: 'x' })}\n`);
    await expect(store.mutate(create())).rejects.toMatchObject({
      code: 'StorageFault',
      message: expect.stringContaining('taken over'),
    });
    await expect(store.append([sign])).rejects.toMatchObject({ code: 'StorageFault' });
    await store.close();
  });

  it('opens for a dry run without writing anything', async () => {
    const { store, deps, path } = await home();
    await store.mutate(create());
    await store.close();
    const before = snapshot(path);
    const dry = await openCustodyStore(deps, { dryRun: true });
    expect(dry.view.keys).toHaveLength(1);
    expect(dry.verifyOnly).toBeNull();
    await expect(dry.append([sign])).rejects.toMatchObject({ code: 'Internal' });
    await dry.close();
    expect(snapshot(path)).toEqual(before);
  });
});

describe('an older or damaged store', () => {
  async function twoGenerations() {
    const made = await home();
    await made.store.checkpoint();
    await made.store.close();
    const old = `${made.path}.old`;
    cpSync(made.path, old, { recursive: true });
    const store = await openCustodyStore(made.deps);
    await store.mutate(create());
    await store.checkpoint();
    await store.close();
    return { ...made, old };
  }
  const put = (from: string, to: string): void => {
    rmSync(to, { recursive: true });
    cpSync(from, to, { recursive: true });
  };

  it('under a newer log is RolledBack', async () => {
    const { deps, path, old } = await twoGenerations();
    put(`${old}/store`, `${path}/store`);
    await expect(openCustodyStore(deps)).rejects.toMatchObject({ code: 'RolledBack' });
    rmSync(old, { recursive: true });
  });

  it('with an older log is LogTruncated', async () => {
    const { deps, path, old } = await twoGenerations();
    put(`${old}/audit`, `${path}/audit`);
    await expect(openCustodyStore(deps)).rejects.toMatchObject({ code: 'LogTruncated' });
    rmSync(`${path}/audit`, { recursive: true });
    await expect(openCustodyStore(deps)).rejects.toMatchObject({ code: 'LogTruncated' });
    rmSync(old, { recursive: true });
  });

  it('with a manifest of the same generation that the log did not commit is Tampered', async () => {
    const { deps, path, old } = await twoGenerations();
    const bytes = readFileSync(`${path}/store/manifest.ronk`);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(`${path}/store/manifest.ronk`, bytes);
    await expect(openCustodyStore(deps)).rejects.toMatchObject({ code: 'Tampered' });
    rmSync(old, { recursive: true });
  });

  it.each([
    ['older', (path: string, old: string) => put(`${old}/store/public.json`, `${path}/store/public.json`)],
    ['missing', (path: string) => rmSync(`${path}/store/public.json`)],
    ['altered', (path: string) => writeFileSync(`${path}/store/public.json`, '{}\n')],
  ] as const)('with public.json %s makes it again from the log, says so, and goes on', async (_how, damage) => {
    const { deps, path, old } = await twoGenerations();
    const before = readFileSync(`${path}/store/public.json`);
    damage(path, old);
    const notices: string[] = [];
    const dry = await openCustodyStore(deps, { dryRun: true });
    expect(dry.view.keys).toHaveLength(1);
    await dry.close();
    const store = await openCustodyStore(deps, { onNotice: (line) => notices.push(line) });
    expect(notices).toEqual([expect.stringContaining('made again from the audit log')]);
    expect(readFileSync(`${path}/store/public.json`)).toEqual(before);
    await store.mutate(create(2));
    await store.checkpoint();
    await store.close();
    const again = await openCustodyStore(deps, { onNotice: (line) => notices.push(line) });
    expect(again.view.keys[0]?.versions.map((one) => one.state)).toEqual(['superseded', 'active']);
    expect(notices).toHaveLength(1);
    await again.close();
    rmSync(old, { recursive: true });
  });

  it('does not take an altered record for a key when public.json is gone', async () => {
    const { deps, path, old } = await twoGenerations();
    rmSync(`${path}/store/public.json`);
    const segment = `${path}/audit/e0/segments/000000.jsonl`;
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('ab'.repeat(32), 'cd'.repeat(32)));
    await expect(openCustodyStore(deps)).rejects.toMatchObject({ code: 'Tampered' });
    rmSync(old, { recursive: true });
  });
});

function snapshot(path: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!name.isFile() || name.name.endsWith('.lock')) continue;
    const file = `${name.parentPath}/${name.name}`;
    out[file] = sha256Hex(readFileSync(file));
  }
  return out;
}
