import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCosignatureVerifier } from '../../src/audit/cosignature.ts';
import type { WitnessReply } from '../../src/audit/witness.ts';
import { parseSignatureLines } from '../../src/audit/witness-request.ts';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import { formatNote, parseNote, parseVkey } from '../../src/envelope/note.ts';
import { RonError } from '../../src/errors.ts';
import { witnessFileName } from '../../src/storage/witness-store.ts';
import { testCrypto } from '../support/crypto.ts';
import { Crashed, faultyFiles } from '../support/faulty-files.ts';
import { LOG_ORIGIN, numberedLog, witnessIdentityOf, witnessStore } from '../support/witness.ts';

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'ronctl-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const NAME = witnessFileName(LOG_ORIGIN);

async function cosignedSize(lines: Uint8Array): Promise<number | null> {
  const { body } = await numberedLog();
  const { vkeys } = await witnessIdentityOf();
  const signatures = parseSignatureLines(lines, 'answer');
  for (let size = 1; size <= 16; size++) {
    const text = `${LOG_ORIGIN}\n${size}\n${Buffer.from(body(size).root).toString('base64')}\n`;
    const verified = vkeys.map((vkey, at) =>
      createCosignatureVerifier(parseVkey(vkey), testCrypto()).check(text, signatures[at]!.signature),
    );
    if (verified.every((time) => time !== null && time > 0)) return size;
  }
  return null;
}

describe('a witness store', () => {
  it('keeps the note before it answers, and goes on from there', async () => {
    const { request } = await numberedLog();
    const base = directory();
    const { store, directory: place } = await witnessStore(nodeFiles(), base);
    const first = await store.answer(await request(0, 3));
    expect(first.status).toBe(200);
    expect(await cosignedSize((first as Extract<WitnessReply, { status: 200 }>).lines)).toBe(3);
    const note = parseNote(readFileSync(join(place, NAME)), 'note');
    expect(note.signatures.map((one) => one.name)).toEqual([
      LOG_ORIGIN,
      LOG_ORIGIN,
      'witness.example.org/alice',
      'witness.example.org/alice',
    ]);
    expect(store.cosignedNote(NAME)).toEqual(new Uint8Array(readFileSync(join(place, NAME))));
    // Another process.
    const { store: later } = await witnessStore(nodeFiles(), base);
    expect(await later.answer(await request(0, 7))).toMatchObject({ status: 409, size: 3 });
    expect((await later.answer(await request(3, 7))).status).toBe(200);
    expect(await later.answer(await request(3, 3))).toMatchObject({ status: 409, size: 7 });
    expect((await later.answer(await request(7, 7))).status).toBe(200);
  });

  it('does not know other logs, and asks no file for them', async () => {
    const base = directory();
    const { store } = await witnessStore(nodeFiles(), base);
    const note = 'other.example\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u2014 other.example AAAAAAAA\n';
    expect(await store.answer(Buffer.from(`old 0\n\n${note}`))).toMatchObject({ status: 404, origin: 'other.example' });
    expect(await store.answer(Buffer.from('old 0\n\n\n'))).toMatchObject({ status: 400 });
    expect(store.cosignedNote('../../root.ronk')).toBeNull();
    expect(store.cosignedNote(NAME)).toBeNull();
    expect(readdirSync(join(base, 'witness'))).toEqual([]);
  });

  it('refuses a fork and keeps both notes as evidence', async () => {
    const { request } = await numberedLog();
    const fork = await numberedLog(2);
    const base = directory();
    const { store } = await witnessStore(nodeFiles(), base);
    expect((await store.answer(await request(0, 7))).status).toBe(200);
    const same = await store.answer(await fork.request(7, 7));
    expect(same).toMatchObject({ status: 422, message: 'another root was cosigned for size 7' });
    const { evidence } = same as { readonly evidence?: string };
    const objects = (JSON.parse(readFileSync(evidence!, 'utf8')) as { objects: { checkpoint_b64: string }[] }).objects;
    expect(objects.map((one) => Buffer.from(one.checkpoint_b64, 'base64').toString().split('\n')[1])).toEqual([
      '7',
      '7',
    ]);
    expect(await store.answer(await fork.request(7, 9))).toMatchObject({ status: 422 });
    expect((await store.answer(await request(7, 9))).status).toBe(200);
  });

  it('keeps only lines of the log and its own, whatever a stranger appends', async () => {
    const { note } = await numberedLog();
    const { store, directory: place } = await witnessStore(nodeFiles(), directory());
    const parsed = parseNote(await note(3), 'note');
    const stranger = { name: 'mallory.example', keyId: '01020304', signature: new Uint8Array(64) };
    const bytes = formatNote({ text: parsed.text, signatures: [...parsed.signatures, stranger] });
    expect((await store.answer(Buffer.concat([Buffer.from('old 0\n\n'), bytes]))).status).toBe(200);
    expect(readFileSync(join(place, NAME), 'utf8')).not.toContain('mallory');
  });

  it('stops for a log whose state was altered, in every byte that means something', async () => {
    const { request } = await numberedLog();
    const { store, directory: place } = await witnessStore(nodeFiles(), directory());
    await store.answer(await request(0, 3));
    const bytes = readFileSync(join(place, NAME));
    const text = bytes.toString('utf8');
    const own = text.indexOf('\u2014 witness.example.org');
    const places = [3, text.indexOf('\n3\n') + 1, text.indexOf('\n3\n') + 9, own + 40, text.length - 300];
    for (const at of places) {
      const mangled = Buffer.from(text.slice(0, at) + (text[at] === '4' ? '5' : '4') + text.slice(at + 1), 'utf8');
      writeFileSync(join(place, NAME), mangled);
      await expect(store.answer(await request(3, 7)), `byte ${at}`).rejects.toMatchObject({ code: 'Tampered' });
    }
    writeFileSync(join(place, NAME), text.slice(0, own));
    await expect(store.answer(await request(3, 7))).rejects.toMatchObject({ code: 'Tampered' });
    writeFileSync(join(place, NAME), bytes);
    expect((await store.answer(await request(3, 7))).status).toBe(200);
  });

  it('never says a time again that lies before what it said', async () => {
    const { request } = await numberedLog();
    const base = directory();
    const at = async (seconds: number, from: number, to: number) => {
      const { store } = await witnessStore(nodeFiles(), base, { clock: { now: () => seconds * 1000 } });
      const reply = await store.answer(await request(from, to));
      const lines = parseSignatureLines((reply as Extract<WitnessReply, { status: 200 }>).lines, 'answer');
      return lines.map(({ signature }) => Number(Buffer.from(signature).readBigUInt64BE(0)));
    };
    expect(await at(2_000, 0, 3)).toEqual([2000, 2000]);
    expect(await at(1_000, 3, 4)).toEqual([2000, 2000]);
    expect(await at(3_000, 4, 4)).toEqual([3000, 3000]);
    expect(await at(-5, 4, 5)).toEqual([3000, 3000]);
  });
});

describe('never two roots for one size', () => {
  it('whatever call of the first answer the process dies in, the fork is then judged by what is on the disk', async () => {
    const { request } = await numberedLog();
    const fork = await numberedLog(2);
    const counted = faultyFiles(nodeFiles(), 0, { kind: 'EIO' });
    const dry = await witnessStore(counted.files, directory());
    const before = counted.calls();
    await dry.store.answer(await request(0, 7));
    const calls = counted.calls() - before;
    expect(calls).toBeGreaterThan(3);
    const ends = new Set<string>();
    for (let call = 1; call <= calls; call++) {
      for (const when of ['before', 'after'] as const) {
        const base = directory();
        await witnessStore(nodeFiles(), base);
        const faulty = faultyFiles(nodeFiles(), call, { kind: 'crash', when });
        const { store } = await witnessStore(faulty.files, base);
        const released = await store.answer(await request(0, 7)).then(
          (reply) => reply.status,
          (error: unknown) => {
            if (error instanceof Crashed) return null;
            throw error;
          },
        );
        expect(released, `call ${call} ${when}: nothing leaves a process that died`).toBeNull();
        const { store: again } = await witnessStore(nodeFiles(), base);
        const kept = again.cosignedNote(NAME) !== null;
        const reply = await again.answer(await fork.request(kept ? 7 : 0, 7));
        ends.add(`${kept ? 'kept' : 'lost'} ${reply.status}`);
      }
    }
    // Either the first root is durable and the fork is refused, or nothing ever left and nothing is known.
    expect([...ends].toSorted()).toEqual(['kept 422', 'lost 200']);
  });

  it('a disk that fails gives no cosignature', async () => {
    const { request } = await numberedLog();
    // create, write, sync, rename, sync of the directory
    const at = { ENOSPC: [1, 2, 3, 4, 5], EIO: [1, 2, 3, 4, 5], EROFS: [1, 4], short: [2], sync: [3, 5] } as const;
    for (const [kind, calls] of Object.entries(at) as [keyof typeof at, readonly number[]][]) {
      for (const call of calls) {
        const base = directory();
        await witnessStore(nodeFiles(), base);
        const faulty = faultyFiles(nodeFiles(), call, { kind });
        const { store } = await witnessStore(faulty.files, base);
        const answer = store.answer(await request(0, 7));
        await expect(answer, `${kind} at ${call}`).rejects.toMatchObject({ code: 'StorageFault' });
        expect(faulty.hit()).not.toBeNull();
      }
    }
  });

  it('of concurrent requests of one process and two stores each size has one root', async () => {
    const { request } = await numberedLog();
    const fork = await numberedLog(0);
    const base = directory();
    const { locks } = nodeHost();
    const one = await witnessStore(nodeFiles(), base, { locks, lockTimeoutMs: 20_000 });
    const two = await witnessStore(nodeFiles(), base, { locks, lockTimeoutMs: 20_000 });
    const bodies = await Promise.all([
      request(0, 7),
      fork.request(0, 7),
      request(0, 7),
      fork.request(0, 9),
      request(0, 9),
    ]);
    const replies = await Promise.all(bodies.flatMap((body) => [one.store.answer(body), two.store.answer(body)]));
    expect(replies.filter((reply) => reply.status === 200).length).toBe(1);
    expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200, 409]));
  });

  it('waits for the lock of another process, and says so when it does not come', async () => {
    const { request } = await numberedLog();
    const { store } = await witnessStore(nodeFiles(), directory(), { locks: { acquire: async () => null } });
    await expect(store.answer(await request(0, 3))).rejects.toBeInstanceOf(RonError);
    await expect(store.answer(await request(0, 3))).rejects.toMatchObject({ code: 'Locked' });
  });
});

describe('a mangled request', () => {
  it('is never cosigned, whichever byte differs, and leaves nothing behind', async () => {
    const { request } = await numberedLog();
    const base = directory();
    const { store } = await witnessStore(nodeFiles(), base);
    await store.answer(await request(0, 3));
    const before = readFileSync(join(base, 'witness', NAME));
    const good = await request(3, 7);
    const statuses = new Map<number, number>();
    for (let at = 0; at < good.length; at += at < 400 ? 1 : 11) {
      const mangled = good.slice();
      mangled[at]! ^= 0x01;
      const { status } = await store.answer(mangled);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    for (let length = 0; length < good.length; length += 37) {
      expect((await store.answer(good.subarray(0, length))).status).not.toBe(200);
    }
    expect(new Set(statuses.keys())).toEqual(new Set([400, 403, 404, 409, 422]));
    expect(readFileSync(join(base, 'witness', NAME))).toEqual(before);
    expect((await store.answer(good)).status).toBe(200);
  });
});
