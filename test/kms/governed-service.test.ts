// Governance through a server (service page 1, 4): files come in by `submit` and by the inbox, are ingested at once or within a
// second, change the policy of the next call, and are told. Whoever sends them, they are verified here.

import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseEnvelope } from '../../src/envelope/dsse.ts';
import { parseReceipt } from '../../src/governance/receipt.ts';
import { B3, call, capability, LOCAL } from '../contract/kms-subject.ts';
import { GovernedStore } from '../support/governed-store.ts';
import { ManualClock, passing, until } from '../support/manual-clock.ts';
import { type Serving, serving } from '../support/serving.ts';

const key = { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true } as const;
const operator = capability(['kms:govern', 'kms:read', 'kms:audit'], ['_instance']);

let world: GovernedStore;
let run: Serving;

async function start(): Promise<void> {
  const clock = new ManualClock(world.clock.nowMs);
  clock.sinceBootMs = world.clock.sinceBootMs;
  run = await serving({ home: world.home, clock });
  await run.service.start();
}

/** What waits in the inbox, taken out of it: as a client sends it from elsewhere. */
function takeInbox(): Uint8Array[] {
  const directory = join(world.home, 'inbox');
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => new Uint8Array(readFileSync(join(directory, name))));
}

beforeEach(async () => {
  world = await GovernedStore.create();
  await start();
});
afterEach(async () => {
  await run.service.close('test');
  world.remove();
});

describe('governance in a server', () => {
  it('takes in what lies in the inbox within a second', async () => {
    const proposed = await world.propose({ changes: ['pq_mode=and'] });
    expect(run.service.state().oldestPendingAtMs).toBeNull();
    await run.clock.pass(1500);
    await until(() => run.service.state().oldestPendingAtMs !== null);
    const { governance } = run.service.kms;
    const [listed] = await governance.list({}, call(operator));
    expect(listed).toMatchObject({ id: proposed.id, digest: proposed.digest, status: 'open', approvals: 0 });
    await expect(governance.execute({ id: proposed.id }, call(operator))).rejects.toMatchObject({
      code: 'QuorumPending',
    });
  });

  it('looks once at what waits for something else', async () => {
    const elsewhere = world.copy();
    const proposed = await elsewhere.propose({ changes: ['pq_mode=and'] });
    await elsewhere.ingest();
    await elsewhere.vote('approve', 'bob', proposed);
    const [name] = readdirSync(join(elsewhere.home, 'inbox')).filter((one) => one.endsWith('.json'));
    mkdirSync(join(world.home, 'inbox'), { recursive: true, mode: 0o700 });
    copyFileSync(join(elsewhere.home, 'inbox', name!), join(world.home, 'inbox', name!));
    chmodSync(join(world.home, 'inbox', name!), 0o600);
    elsewhere.remove();
    const looked = (): number => run.told.count('tasks_spawned_total{"kind":"ingest"}');
    await run.clock.pass(5000, 500);
    await until(() => looked() > 0);
    await run.clock.pass(5000, 500);
    expect(looked()).toBe(1);
    expect(readdirSync(join(world.home, 'inbox'))).toContain(name);
    await world.propose({ changes: ['caps.max_ttl_s=600'] });
    await run.clock.pass(3000, 500);
    await until(() => looked() > 1);
    expect(looked()).toBe(2);
  });

  it('submit, execute, and the policy counts for the next call', async () => {
    const { governance, keys, signing, policy } = run.service.kms;
    await passing(run.clock, keys.create(key, call()));
    const before = await policy.effective({ tenant: 'acme' }, call());
    expect(before.verify_mode).toBe('or');
    const proposed = await world.propose({ changes: ['pq_mode=and'] });
    const answer = await passing(run.clock, governance.submit({ files: takeInbox() }, call(operator)));
    expect(answer.ingest).toMatchObject({ refused: [], checkpoint: { size: expect.any(Number) as number } });
    // A signer elsewhere reads the request, verifies it, and votes.
    const request = await governance.request({ id: proposed.id }, call(operator));
    expect(Buffer.from(request).toString()).toContain('tlog_proof');
    for (const signer of ['alice', 'bob']) await world.vote('approve', signer, proposed);
    await passing(run.clock, governance.ingest({}, call(operator)));
    expect(await governance.statements({ id: proposed.id }, call(operator))).toHaveLength(2);
    const done = await passing(run.clock, governance.execute({ id: proposed.id }, call(operator)));
    const receipt = parseReceipt(parseEnvelope(done.envelope!, 'the receipt'));
    expect(receipt).toMatchObject({ executed_by: expect.stringMatching(/^cap:/) as string });
    expect(done.checkpoint!.size).toBeGreaterThan(receipt.audit.index);
    expect((await policy.effective({ tenant: 'acme' }, call())).verify_mode).toBe('and');
    expect(run.service.state()).toMatchObject({ pqMode: 'and' });
    const again = await passing(run.clock, governance.execute({ id: proposed.id }, call(operator)));
    expect(again).toMatchObject({ replayed: true });
    const [first] = (await keys.list({}, call())).keys;
    const { bundle } = await signing.sign({ kids: [first!.kid], payload_b3: B3 }, call());
    expect(await signing.verify({ bundle: bundle!, payload_b3: B3 }, call())).toMatchObject({
      accepted: true,
      required_mode: 'and',
    });
    const half = { ...bundle!, sigs: bundle!.sigs.slice(0, 1) };
    expect(await signing.verify({ bundle: half, payload_b3: B3 }, call())).toMatchObject({ accepted: false });
  });

  it('refuses what is not signed, too many files, and large ones, before anything is written', async () => {
    const { governance } = run.service.kms;
    await world.propose({ changes: ['pq_mode=and'] });
    const [file] = takeInbox();
    const forged = Buffer.from(file!)
      .toString()
      .replace(/"sig":"[A-Za-z0-9+/]{4}/, '"sig":"AAAA');
    const before = run.service.store.view.ledger!.seq;
    const answer = await passing(run.clock, governance.submit({ files: [Buffer.from(forged)] }, call(operator)));
    expect(answer.ingest!.ledger_seq - before).toBeLessThanOrEqual(1);
    expect(answer.ingest!.refused.map((one) => one.code)).toEqual(['VerificationFailed']);
    await expect(governance.submit({ files: [] }, call(operator))).rejects.toMatchObject({ field: 'files' });
    await expect(governance.submit({ files: Array<Uint8Array>(9).fill(file!) }, call(operator))).rejects.toMatchObject({
      field: 'files',
    });
    await expect(governance.submit({ files: [new Uint8Array(65_537)] }, call(operator))).rejects.toMatchObject({
      code: 'TooLarge',
      field: 'files[0]',
    });
    await expect(governance.submit({ files: [Buffer.from('{}')] }, call(operator))).rejects.toMatchObject({
      code: 'Malformed',
    });
  });

  it('a tune under one op_id is one tune; another one under it is a conflict', async () => {
    const { governance } = run.service.kms;
    const once = call(LOCAL, { repeatable: true });
    const wanted = { scope: 'global', key: 'caps.max_active', to: 110 };
    const first = await passing(run.clock, governance.tune(wanted, once));
    const second = await passing(run.clock, governance.tune(wanted, once));
    expect(second).toMatchObject({ to: first.to, from: first.from, baseline: first.baseline });
    await expect(passing(run.clock, governance.tune({ ...wanted, to: 105 }, once))).rejects.toMatchObject({
      code: 'Conflict',
      field: 'op_id',
    });
    expect([...run.service.store.records(0)].filter((one) => one.op === 'tune')).toHaveLength(1);
  });

  it('serves lines, records, tiles and proofs that a reader elsewhere verifies', async () => {
    const { governance, audit, files } = run.service.kms;
    await run.clock.pass(500);
    const asked = call(operator);
    const lines: Uint8Array[] = [];
    for await (const line of governance.ledger({ fromSeq: 0 }, asked)) lines.push(line);
    const stored = readFileSync(join(world.home, 'ledger/000000.jsonl'), 'utf8');
    expect(`${lines.map((line) => Buffer.from(line).toString()).join('\n')}\n`).toBe(stored);
    const head = await audit.head({}, asked);
    const records: Uint8Array[] = [];
    for await (const one of audit.records({ from: 0, to: head.size }, asked)) records.push(one);
    expect(records).toHaveLength(head.size);
    const size = run.service.store.newestCheckpoint().size;
    expect((await audit.tile({ level: 0, n: 0, width: size }, asked)).length).toBe(size * 32);
    await expect(audit.tile({ level: 0, n: 0, width: size + 1 }, asked)).rejects.toMatchObject({ code: 'NotFound' });
    expect(Buffer.from(await audit.inclusion({ index: 0 }, asked)).toString()).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
    await expect(audit.inclusion({ index: size }, asked)).rejects.toMatchObject({ code: 'NotFound' });
    expect((await audit.consistency({ from: 1, to: size }, asked)).length).toBeGreaterThan(0);
    expect(await files.list({ path: '' }, asked)).toEqual(['audit', 'ledger', 'store']);
    expect(await files.list({ path: 'store' }, asked)).toEqual(['keys', 'public.json']);
    const shown = await files.read({ path: 'store/public.json', offset: 0, length: 100_000 }, asked);
    expect(Buffer.from(shown!).toString()).toBe(readFileSync(join(world.home, 'store/public.json'), 'utf8'));
    for (const path of [
      'store/root.ronk',
      'store/records',
      'inbox',
      'trust',
      'home.json',
      'run',
      'ledger/../store/root.ronk',
      '/etc/passwd',
      'audit/export/x.cursor',
      'signers',
    ]) {
      await expect(files.read({ path, offset: 0, length: 10 }, asked), path).rejects.toMatchObject({
        code: 'NotFound',
      });
      await expect(files.info({ path }, asked), path).rejects.toMatchObject({ code: 'NotFound' });
    }
  });
});

describe('rotate against sign', () => {
  it('heads only grow; every signature is of a version that stood, and verifies', async () => {
    const { keys, signing } = run.service.kms;
    const { kid: made } = await keys.create(key, call());
    const kid = made.split('#')[0]!;
    const seen: number[] = [];
    const signed: Awaited<ReturnType<typeof signing.sign>>[] = [];
    const signer = async (): Promise<void> => {
      for (let n = 0; n < 15; n++) signed.push(await signing.sign({ kids: [kid], payload_b3: B3 }, call()));
    };
    const rotator = async (): Promise<void> => {
      for (let n = 0; n < 4; n++) seen.push(Number((await keys.rotate({ kid }, call())).kid.split('#v')[1]));
    };
    const watcher = async (): Promise<void> => {
      let last = 0;
      for (let n = 0; n < 20; n++) {
        const { version } = (await keys.get({ kid }, call())).key;
        expect(version).toBeGreaterThanOrEqual(last);
        last = version;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all([signer(), signer(), signer(), rotator(), watcher()]);
    expect(seen).toEqual([2, 3, 4, 5]);
    for (const one of signed) {
      const record = run.service.store.record(one.audit!.index);
      expect(record).toMatchObject({ op: 'sign', op_id: one.op_id, kid: one.kid });
      const answer = await signing.verify({ bundle: one.bundle!, payload_b3: B3 }, call());
      expect(answer).toMatchObject({ accepted: true, kid: one.kid });
    }
    const counters = [...run.service.store.records(0)]
      .filter((one) => one.kid?.startsWith(kid))
      .map((one) => one.kid_seq);
    expect(counters).toEqual(counters.map((_, index) => index + 1));
  });
});
