// Governance page 11 through the real store: what a clock that was set back or forward can, and cannot, do.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { rollback } from '../../src/kms/service/governance-acts.ts';
import { readHomeState } from '../../src/kms/service/home-reader.ts';
import { openSession } from '../../src/kms/service/session.ts';
import { ingest } from '../../src/operations/governance/ingest.ts';
import { vote } from '../../src/operations/governance/vote.ts';
import { remainingMs } from '../../src/policy/overlay.ts';
import { DAY, GovernedStore, HOUR, MIN, START } from '../support/governed-store.ts';

let made: GovernedStore;
let world: GovernedStore;
const worlds: GovernedStore[] = [];

beforeAll(async () => {
  made = await GovernedStore.create();
});
afterAll(() => made.remove());
afterEach(() => {
  for (const one of worlds.splice(0)) one.remove();
});

function fresh(): GovernedStore {
  world = made.copy();
  worlds.push(world);
  return world;
}

/** Another command that writes to the log, and not to the ledger. */
async function act(): Promise<void> {
  const session = await openSession(world.storeDeps());
  await session.close();
}

/** What is left of the newest grant, as the writer and as a reader without a passphrase see it. */
async function leftMs(): Promise<readonly [number, number]> {
  const session = await openSession(world.storeDeps());
  const { judged, policy } = await readHomeState(world.storeDeps());
  try {
    const left = (overlays: typeof policy.overlays, of: typeof judged): number => {
      const grant = overlays.at(-1)!;
      return grant.kind === 'tune' ? -1 : remainingMs(grant, of);
    };
    return [left(session.governance.overlays, session.judgedNow()), left(policy.overlays, judged)];
  } finally {
    await session.close();
  }
}

const exception = { name: 'exception', key: 'caps.max_ttl_s', to: 1200, valid_for_s: 2 * 86_400 } as const;

describe('a clock set back', () => {
  it('revives no exception, not even after it has written records of its own', async () => {
    fresh();
    await world.carryOut({ action: exception });
    world.clock.pass(3 * DAY);
    expect(await leftMs()).toEqual([0, 0]);
    world.clock.reboot(START + DAY);
    for (let n = 0; n < 3; n++) {
      expect(await leftMs()).toEqual([0, 0]);
      await act();
      world.clock.pass(MIN);
    }
  });

  it('does not let a vote in that came too late for the newest time seen', async () => {
    fresh();
    const proposed = await world.propose({ lifeMs: 5 * DAY });
    await world.vote('approve', 'alice', proposed);
    await world.ingest();
    world.clock.pass(25 * HOUR);
    await act();
    world.clock.reboot(START + HOUR);
    await world.vote('approve', 'bob', proposed);
    const { refused, ingested } = await world.ingest();
    expect(ingested).toEqual([]);
    expect(refused).toMatchObject([{ code: 'TooLate', by: 'bob', message: expect.stringContaining('decide_by') }]);
    await expect(world.execute(proposed)).rejects.toMatchObject({ code: 'Expired', field: 'decide_by' });
  });

  it('does not revive an approved proposal that has expired', async () => {
    fresh();
    const proposed = await world.propose();
    for (const by of ['alice', 'bob']) await world.vote('approve', by, proposed);
    await world.ingest();
    world.clock.pass(DAY);
    await act();
    world.clock.reboot(START + HOUR);
    await expect(world.execute(proposed)).rejects.toMatchObject({ code: 'Expired', field: 'expires_at' });
  });

  it('does not revive a rollback clause', async () => {
    fresh();
    await world.carryOut({ scope: 'tenant:acme', changes: ['pq_mode=and'] });
    world.clock.pass(2 * DAY);
    await act();
    world.clock.reboot(START + HOUR);
    await act();
    const session = await openSession(world.storeDeps());
    try {
      const wanted = { scope: 'tenant:acme', durationS: null, proposalDigest: null } as const;
      const by = { actor: 'x', opId: '0190a5a0-0000-7000-8000-000000000001', req: '0'.repeat(64) };
      await expect(rollback(session.demandLedger(), wanted, by, true)).rejects.toMatchObject({ code: 'Expired' });
    } finally {
      await session.close();
    }
  });
});

describe('a clock set forward', () => {
  it('is asked about before anything is written, also in a dry run', async () => {
    fresh();
    const proposed = await world.propose();
    for (const by of ['alice', 'bob']) await world.vote('approve', by, proposed);
    world.clock.reboot(START + 20 * DAY);
    const refusal = { code: 'MissingAnswer', field: '--confirm-time' };
    await expect(world.execute(proposed)).rejects.toMatchObject(refusal);
    await expect(openSession(world.storeDeps(), { dryRun: true })).rejects.toMatchObject(refusal);
  });

  it('is asked about by --ingest of what is written to the inbox, which takes the same confirmation', async () => {
    fresh();
    world.clock.reboot(START + 20 * DAY);
    const proposed = await world.propose();
    const refusal = { code: 'MissingAnswer', field: '--confirm-time' };
    const approve = (confirmTime: boolean) =>
      vote(
        {
          purpose: 'approve',
          target: { kind: 'id', id: proposed.id },
          signer: 'alice',
          role: null,
          digest: proposed.digest,
          comment: null,
          unsafeSignAnyway: false,
          ingest: true,
          confirmTime,
        },
        world.deps(),
      );
    await expect(approve(false)).rejects.toMatchObject(refusal);
    expect((await approve(true)).result).toMatchObject({ ingested: true });
  });

  it('is asked about at a terminal; only a yes goes on', async () => {
    fresh();
    world.clock.reboot(START + 20 * DAY);
    const questions: string[] = [];
    const answering = (yes: boolean) => ({
      askYes: async (question: string) => {
        questions.push(question);
        return yes;
      },
    });
    const refusal = { code: 'MissingAnswer', field: '--confirm-time' };
    await expect(ingest({ confirmTime: false }, world.deps(answering(false)))).rejects.toMatchObject(refusal);
    await ingest({ confirmTime: false }, world.deps(answering(true)));
    await ingest({ confirmTime: false }, world.deps(answering(false)));
    expect(questions).toHaveLength(2);
    expect(questions[0]).toMatch(/^the clock says 2026-03-21T12:.* over 7 days after .*\. Is the clock right\?$/);
  });

  it('and confirmed, an entry of 2099 stops governance until a clock-reset, which works across commands', async () => {
    fresh();
    world.clock.reboot(Date.parse('2099-01-01T00:00:00.000Z'));
    const session = await openSession(world.storeDeps(), { confirmTime: true });
    const body = { kind: 'text', data: {}, actor: session.actor, judged_at: session.now() } as const;
    await session.demandLedger().append({ type: 'note', body }, session.actor);
    await session.close();
    world.clock.reboot(START + HOUR);

    const stuck = await world.propose();
    for (const by of ['alice', 'bob']) await world.vote('approve', by, stuck);
    await world.ingest();
    await expect(world.execute(stuck)).rejects.toMatchObject({ code: 'Expired' });

    const reset = await world.propose({ action: { name: 'clock-reset', to: new Date(START + HOUR).toISOString() } });
    await world.ingest();
    for (const by of ['alice', 'bob']) await world.vote('approve', by, reset);
    expect((await world.ingest()).refused).toEqual([]);
    expect(await world.execute(reset)).toMatchObject({ replayed: false });

    const after = await world.carryOut({ changes: ['caps.max_ttl_s=500'] });
    expect(await world.execute(after)).toMatchObject({ replayed: true });
  });
});
