import { expect, it } from 'vitest';
import { decodeLine } from '../../src/governance/ledger.ts';
import { loadProposal } from '../../src/governance/ledger-load.ts';
import { decodeState, encodeState } from '../../src/governance/state-file.ts';
import { governedView } from '../../src/kms/service/governance-view.ts';
import { settled } from '../../src/rollout/phases.ts';
import { crypto, World } from '../support/governance.ts';

it('executions that change the PQ state are remembered with their place in the log', async () => {
  const world = await World.create();
  const run = async (input: Parameters<World['propose']>[0]): Promise<void> => {
    const id = await world.propose(input);
    await world.vote('approve', 'alice', id);
    await world.vote('approve', 'bob', id);
    await world.execute(id);
  };
  await run({ changes: ['pq_mode=and', 'rollout_percent=10'], scope: 'tenant:acme' });
  await run({ changes: ['rollout_percent=100'], scope: 'tenant:acme' });
  await run({ changes: ['keys.rotate_max_days=80'] });
  await run({ changes: ['pq_mode=and'] });
  const { pqChanges, raises } = world.state;
  const part = { phase: 2, base_phase: 1, percent: 10 };
  expect(pqChanges.map(({ scope, from, to }) => [scope, from, to])).toEqual([
    ['tenant:acme', null, part],
    ['tenant:acme', part, settled(2)],
    ['global', settled(1), settled(2)],
  ]);
  expect(raises.get('tenant:acme')?.audit_seq).toBe(pqChanges[0]?.audit_seq);
  expect(raises.get('global')?.audit_seq).toBe(pqChanges[2]?.audit_seq);

  const again = decodeState(encodeState(world.state), (one, sets) =>
    loadProposal(
      crypto,
      one,
      sets,
      [one, ...one.lines].map((place) => decodeLine(world.lines[place.seq]!)),
    ),
  );
  expect(again.pqChanges).toEqual(pqChanges);
  expect(governedView(again).pqChanges.map((one) => one.auditSeq)).toEqual(pqChanges.map((one) => one.audit_seq));
});
