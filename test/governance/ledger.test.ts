// The ledger as a state machine: what it takes, what it refuses, and that a replay gives the same state.

import { describe, expect, it } from 'vitest';
import { canonicalBytes } from '../../src/bytes/canonical-json.ts';
import { fromUtf8, utf8 } from '../../src/bytes/text.ts';
import { type Envelope, envelopeDigest } from '../../src/envelope/dsse.ts';
import { digestH } from '../../src/envelope/h.ts';
import { RonError } from '../../src/errors.ts';
import type { NewSet } from '../../src/governance/actions.ts';
import { newIdentities, removedIds } from '../../src/governance/actions.ts';
import { buildLine, decodeLine, FIRST_PREV, parseLine } from '../../src/governance/ledger.ts';
import { demandCurrent, demandWindow } from '../../src/governance/ledger-admit.ts';
import { linesOfEntry, loadProposal } from '../../src/governance/ledger-load.ts';
import type { LedgerState } from '../../src/governance/ledger-state.ts';
import { PROPOSAL_TYPE, shortName } from '../../src/governance/names.ts';
import { parseProposal } from '../../src/governance/proposal.ts';
import type { SignerSet } from '../../src/governance/signer-set.ts';
import { decodeState, encodeState } from '../../src/governance/state-file.ts';
import { approvedValue } from '../../src/policy/state.ts';
import { at, crypto, freshNonce, HOUR, MIN, moment, replay, signAs, signer, World } from '../support/governance.ts';
import { refusal } from '../support/refusal.ts';

async function approved(world: World, input: Parameters<World['propose']>[0] = {}): Promise<string> {
  const id = await world.propose(input);
  await world.vote('approve', 'alice', id);
  await world.vote('approve', 'bob', id);
  return id;
}

const entry = (world: World, id: string) => world.state.index.get(id)!;

function reopen(world: World, bytes: Uint8Array = encodeState(world.state)): LedgerState {
  return decodeState(bytes, (one, sets) =>
    loadProposal(
      crypto,
      one,
      sets,
      linesOfEntry(one, (place) => world.lines[place.seq]!),
    ),
  );
}

describe('a proposal', () => {
  it('goes from open to approved to executed, and changes the policy then', async () => {
    const world = await World.create();
    const id = await world.propose({ changes: ['keys.rotate_max_days=80'] });
    expect(entry(world, id)).toMatchObject({ decision: 'open', execution: 'none' });
    await world.vote('approve', 'alice', id);
    expect(entry(world, id)).toMatchObject({ decision: 'open', approvals: ['alice'] });
    await world.vote('approve', 'bob', id);
    expect(entry(world, id)).toMatchObject({ decision: 'approved', approvals: ['alice', 'bob'] });
    await world.execute(id);
    expect(entry(world, id)).toMatchObject({ decision: 'approved', execution: 'executed' });
    expect(approvedValue(world.state.governed.policy, 'global', 'keys.rotate_max_days')).toBe(80);
    expect(world.state.bases.global).toBe(world.state.seq);
  });

  it('cannot be executed without quorum, after a withdraw, or twice', async () => {
    const world = await World.create();
    const pending = await world.propose();
    await world.vote('approve', 'bob', pending);
    expect(
      refusal(() =>
        world.line({ type: 'intent', body: world.intent(pending, { statements: [`sha256:${'0'.repeat(64)}`] }) }),
      ),
    ).toMatchObject({ code: 'QuorumPending' });
    const withdrawn = await approved(world, { changes: ['caps.max_ttl_s=600'] });
    const intent = world.intent(withdrawn);
    await world.vote('withdraw', 'alice', withdrawn);
    expect(entry(world, withdrawn).decision).toBe('withdrawn');
    expect(refusal(() => world.line({ type: 'intent', body: intent }))).toMatchObject({ code: 'Conflict' });
    const done = await approved(world);
    const again = world.intent(done);
    await world.execute(done);
    expect(refusal(() => world.line({ type: 'intent', body: again }))).toMatchObject({ code: 'Conflict' });
  });

  it('withdrawn by somebody else is refused', async () => {
    const world = await World.create();
    const id = await world.propose();
    const envelope = await world.statement('withdraw', 'bob', id);
    expect(refusal(() => world.line({ type: 'statement', body: envelope }))).toMatchObject({
      code: 'PolicyRefused',
      field: 'signer',
    });
  });

  it('rejected by the votes is approved again only when a reject is retracted', async () => {
    const world = await World.create();
    const id = await world.propose();
    const bob = await world.vote('reject', 'bob', id);
    await world.vote('reject', 'carol', id);
    expect(entry(world, id).decision).toBe('rejected');
    await world.vote('approve', 'alice', id);
    expect(entry(world, id).decision).toBe('rejected');
    await world.vote('retract', 'bob', id, { refs: [bob] });
    await world.vote('approve', 'bob', id);
    expect(entry(world, id).decision).toBe('approved');
  });

  it('is judged by the ts of the ledger line, not by what a file says (a late approval that is back-dated)', async () => {
    const world = await World.create();
    const id = await world.propose({ lifeMs: 2 * HOUR });
    await world.vote('approve', 'alice', id);
    world.nowMs += 3 * HOUR;
    const late = await world.statement('approve', 'bob', id, { signed_at: at(HOUR) });
    world.line({ type: 'statement', body: late });
    expect(entry(world, id)).toMatchObject({ decision: 'open', approvals: ['alice'] });
  });

  it('with signed_at outside [created_at - 5 min, decide_by] is refused with 13', async () => {
    const world = await World.create();
    const id = await world.propose();
    for (const ms of [world.nowMs - 5 * MIN - 1, world.nowMs + 24 * HOUR + 1]) {
      const envelope = await world.statement('approve', 'bob', id, { signed_at: at(ms) });
      expect(refusal(() => world.line({ type: 'statement', body: envelope }))).toMatchObject({
        code: 'TooLate',
        field: 'signed_at',
      });
    }
    await world.vote('approve', 'bob', id, { signed_at: at(world.nowMs - 5 * MIN) });
  });

  it('comes at most 5 min before and 24 h after its created_at', async () => {
    const world = await World.create();
    world.nowMs = 48 * HOUR;
    const early = await world.proposal({ atMs: world.nowMs + 5 * MIN + 1 });
    const old = await world.proposal({ atMs: world.nowMs - 24 * HOUR - 1, lifeMs: 7 * 24 * HOUR });
    for (const body of [early, old]) {
      expect(refusal(() => world.line({ type: 'proposal', body }))).toMatchObject({
        code: 'TooLate',
        field: 'created_at',
      });
    }
    world.line({ type: 'proposal', body: await world.proposal({ atMs: world.nowMs + 5 * MIN }) });
  });

  it('cannot come back under its id with other content, nor twice', async () => {
    const world = await World.create();
    const envelope = await world.proposal();
    world.line({ type: 'proposal', body: envelope });
    expect(refusal(() => world.line({ type: 'proposal', body: envelope }))).toMatchObject({ code: 'Conflict' });
    const swapped = utf8(fromUtf8(envelope.payload)!.replace('because', 'befause'));
    const forged = await signAs({ ...envelope, payload: swapped }, await signer('alice'));
    expect(refusal(() => world.line({ type: 'proposal', body: forged }))).toMatchObject({
      code: 'Malformed',
      field: 'id',
    });
  });

  it('is limited to 20 open ones of one author', async () => {
    const world = await World.create();
    for (let n = 0; n < 20; n++) await world.propose({ patch: { nonce: freshNonce() } });
    const next = await world.proposal();
    expect(refusal(() => world.line({ type: 'proposal', body: next }))).toMatchObject({
      code: 'LimitReached',
      field: 'author',
    });
    world.line({ type: 'proposal', body: await world.proposal({ author: 'bob' }) });
  });

  it('of 90 leaves ten slots that only incident actions fill, and 100 are the end', async () => {
    const ids = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8'];
    const members = ids.map((id, index) => [id, index % 2 === 0 ? 'policy-owner' : 'security-officer'] as const);
    const world = await World.create({ members, threshold: 5 });
    for (let n = 0; n < 90; n++) {
      await world.propose({ author: ids[n % 6]!, changes: [`caps.max_ttl_s=${100 + n}`] });
    }
    await expect(world.propose({ author: 'a7' })).rejects.toMatchObject({
      code: 'LimitReached',
      message: '90 proposals are open; 90 is the limit for policy',
    });
    const action = {
      name: 'key-compromised',
      kid: 'acme/release/ed25519/0190a5a0-0000-7000-8000-000000000001#v1',
      from_seq: 0,
      epoch: 0,
    } as const;
    for (let n = 0; n < 10; n++) await world.propose({ author: 'a7', scope: 'tenant:acme', action });
    await expect(world.propose({ author: 'a8', scope: 'tenant:acme', action })).rejects.toMatchObject({
      code: 'LimitReached',
      message: '100 proposals are open; 100 is the limit for key-compromised',
    });
  });

  it('by a custodian is refused, except for the kinds that a custodian may propose', async () => {
    const world = await World.create();
    await expect(world.proposal({ author: 'carol' })).rejects.toMatchObject({
      code: 'PolicyRefused',
      field: '--signer',
    });
    const { id: _, ...honest } = parseProposal(await world.proposal());
    const crafted = { ...honest, author: 'carol' };
    const id = `gp-${shortName(digestH(PROPOSAL_TYPE, canonicalBytes(crafted)))}`;
    const payload = canonicalBytes({ ...crafted, id });
    expect(refusal(() => parseProposal({ payloadType: PROPOSAL_TYPE, payload, signatures: [] }))).toMatchObject({
      code: 'Malformed',
      field: 'author',
      message: expect.stringContaining('a custodian does not propose policy'),
    });
    await world.propose({ author: 'carol', action: { name: 'root-rotate' } });
  });
});

describe('staleness names the member that differs', () => {
  it('another tenant, and a tune, leave a proposal executable; a global change makes it stale', async () => {
    const world = await World.create();
    const forB = await approved(world, { scope: 'tenant:b', changes: ['pq_mode=and'] });
    await world.execute(await approved(world, { scope: 'tenant:a', changes: ['pq_mode=and'] }));
    world.line({
      type: 'tune',
      body: {
        scope: 'global',
        key: 'caps.max_active',
        from: 100,
        to: 110,
        baseline: 100,
        actor: 'local:0:x',
        judged_at: moment(world.nowMs),
      },
    });
    expect(() => demandCurrent(world.state, world.state.open.get(forB)!)).not.toThrow();
    await world.execute(await approved(world, { changes: ['keys.rotate_max_days=80'] }));
    expect(refusal(() => demandCurrent(world.state, world.state.open.get(forB)!))).toMatchObject({
      code: 'Stale',
      field: 'base_state.hash',
    });
  });

  it('a value that moved is named before the hash; a change there and back is found by the seq', async () => {
    const world = await World.create();
    const first = await approved(world, { changes: ['keys.rotate_max_days=80'] });
    const second = await approved(world, { changes: ['keys.rotate_max_days=70'] });
    const third = await approved(world, { changes: ['caps.max_ttl_s=600'] });
    await world.execute(first);
    expect(refusal(() => demandCurrent(world.state, world.state.open.get(second)!))).toMatchObject({
      code: 'Stale',
      field: 'changeset[0].from',
    });
    await world.execute(await approved(world, { changes: ['keys.rotate_max_days=90'] }));
    expect(refusal(() => demandCurrent(world.state, world.state.open.get(third)!))).toMatchObject({
      code: 'Stale',
      field: 'base_state.seq',
    });
  });

  it('a signer-set change makes every open proposal stale by its set', async () => {
    const world = await World.create();
    const open = await approved(world);
    const dave = await signer('dave');
    const { set } = world.state.governed;
    const next: NewSet = {
      members: [
        ...set.members.filter((one) => one.id !== 'carol'),
        { id: 'dave', role: 'custodian' as const, keys: dave.keys },
      ],
      threshold: 2,
    };
    const change = await approved(world, {
      action: {
        name: 'signer-set-change',
        new_set: next,
        removed: removedIds(set, next).map((id) => ({ id, reason: 'left' as const })),
      },
    });
    expect(refusal(() => demandCurrent(world.state, world.state.open.get(change)!))).toMatchObject({
      code: 'Stale',
      field: 'actions[0].new_set',
    });
    world.line({ type: 'possession', body: await world.possession(change, dave, 'custodian') });
    await world.execute(change);
    expect(world.state.governed.set).toMatchObject({ epoch: 1 });
    expect(world.state.chain).toEqual([change]);
    expect(refusal(() => demandCurrent(world.state, world.state.open.get(open)!))).toMatchObject({
      code: 'Stale',
      field: 'signer_set.hash',
    });
    const fresh = await world.propose({ changes: ['caps.max_ttl_s=600'] });
    await world.vote('approve', 'dave', fresh);
    await expect(
      world.statement('approve', 'carol', fresh).then((body) => world.line({ type: 'statement', body })),
    ).rejects.toMatchObject({ code: 'PolicyRefused' });
    expect(replay(world).governed).toEqual(world.state.governed);
  });
});

describe('an execution', () => {
  it('is refused at and after the end, and outside the window, and not one millisecond earlier', async () => {
    const world = await World.create();
    const id = await approved(world, { scope: 'tenant:a', changes: ['pq_mode=and'], lifeMs: 48 * HOUR });
    const { body } = world.state.open.get(id)!.proposal;
    expect(refusal(() => demandWindow(body, body.expires_at))).toMatchObject({ code: 'Expired' });
    expect(refusal(() => demandWindow(body, body.change_window!.not_after))).toMatchObject({ code: 'OutsideWindow' });
    expect(() => demandWindow(body, at(world.nowMs + 24 * HOUR - 1))).not.toThrow();
    expect(() => demandWindow(body, body.change_window!.not_before)).not.toThrow();
  });

  it('allows no other line between intent and end', async () => {
    const world = await World.create();
    const id = await approved(world);
    const other = await world.proposal({ changes: ['caps.max_ttl_s=600'] });
    const intent = world.intent(id);
    world.line({ type: 'intent', body: intent });
    expect(refusal(() => world.line({ type: 'proposal', body: other }))).toMatchObject({
      code: 'Conflict',
      field: 'type',
    });
    world.line({ type: 'execution', body: await world.receipt(id, intent) });
  });

  it('needs the plan and the votes that follow from the proposal', async () => {
    const world = await World.create();
    const id = await approved(world);
    const intent = world.intent(id);
    expect(
      refusal(() => world.line({ type: 'intent', body: { ...intent, statements: intent.statements.slice(1) } })),
    ).toMatchObject({ code: 'Conflict', field: 'statements' });
    const plan = [{ ...intent.plan[0]!, effect: 'root-rotate' }];
    expect(refusal(() => world.line({ type: 'intent', body: { ...intent, plan } }))).toMatchObject({
      code: 'Conflict',
      field: 'plan',
    });
  });

  it('is closed only by a receipt of the service keys over this intent', async () => {
    const world = await World.create();
    const id = await approved(world);
    const intent = world.intent(id);
    world.line({ type: 'intent', body: intent });
    const foreign = await world.receipt(id, intent, 'mallory');
    expect(refusal(() => world.line({ type: 'execution', body: foreign }))).toMatchObject({
      code: 'VerificationFailed',
      message: 'receipt: the signature of service is wrong',
    });
    const other = await world.receipt(id, { ...intent, judged_at: moment(0) });
    expect(refusal(() => world.line({ type: 'execution', body: other }))).toMatchObject({
      message: 'the receipt does not follow from its intent',
    });
    world.line({ type: 'execution', body: await world.receipt(id, intent) });
  });

  it('that rotates the service keys is signed by the old ones, the next by the new ones', async () => {
    const world = await World.create();
    const next = await signer('service2', 'service');
    const rotate = await approved(world, { action: { name: 'service-key-rotate', new_keys: next.keys } });
    await world.execute(rotate);
    expect(world.state.governed.serviceKeys).toEqual(next.keys);
    const id = await approved(world);
    const intent = world.intent(id);
    world.line({ type: 'intent', body: intent });
    const old = await world.receipt(id, intent);
    expect(refusal(() => world.line({ type: 'execution', body: old }))).toMatchObject({ code: 'VerificationFailed' });
    world.line({ type: 'execution', body: await world.receipt(id, intent, 'service2') });
  });

  it('that failed is closed and not repeated', async () => {
    const world = await World.create();
    const id = await approved(world);
    const intent = world.intent(id);
    world.line({ type: 'intent', body: intent });
    world.line({
      type: 'failed',
      body: { proposal_digest: intent.proposal_digest, applied: [], reason: 'disk', judged_at: moment(world.nowMs) },
    });
    expect(entry(world, id).execution).toBe('failed');
    expect(approvedValue(world.state.governed.policy, 'global', 'keys.rotate_max_days')).toBe(90);
    expect(refusal(() => world.line({ type: 'intent', body: intent }))).toMatchObject({ code: 'Conflict' });
  });
});

describe('signer sets', () => {
  const roles = [
    ['alice', 'policy-owner'],
    ['bob', 'security-officer'],
  ] as const;

  it('1-of-2 exists only in micronode, and a signer cannot replace the other by claiming a loss', async () => {
    await expect(World.create({ members: roles, threshold: 1 })).rejects.toMatchObject({
      code: 'Malformed',
      field: 'threshold',
    });
    const world = await World.create({ members: roles, threshold: 1, profile: 'micronode' });
    const mallory = await signer('mallory', 'bob2');
    const { set } = world.state.governed;
    const next: NewSet = {
      members: [set.members[0]!, { id: 'bob2', role: 'security-officer', keys: mallory.keys }],
      threshold: 1,
    };
    const id = await world.propose({
      action: { name: 'signer-set-change', new_set: next, removed: [{ id: 'bob', reason: 'lost' }] },
    });
    await world.vote('approve', 'alice', id);
    world.line({ type: 'possession', body: await world.possession(id, mallory, 'security-officer') });
    expect(refusal(() => demandCurrent(world.state, world.state.open.get(id)!))).toMatchObject({
      code: 'PolicyRefused',
      field: 'actions[0].new_set',
      message: expect.stringContaining('bob must approve'),
    });
    await world.vote('approve', 'bob', id);
    expect(() => demandCurrent(world.state, world.state.open.get(id)!)).not.toThrow();
  });

  it('1-of-2: nor by adding a key of his own, taking over the auditor or another role; his own keys he may change', async () => {
    const options = { members: roles, threshold: 1, profile: 'micronode', auditor: 'ann' } as const;
    const mallory = await signer('mallory');
    const tried = async (change: (set: SignerSet) => NewSet, by: readonly string[]) => {
      const world = await World.create(options);
      const { set } = world.state.governed;
      const next = change(set);
      const removed = removedIds(set, next).map((id) => ({ id, reason: 'rotated' as const }));
      const id = await world.propose({ action: { name: 'signer-set-change', new_set: next, removed } });
      for (const who of by) await world.vote('approve', who, id);
      for (const one of newIdentities(set, next)) {
        world.line({ type: 'possession', body: await world.possession(id, { ...mallory, id: one.id }, one.role) });
      }
      return () => demandCurrent(world.state, world.state.open.get(id)!);
    };
    const auditor = { id: 'ann', keys: (await signer('ann')).keys };
    const changes: Readonly<Record<string, (set: SignerSet) => NewSet>> = {
      'a third member': ({ members }) => ({
        members: [...members, { id: 'mallory', role: 'custodian', keys: mallory.keys }],
        threshold: 2,
        auditor,
      }),
      'the auditor': ({ members, threshold }) => ({
        members,
        threshold,
        auditor: { id: 'mallory', keys: mallory.keys },
      }),
      'no auditor': ({ members, threshold }) => ({ members, threshold }),
      'the other role': ({ members, threshold }) => ({
        members: [members[0]!, { ...members[1]!, role: 'custodian' }],
        threshold,
        auditor,
      }),
    };
    for (const [name, change] of Object.entries(changes)) {
      expect(refusal(await tried(change, ['alice'])), name).toMatchObject({
        code: 'PolicyRefused',
        field: 'actions[0].new_set',
        message: expect.stringContaining('bob must approve'),
      });
      expect(await tried(change, ['alice', 'bob']), name).not.toThrow();
    }
    const own = ({ members, threshold }: SignerSet): NewSet => ({
      members: [{ ...members[0]!, keys: mallory.keys }, members[1]!],
      threshold,
      auditor,
    });
    expect(await tried(own, ['alice'])).not.toThrow();
    expect(refusal(await tried(own, ['bob']))).toMatchObject({
      message: expect.stringContaining('alice must approve'),
    });
  });

  it('that exchange as many keys as the threshold at once still need the old quorum and every new key', async () => {
    const world = await World.create();
    const { set } = world.state.governed;
    const fresh = await Promise.all(['bob', 'carol'].map((id) => signer(`${id} new`, id)));
    const members = set.members.map((one) => ({
      ...one,
      keys: fresh.find((now) => now.id === one.id)?.keys ?? one.keys,
    }));
    const next: NewSet = { members, threshold: 2 };
    const change = {
      name: 'signer-set-change' as const,
      new_set: next,
      removed: [
        { id: 'bob', reason: 'rotated' as const },
        { id: 'carol', reason: 'rotated' as const },
      ],
    };
    const id = await approved(world, { action: change });
    world.line({ type: 'possession', body: await world.possession(id, fresh[0]!, 'security-officer') });
    expect(refusal(() => demandCurrent(world.state, world.state.open.get(id)!)).message).toContain('carol');
    world.line({ type: 'possession', body: await world.possession(id, fresh[1]!, 'custodian') });
    await world.execute(id);
    expect(world.state.governed.set.epoch).toBe(1);
  });

  it('refuse a member whose key is also the auditor, the service or another member (a second vote)', async () => {
    const world = await World.create();
    const { set, serviceKeys } = world.state.governed;
    const twin = { ...set.members[2]!, keys: { ...set.members[2]!.keys, ed25519: set.members[0]!.keys.ed25519 } };
    for (const [new_set, owner] of [
      [{ members: [set.members[0]!, set.members[1]!, twin], threshold: 2 }, 'members.carol.keys.ed25519'],
      [
        { members: set.members, threshold: 2, auditor: { id: 'eve', keys: set.members[0]!.keys } },
        'auditor.keys.ed25519',
      ],
      [{ members: set.members, threshold: 2, auditor: { id: 'eve', keys: serviceKeys } }, 'service_keys.keys.ed25519'],
    ] as const) {
      const removed = removedIds(set, new_set).map((id) => ({ id, reason: 'rotated' as const }));
      expect(refusal(() => world.content({ action: { name: 'signer-set-change', new_set, removed } }))).toMatchObject({
        code: 'Malformed',
        field: owner,
      });
    }
  });

  it('refuse thresholds 0, 1, n/2 and above n', async () => {
    const four = [...roles, ['carol', 'custodian'], ['dave', 'custodian']] as const;
    for (const threshold of [0, 1, 2, 5]) {
      await expect(World.create({ members: four, threshold })).rejects.toMatchObject({
        code: 'Malformed',
        field: 'threshold',
      });
    }
    await expect(World.create({ members: four, threshold: 3 })).resolves.toBeDefined();
    await expect(
      World.create({
        members: [
          ['alice', 'custodian'],
          ['bob', 'custodian'],
        ],
        threshold: 2,
      }),
    ).rejects.toMatchObject({ field: 'members' });
  });
});

describe('state.json', () => {
  it('and a full replay give the state that the writer had', async () => {
    const world = await World.create();
    await world.execute(await approved(world, { scope: 'tenant:a', changes: ['pq_mode=and'] }));
    const open = await world.propose({ changes: ['caps.max_ttl_s=600'] });
    await world.vote('approve', 'bob', open);
    world.line({
      type: 'tune',
      body: {
        scope: 'global',
        key: 'caps.max_active',
        from: 100,
        to: 120,
        baseline: 100,
        actor: 'x',
        judged_at: moment(world.nowMs),
      },
    });
    expect(replay(world)).toEqual(world.state);
    expect(reopen(world)).toEqual(world.state);
    const reopened = reopen(world);
    expect(encodeState(reopened)).toEqual(encodeState(world.state));
  });

  it('keeps an unfinished intent', async () => {
    const world = await World.create();
    const id = await approved(world);
    world.line({ type: 'intent', body: world.intent(id) });
    expect(reopen(world)).toEqual(world.state);
  });

  it('does not load what a changed ledger line says', async () => {
    const world = await World.create();
    const id = await world.propose();
    await world.vote('approve', 'bob', id);
    const other = await World.create();
    await other.propose({ changes: ['caps.max_ttl_s=600'] });
    const state = encodeState(world.state);
    world.lines[1] = other.lines[1]!;
    expect(refusal(() => reopen(world, state))).toMatchObject({ code: 'Tampered' });
  });
});

describe('a line in the middle of the ledger, below an authenticated state', () => {
  /** The line of `seq` with the content of another one: whole, with a hash of its own, at its place. */
  const forged = (world: World, seq: number, like: number): Uint8Array => {
    const { prev } = decodeLine(world.lines[seq]!);
    const { seq: _seq, prev: _prev, hash: _hash, ts, ...content } = decodeLine(world.lines[like]!);
    return buildLine({ seq: seq - 1, hash: prev }, { ts, content }).bytes;
  };

  it('cannot turn a retract into a second copy of an approve (a quorum that does not exist)', async () => {
    const world = await World.create();
    const id = await approved(world);
    const vote = decodeLine(world.lines[3]!);
    expect(vote.type).toBe('statement');
    await world.vote('retract', 'bob', id, { refs: [envelopeDigest(vote.body as Envelope)] });
    await world.vote('reject', 'carol', id);
    const bytes = encodeState(world.state);
    expect(reopen(world, bytes).index.get(id)?.decision).toBe('open');
    world.lines[4] = forged(world, 4, 3);
    expect(refusal(() => reopen(world, bytes))).toMatchObject({ code: 'Tampered', field: 'ledger' });
  });

  it('cannot be that of another place, nor bring a proof of possession that nobody signed', async () => {
    const world = await World.create();
    const id = await world.propose();
    await world.vote('approve', 'bob', id);
    const bytes = encodeState(world.state);
    const kept = world.lines[2]!;
    world.lines[2] = world.lines[1]!;
    expect(refusal(() => reopen(world, bytes))).toMatchObject({ code: 'Tampered', field: 'ledger' });
    const possession = await world.possession(id, await signer('dora'), 'custodian');
    const forgedPossession = { ...possession, signatures: possession.signatures.map((one) => ({ ...one })) };
    forgedPossession.signatures[0]!.signature.fill(0);
    const { prev } = decodeLine(kept);
    world.lines[2] = buildLine(
      { seq: 1, hash: prev },
      { ts: at(HOUR), content: { type: 'possession', body: forgedPossession } },
    ).bytes;
    expect(refusal(() => reopen(world, bytes))).toMatchObject({ code: 'Tampered', field: 'ledger' });
  });
});

describe('a line', () => {
  it('carries its own hash and that of the line before; each changed byte is refused', async () => {
    const world = await World.create();
    await world.propose();
    const bytes = world.lines[1]!;
    const first = decodeLine(world.lines[0]!);
    expect(first.prev).toBe(FIRST_PREV);
    for (let index = 0; index < bytes.length; index += 11) {
      const broken = bytes.map((byte, at) => (at === index ? byte ^ 1 : byte));
      expect(() => parseLine(broken, first)).toThrow(RonError);
    }
    expect(refusal(() => parseLine(bytes, { seq: 5, hash: first.hash }))).toMatchObject({ field: 'seq' });
    expect(refusal(() => parseLine(bytes, { seq: 0, hash: FIRST_PREV }))).toMatchObject({ field: 'prev' });
  });

  it('of an unknown type, or a note with a further member, is malformed', () => {
    const note = { type: 'note' as const, body: { kind: 'text' as const, data: {}, actor: 'x', judged_at: moment(0) } };
    const { bytes } = buildLine(null, { ts: at(0), content: note });
    expect(() => decodeLine(bytes)).not.toThrow();
    const bad = buildLine(null, { ts: at(0), content: { ...note, type: 'remark' } as never });
    expect(refusal(() => decodeLine(bad.bytes))).toMatchObject({ field: 'type' });
    const extra = buildLine(null, { ts: at(0), content: { ...note, body: { ...note.body, more: 1 } } as never });
    expect(refusal(() => decodeLine(extra.bytes))).toMatchObject({ field: 'body.more' });
  });
});

describe('acts without a quorum', () => {
  it('tune within 20 % of the approved value, without a ratchet, and end with an execution on the key', async () => {
    const world = await World.create();
    const tune = (from: number, to: number, key = 'caps.max_active') => ({
      type: 'tune' as const,
      body: { scope: 'global' as const, key, from, to, baseline: 100, actor: 'x', judged_at: moment(world.nowMs) },
    });
    world.line(tune(100, 120));
    expect(refusal(() => world.line(tune(120, 121)))).toMatchObject({
      code: 'PolicyRefused',
      field: 'caps.max_active',
    });
    expect(refusal(() => world.line(tune(120, 79)))).toMatchObject({ code: 'PolicyRefused' });
    world.line(tune(120, 80));
    expect(refusal(() => world.line(tune(100, 90, 'caps.max_ttl_s')))).toMatchObject({
      code: 'PolicyRefused',
      field: 'caps.max_ttl_s',
    });
    await world.execute(await approved(world, { changes: ['caps.max_active=200'] }));
    expect(world.state.overlays).toEqual([]);
  });

  it('a rollback clause is used once, within its time, and not after a later change of the key', async () => {
    const world = await World.create();
    await world.execute(await approved(world, { scope: 'tenant:a', changes: ['pq_mode=and'] }));
    const clause = world.state.clauses[0]!;
    const use = (duration_s: number) => ({
      type: 'rollback' as const,
      body: {
        proposal_digest: clause.proposal_digest,
        scope: clause.scope,
        changes: clause.changeset,
        duration_s,
        actor: 'x',
        judged_at: moment(world.nowMs),
      },
    });
    expect(refusal(() => world.line(use(86_401)))).toMatchObject({ code: 'InvalidValue' });
    world.nowMs += 24 * HOUR;
    expect(refusal(() => world.line(use(3600)))).toMatchObject({ code: 'Expired' });
    world.nowMs -= 1;
    world.line(use(3600));
    expect(world.state.overlays).toMatchObject([{ kind: 'rollback', scope: 'tenant:a', duration_s: 3600 }]);
    expect(refusal(() => world.line(use(3600)))).toMatchObject({ code: 'PolicyRefused', field: 'proposal_digest' });
  });
});
