// Votes, files and executions that somebody repeats, moves or interrupts, on the real store (governance pages 7, 9, 10).

import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { planFor } from '../../src/governance/execution-plan.ts';
import { tallyOf } from '../../src/governance/ledger-admit.ts';
import { openSession } from '../../src/kms/service/session.ts';
import { DAY, GovernedStore, HOUR, MIN } from '../support/governed-store.ts';

let made: GovernedStore;
const worlds: GovernedStore[] = [];

beforeAll(async () => {
  made = await GovernedStore.create();
});
afterAll(() => made.remove());
afterEach(() => {
  for (const one of worlds.splice(0)) one.remove();
});

function fresh(of: GovernedStore = made): GovernedStore {
  const world = of.copy();
  worlds.push(world);
  return world;
}

const inboxOf = (world: GovernedStore): string[] =>
  readdirSync(join(world.home, 'inbox')).filter((name) => name.endsWith('.json'));

/** The waiting files by name. */
const waiting = (world: GovernedStore): ReadonlyMap<string, Buffer> =>
  new Map(inboxOf(world).map((name) => [name, readFileSync(join(world.home, 'inbox', name))]));

function plant(world: GovernedStore, files: ReadonlyMap<string, Buffer>): void {
  mkdirSync(join(world.home, 'inbox'), { recursive: true, mode: 0o700 });
  for (const [name, bytes] of files) writeFileSync(join(world.home, 'inbox', name), bytes, { mode: 0o600 });
}

describe('an execution', () => {
  it('that began in time is finished after its end, by what was judged then', async () => {
    const world = fresh();
    const proposed = await world.propose({ lifeMs: HOUR });
    for (const by of ['alice', 'bob']) await world.vote('approve', by, proposed);
    const session = await openSession(world.storeDeps());
    const writer = session.demandLedger();
    const open = writer.state.open.get(proposed.id)!;
    const judgedAt = writer.now();
    const body = {
      proposal_digest: proposed.digest,
      statements: tallyOf(writer.state, open).approvalDigests,
      judged_at: judgedAt,
      plan: planFor(proposed.digest, null),
    };
    await writer.append({ type: 'intent', body }, session.actor);
    await session.store.close();

    world.clock.reboot(world.clock.nowMs + DAY);
    const again = await openSession(world.storeDeps());
    expect(again.recovered).toMatchObject({ id: proposed.id, replayed: false, receipt: { judged_at: judgedAt } });
    expect(again.governance.policy.global['caps.max_ttl_s']).toBe(600);
    await again.close();
    expect(await world.execute(proposed)).toMatchObject({ replayed: true });
  });

  it('exactly at the end, or at the end of the window, is too late (13); a millisecond earlier it is not', async () => {
    const world = fresh();
    const start = world.clock.nowMs;
    const proposed = await world.propose({ lifeMs: HOUR });
    for (const by of ['alice', 'bob']) await world.vote('approve', by, proposed);
    await world.ingest();
    const late = fresh(world);
    late.clock.nowMs = start + HOUR;
    await expect(late.execute(proposed)).rejects.toMatchObject({ code: 'Expired', field: 'expires_at' });
    world.clock.nowMs = start + HOUR - 1;
    expect(await world.execute(proposed)).toMatchObject({ replayed: false });
  });

  it('does not take another record under an op_id of its plan for its effect', async () => {
    const world = fresh();
    const proposed = await world.propose();
    for (const by of ['alice', 'bob']) await world.vote('approve', by, proposed);
    const session = await openSession(world.storeDeps());
    const op_id = planFor(proposed.digest, null)[0]!.op_id;
    const detail = { kind: 'integrity', state: 'on' };
    await session.store.append([{ op: 'interlock', op_id, actor: session.actor, result: 'ok', detail }]);
    await session.close();
    await expect(world.execute(proposed)).rejects.toMatchObject({ code: 'Tampered', field: 'op_id' });
    await expect(openSession(world.storeDeps())).rejects.toMatchObject({ code: 'Tampered', field: 'op_id' });
  });

  it('is final: a reject or withdraw that was signed before and comes after it has no effect', async () => {
    const world = fresh();
    const proposed = await world.propose();
    for (const by of ['alice', 'bob']) await world.vote('approve', by, proposed);
    const before = waiting(world);
    await world.vote('reject', 'carol', proposed);
    await world.vote('withdraw', 'alice', proposed);
    const late = new Map([...waiting(world)].filter(([name]) => !before.has(name)));
    for (const name of late.keys()) rmSync(join(world.home, 'inbox', name));
    const { receipt } = await world.execute(proposed);
    plant(world, late);
    const { refused } = await world.ingest();
    expect(refused.map(({ code, purpose }) => `${code} ${purpose}`).sort()).toEqual([
      'TooLate reject',
      'TooLate withdraw',
    ]);
    expect(await world.execute(proposed)).toMatchObject({ replayed: true, receipt });
    for (const purpose of ['reject', 'withdraw', 'approve'] as const) {
      await expect(world.vote(purpose, 'alice', proposed)).rejects.toMatchObject({ code: 'Conflict' });
    }
  });
});

describe('a vote', () => {
  it('for and against by one signer, with a memory put back in between, voids him and counts for nobody', async () => {
    const world = fresh();
    const proposed = await world.propose();
    await world.vote('approve', 'alice', proposed);
    cpSync(join(world.home, 'signers/bob'), join(world.home, 'bob'), { recursive: true });
    await world.vote('reject', 'bob', proposed);
    await expect(world.vote('approve', 'bob', proposed)).rejects.toMatchObject({
      code: 'ContradictoryVote',
      field: 'purpose',
    });
    rmSync(join(world.home, 'signers/bob'), { recursive: true });
    renameSync(join(world.home, 'bob'), join(world.home, 'signers/bob'));
    await world.vote('approve', 'bob', proposed);
    await expect(world.execute(proposed)).rejects.toMatchObject({
      code: 'QuorumPending',
      message: expect.stringMatching(/members 1\/2, roles 1\/2; waiting for carol \(custodian\)$/),
    });
  });

  it('that was retracted stays so, in whatever order and however often the files come back', async () => {
    const world = fresh();
    const proposed = await world.propose();
    for (const by of ['alice', 'bob']) await world.vote('approve', by, proposed);
    const votes = waiting(world);
    await world.vote('retract', 'bob', proposed);
    const all = waiting(world);
    await world.ingest();
    for (const files of [votes, all, votes]) {
      plant(world, files);
      expect((await world.ingest()).known).toHaveLength(files.size);
      await expect(world.execute(proposed)).rejects.toMatchObject({ code: 'QuorumPending' });
    }
    const other = fresh();
    const retractFirst = new Map([...all].filter(([name]) => !votes.has(name)));
    const proposal = new Map([...all].filter(([, bytes]) => bytes.includes('gov.proposal.v1')));
    plant(other, proposal);
    await other.ingest();
    plant(other, retractFirst);
    await other.ingest();
    plant(other, votes);
    await other.ingest();
    await expect(other.execute(proposed)).rejects.toMatchObject({ code: 'QuorumPending' });
  });

  it('is lost for a withdrawn proposal, which cannot come back', async () => {
    const world = fresh();
    const proposed = await world.propose();
    for (const by of ['alice', 'bob']) await world.vote('approve', by, proposed);
    const files = waiting(world);
    await world.ingest();
    await world.vote('withdraw', 'alice', proposed);
    await world.ingest();
    plant(world, files);
    const { known, ingested } = await world.ingest();
    expect([known.length, ingested]).toEqual([files.size, []]);
    await expect(world.execute(proposed)).rejects.toMatchObject({ code: 'Rejected' });
    await expect(world.vote('approve', 'carol', proposed)).rejects.toMatchObject({ code: 'Rejected' });
  });

  it('and its proposal are refused by name in another ledger (15), at the import and at the ingest', async () => {
    const world = fresh();
    const proposed = await world.propose();
    await world.vote('approve', 'alice', proposed);
    const other = await GovernedStore.create();
    worlds.push(other);
    plant(other, waiting(world));
    const { refused, waiting: stay } = await other.ingest();
    expect(stay).toEqual([]);
    expect(refused.map(({ code, type }) => `${code} ${type}`).sort()).toEqual([
      'Conflict proposal',
      'Conflict statement',
    ]);
    for (const { message } of refused) expect(message).toMatch(/is for ledger gl-/);
    expect(inboxOf(other)).toEqual([]);
  });

  it('under the name of another file, or with a wrong signature, is refused; a valid one waits for its proposal', async () => {
    const world = fresh();
    const proposed = await world.propose();
    await world.vote('approve', 'bob', proposed);
    const [statement] = [...waiting(world)].filter(([, bytes]) => bytes.includes('gov.statement.v1'));
    const other = fresh();
    plant(other, new Map([statement!]));
    expect((await other.ingest()).waiting).toMatchObject([{ by: 'bob', purpose: 'approve' }]);
    const forged = JSON.parse(statement![1].toString()) as { signatures: { sig: string }[] };
    forged.signatures[0]!.sig = forged.signatures[0]!.sig.replace(/^.{4}/, 'AAAA');
    plant(other, new Map([[statement![0], Buffer.from(`${JSON.stringify(forged)}\n`)]]));
    expect((await other.ingest()).refused).toMatchObject([{ code: 'VerificationFailed', name: statement![0] }]);
    plant(other, new Map([[`${'0'.repeat(64)}.json`, statement![1]]]));
    expect((await other.ingest()).refused).toMatchObject([{ code: 'Malformed', name: `${'0'.repeat(64)}.json` }]);
  });
});

describe('what a signer has seen', () => {
  /** Two homes that were one, each with a line of its own at the same place. */
  async function forked() {
    const one = fresh();
    const proposed = await one.propose();
    await one.ingest();
    const two = fresh(one);
    for (const [world, value] of [
      [one, 500],
      [two, 550],
    ] as const) {
      await world.propose({ changes: [`caps.max_ttl_s=${value}`], author: 'bob' });
      await world.ingest();
      world.clock.pass(MIN);
    }
    return { one, two, proposed };
  }

  it('on another branch of the ledger stops the execution as a fork (10)', async () => {
    const { one, two, proposed } = await forked();
    await one.vote('approve', 'bob', proposed);
    await two.vote('approve', 'alice', proposed);
    plant(two, waiting(one));
    await expect(two.execute(proposed)).rejects.toMatchObject({ code: 'Tampered', field: 'seen' });
    expect((await openedValue(two)).ttl).toBe(900);
  });

  it('further on than this ledger stops every execution (11) and is not taken in, until the rest is here', async () => {
    const ahead = fresh();
    const proposed = await ahead.propose();
    await ahead.ingest();
    const behind = fresh(ahead);
    await ahead.propose({ changes: ['caps.max_ttl_s=500'], author: 'bob' });
    await ahead.ingest();
    await ahead.vote('approve', 'bob', proposed);
    const seen = waiting(ahead);
    for (const by of ['alice', 'carol']) await behind.vote('approve', by, proposed);
    plant(behind, seen);
    await expect(behind.execute(proposed)).rejects.toMatchObject({
      code: 'LedgerBehind',
      message: expect.stringContaining('bob has seen ledger line 2; this ledger ends at 1'),
    });
    const other = await behind.propose({ changes: ['caps.max_active=90'] });
    for (const by of ['alice', 'carol']) await behind.vote('approve', by, other);
    await expect(behind.execute(other)).rejects.toMatchObject({ code: 'LedgerBehind' });
    const { ingested, waiting: others, behind: blocking } = await behind.ingest();
    expect([ingested, others.length + blocking.length]).toEqual([[], inboxOf(behind).length]);
    expect(blocking).toMatchObject([{ by: 'bob', purpose: 'approve', code: 'LedgerBehind' }]);
    expect((await openedValue(behind)).ttl).toBe(900);
    plant(ahead, seen);
    await ahead.vote('approve', 'alice', proposed);
    expect(await ahead.execute(proposed)).toMatchObject({ replayed: false });
  });

  it('of a longer log under the same ledger stops it too (11)', async () => {
    const longer = fresh();
    const proposed = await longer.propose();
    await longer.ingest();
    const shorter = fresh(longer);
    const writer = await openSession(longer.storeDeps());
    const detail = { kind: 'integrity', state: 'on' };
    await writer.store.append([{ op: 'interlock', actor: writer.actor, result: 'ok', detail }]);
    await writer.close();
    for (const by of ['alice', 'bob']) await longer.vote('approve', by, proposed);
    plant(shorter, waiting(longer));
    await expect(shorter.execute(proposed)).rejects.toMatchObject({
      code: 'LedgerBehind',
      message: expect.stringContaining('has seen an audit log of'),
    });
    expect(await longer.execute(proposed)).toMatchObject({ replayed: false });
  });
});

async function openedValue(world: GovernedStore): Promise<{ ttl: unknown }> {
  const session = await openSession(world.storeDeps());
  const ttl = session.governance.policy.global['caps.max_ttl_s'];
  await session.close();
  return { ttl };
}
