// Execution with a crash before and after each of its steps (intent, effect, policy, receipt): the next open finishes it, every
// effect stands in the log once, the receipt has one digest, and nothing is judged again.

import { cpSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { RonError } from '../../src/errors.ts';
import { parseActionInput } from '../../src/governance/action-input.ts';
import type { Action } from '../../src/governance/actions.ts';
import { planFor } from '../../src/governance/execution-plan.ts';
import { decodeLine } from '../../src/governance/ledger.ts';
import { parseProposal } from '../../src/governance/proposal.ts';
import { execute, recover } from '../../src/kms/service/governance-execute.ts';
import { LedgerWriter } from '../../src/kms/service/governance-ledger.ts';
import { openSession, type Session } from '../../src/kms/service/session.ts';
import type { OperationDeps } from '../../src/operations/deps.ts';
import { draftGenesis } from '../../src/operations/governance/init.ts';
import { propose, type Wish } from '../../src/operations/governance/propose.ts';
import { verify } from '../../src/operations/governance/verify.ts';
import { vote } from '../../src/operations/governance/vote.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { openCustodyStore } from '../../src/storage/custody-open.ts';
import type { CustodyStore } from '../../src/storage/custody-port.ts';
import { createSigner } from '../../src/storage/signer-creation.ts';
import { INIT } from '../support/custody.ts';
import { FAST_KDF, storeDeps, type TestDeps, temporaryHome } from '../support/store.ts';

const ACTOR = 'local:0:test';
const HOUR_MS = 3_600_000;
const operation = (deps: TestDeps): OperationDeps => ({
  ...deps,
  onProgress: () => undefined,
  online: null,
  dryRun: false,
});

class Stopped extends Error {}

/** A store whose k-th commit does not return: the process is gone before it, or right after it. */
function stopping(store: CustodyStore, at: number, when: 'before' | 'after'): CustodyStore {
  let commits = 0;
  const commit = async <T>(act: () => Promise<T>): Promise<T> => {
    commits += 1;
    if (commits === at && when === 'before') throw new Stopped();
    const done = await act();
    if (commits === at) throw new Stopped();
    return done;
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'mutate')
        return (mutation: Parameters<CustodyStore['mutate']>[0]) => commit(() => target.mutate(mutation));
      if (name === 'appendLedger')
        return (batch: Parameters<CustodyStore['appendLedger']>[0]) => commit(() => target.appendLedger(batch));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function prepared(home: string, wish: Partial<Wish>): Promise<{ id: string; digest: string }> {
  const deps = storeDeps(home);
  for (const id of ['alice', 'bob']) await createSigner(deps, id, FAST_KDF);
  await (await initCustody(deps, INIT)).close();
  const members = (
    [
      ['policy-owner', 'alice'],
      ['security-officer', 'bob'],
    ] as const
  ).map(([role, from]) => ({ role, from, bundle: null }));
  await draftGenesis(
    { members, threshold: 2, name: 'main', auditor: null, set: [], supersedes: null, draftOnly: false },
    operation(deps),
  );
  return proposed(deps, wish);
}

/** Proposed and approved by both. */
async function proposed(deps: TestDeps, wish: Partial<Wish>): Promise<{ id: string; digest: string }> {
  const whole: Wish = {
    scope: 'global',
    changes: [],
    action: null,
    rationale: 'x',
    risk: null,
    rollback: null,
    rollbackValidS: null,
    ...wish,
  };
  const { result } = await propose(
    {
      what: { kind: 'wish', wish: whole, expires: (nowMs) => nowMs + HOUR_MS, window: null },
      attachments: [],
      signer: 'alice',
      role: null,
      newTenant: false,
      ingest: true,
    },
    operation(deps),
  );
  const { id, digest } = result.proposal;
  for (const signer of ['alice', 'bob']) {
    const options = { role: null, comment: null, unsafeSignAnyway: false, ingest: true };
    await vote({ purpose: 'approve', target: { kind: 'id', id }, signer, digest, ...options }, operation(deps));
  }
  return { id, digest };
}

/** One run that stops at the k-th commit; the store is closed as the end of a process would. */
async function stopped(deps: TestDeps, id: string, at: number, when: 'before' | 'after'): Promise<void> {
  const store = await openCustodyStore(deps);
  try {
    const writer = LedgerWriter.open(stopping(store, at, when), nativeCrypto(), deps.host.clock)!;
    await expect(execute(writer, id, ACTOR, false)).rejects.toBeInstanceOf(Stopped);
  } finally {
    await store.close();
  }
}

const cases = [
  { name: 'a policy change', wish: { changes: [{ key: 'caps.max_ttl_s', text: '600' }] }, commits: 3 },
  { name: 'root-rotate', wish: { action: parseActionInput('root-rotate', 'global') }, commits: 4 },
  { name: 'service-key-rotate', wish: { action: parseActionInput('service-key-rotate', 'global') }, commits: 4 },
  { name: 'log-key-rotate', wish: { action: parseActionInput('log-key-rotate', 'global') }, commits: 4 },
];

describe.each(cases)('the execution of $name', ({ wish, commits }) => {
  const home = `${temporaryHomeOf()}/home`;
  let proposal: { id: string; digest: string };
  beforeAll(async () => {
    proposal = await prepared(home, wish);
  });

  it('stopped before and after each commit is finished once by the next open', async () => {
    for (let at = 1; at <= commits; at++) {
      for (const when of ['before', 'after'] as const) {
        const copy = temporaryHome();
        cpSync(home, copy, { recursive: true });
        const deps = storeDeps(copy);
        await stopped(deps, proposal.id, at, when);
        const label = `${when} commit ${at}`;
        const session = await openSession(deps);
        const begun = at > 1 || when === 'after';
        expect(session.ledger?.state.index.get(proposal.id)?.execution, label).toBe(begun ? 'executed' : 'none');
        const first = await execute(session.demandLedger(), proposal.id, ACTOR, false);
        expect(first?.replayed, label).toBe(begun);
        const again = await execute(session.demandLedger(), proposal.id, ACTOR, false);
        expect(again, label).toMatchObject({ replayed: true, receiptDigest: first!.receiptDigest });
        const plan = planFor(proposal.digest, actionOf(session, proposal.id));
        for (const step of plan) {
          const found = [...session.store.records(0)].filter((one) => one.op_id === step.op_id);
          expect(found, `${label}: ${step.effect}`).toHaveLength(1);
        }
        await session.close();
        expect((await verify({ target: null }, operation(deps))).result.verdict, label).toBe('consistent');
      }
    }
  });
});

/** The action as it was proposed: key rotations got their keys then. */
function actionOf(session: Session, id: string): Action | null {
  const line = decodeLine(session.demandLedger().line(session.demandLedger().state.index.get(id)!.seq));
  if (line.type !== 'proposal') throw new TypeError('not a proposal');
  return parseProposal(line.body).actions[0] ?? null;
}

/** For beforeAll, which has no test to clean up after: removed with the directory of the run. */
function temporaryHomeOf(): string {
  return storeDeps('/').host.files.temporaryDirectory('ronctl-test-');
}

describe('a recovery', () => {
  it('does not judge again: an approval that expired after the intent is carried out', async () => {
    const home = temporaryHome();
    const { id } = await prepared(home, { changes: [{ key: 'caps.max_ttl_s', text: '600' }] });
    const now = storeDeps(home);
    await stopped(now, id, 1, 'after');
    const { clock } = now.host;
    const later = { ...bound(clock), now: () => clock.now() + 2 * HOUR_MS };
    const deps = storeDeps(home, { hostChange: { clock: later } });
    const session = await openSession(deps);
    expect(session.recovered?.id).toBe(id);
    expect(Date.parse(toTime(later.now()))).toBeGreaterThan(
      Date.parse(session.ledger!.state.index.get(id)!.expires_at),
    );
    expect(await recover(session.demandLedger(), ACTOR)).toBeNull();
    await session.close();
  });

  it('without an intent is late: the same proposal is then Expired (13), also when the clock is set back again', async () => {
    const home = temporaryHome();
    const { id } = await prepared(home, { changes: [{ key: 'caps.max_ttl_s', text: '600' }] });
    const { clock } = storeDeps(home).host;
    const later = { ...bound(clock), now: () => clock.now() + 2 * HOUR_MS };
    const refusal = async (deps: TestDeps) => {
      const session = await openSession(deps);
      try {
        return await execute(session.demandLedger(), id, ACTOR, false).catch((error: unknown) => error);
      } finally {
        await session.close();
      }
    };
    for (const deps of [storeDeps(home, { hostChange: { clock: later } }), storeDeps(home)]) {
      const error = await refusal(deps);
      expect(error).toBeInstanceOf(RonError);
      expect(error).toMatchObject({ code: 'Expired', field: 'expires_at' });
    }
  });

  it('a clock over 7 days ahead is refused until it is confirmed, and then recorded', async () => {
    const home = temporaryHome();
    await prepared(home, { changes: [{ key: 'caps.max_ttl_s', text: '600' }] });
    const { clock } = storeDeps(home).host;
    const later = { ...bound(clock), now: () => clock.now() + 8 * 24 * HOUR_MS };
    const deps = storeDeps(home, { hostChange: { clock: later } });
    await expect(openSession(deps)).rejects.toMatchObject({ code: 'MissingAnswer', field: '--confirm-time' });
    const session = await openSession(deps, { confirmTime: true });
    expect([...session.store.records(0)].map((one) => one.op)).toContain('time.confirm');
    await session.close();
  });
});

/** Methods of a class instance are not own properties. */
function bound(clock: TestDeps['host']['clock']): TestDeps['host']['clock'] {
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    uptimeMs: () => clock.uptimeMs(),
    bootId: () => clock.bootId(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}

it('an entry of a clock that was years ahead does not block governance for ever: clock-reset', async () => {
  const home = temporaryHome();
  const { clock } = storeDeps(home).host;
  const ahead = { ...bound(clock), now: () => clock.now() + 1000 * 24 * HOUR_MS };
  const { id } = await prepared(home, { changes: [{ key: 'caps.max_ttl_s', text: '600' }] });
  const wrong = await openSession(storeDeps(home, { hostChange: { clock: ahead } }), { confirmTime: true });
  await wrong.close();
  const late = await openSession(storeDeps(home));
  await expect(execute(late.demandLedger(), id, ACTOR, false)).rejects.toMatchObject({ code: 'Expired' });
  await late.close();
  const now = toTime(clock.now());
  const reset = await proposed(storeDeps(home), { action: parseActionInput(`clock-reset:{"to":"${now}"}`, 'global') });
  const session = await openSession(storeDeps(home));
  await execute(session.demandLedger(), reset.id, ACTOR, false);
  expect(session.ledger?.state).toMatchObject({ mark: now });
  const done = await execute(session.demandLedger(), id, ACTOR, false);
  expect(done?.replayed).toBe(false);
  await session.close();
});
