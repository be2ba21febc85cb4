// Counting votes: every trap of the quorum is one named test.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RonError } from '../../src/errors.ts';
import { type Tally, tally } from '../../src/governance/quorum.ts';
import { requiredRoles, type SignerSet, signerSetHash } from '../../src/governance/signer-set.ts';
import { type Purpose, type VerifiedStatement, verifyStatement } from '../../src/governance/statement.ts';
import { crypto, DEFAULT_ROLES, signAs, signer, World } from '../support/governance.ts';

const world = await World.create();
const id = await world.propose();
const set = world.state.governed.set;
const hash = signerSetHash(set);

async function vote(purpose: Purpose, by: string, refs: readonly string[] = []): Promise<VerifiedStatement> {
  return verifyStatement(crypto, await world.statement(purpose, by, id, { refs: [...refs] }), set, hash);
}

const count = (...statements: VerifiedStatement[]): Tally => tally(statements, set, 'alice');

function withSet(change: Partial<SignerSet>): SignerSet {
  return { ...set, ...change };
}

const approve = {
  alice: await vote('approve', 'alice'),
  bob: await vote('approve', 'bob'),
  carol: await vote('approve', 'carol'),
};

describe('a quorum', () => {
  it('is two distinct members with two distinct roles in a 2-of-3 set', () => {
    expect(count(approve.alice)).toMatchObject({ reached: false, approvals: ['alice'], waiting: ['bob', 'carol'] });
    expect(count(approve.alice, approve.bob)).toMatchObject({ reached: true, approvals: ['alice', 'bob'] });
  });

  it('does not count the same statement, or a second approve of one member, twice', async () => {
    const again = await vote('approve', 'alice');
    expect(count(approve.alice, approve.alice, again)).toMatchObject({ reached: false, approvals: ['alice'] });
    expect(count(approve.alice, again).approvalDigests).toHaveLength(1);
  });

  it('does not count authorship as a vote', () => {
    expect(count(approve.bob).reached).toBe(false);
    expect(count().reached).toBe(false);
  });

  it('needs two roles even when two members share one', async () => {
    const shared = withSet({
      members: set.members.map((one) => (one.id === 'bob' ? { ...one, role: 'policy-owner' as const } : one)),
    });
    expect(requiredRoles(shared)).toBe(2);
    const bob = { ...approve.bob, body: { ...approve.bob.body, role: 'policy-owner' as const } };
    const votes = tally([approve.alice, bob], shared, 'alice');
    expect(votes).toMatchObject({
      reached: false,
      approvals: ['alice', 'bob'],
      approvedRoles: ['policy-owner'],
      requiredRoles: 2,
    });
    expect(tally([approve.alice, bob, approve.carol], shared, 'alice').reached).toBe(true);
  });

  it('never exists for an empty set, threshold 0, a missing, negative or fractional threshold (0 == 0 must deny)', () => {
    for (const threshold of [0, -1, 1.5, Number.NaN, undefined as unknown as number]) {
      expect(() => tally([approve.alice, approve.bob], withSet({ threshold }), 'alice')).toThrow(RangeError);
    }
    expect(() => tally([], withSet({ members: [] }), 'alice')).toThrow(RangeError);
  });

  it('is one member, one role only in a 1-of-2 set', () => {
    const two = withSet({ members: set.members.slice(0, 2), threshold: 1 });
    expect(tally([approve.alice], two, 'alice')).toMatchObject({ reached: true, requiredRoles: 1 });
    expect(tally([], two, 'alice').reached).toBe(false);
  });

  it('ignores a vote of somebody who is no member, and of a member in another role', async () => {
    const outsider = { ...approve.bob, body: { ...approve.bob.body, signer: 'mallory' } };
    const otherRole = { ...approve.bob, body: { ...approve.bob.body, role: 'custodian' as const } };
    expect(count(approve.alice, outsider).reached).toBe(false);
    expect(count(approve.alice, otherRole).reached).toBe(false);
  });
});

describe('a reject', () => {
  it('makes the quorum unreachable when too few are left, and not before', async () => {
    const bob = await vote('reject', 'bob');
    const carol = await vote('reject', 'carol');
    expect(count(bob)).toMatchObject({ unreachable: false, rejects: ['bob'] });
    expect(count(bob, carol)).toMatchObject({ unreachable: true, reached: false });
    expect(count(bob, approve.alice, approve.carol)).toMatchObject({ reached: true });
  });

  it('voids its own signer together with an approve, and raises evidence', async () => {
    const bob = await vote('reject', 'bob');
    const votes = count(approve.alice, approve.bob, bob);
    expect(votes).toMatchObject({ reached: false, voided: ['bob'], approvals: ['alice'] });
    expect(votes.equivocations).toEqual([{ signer: 'bob', statements: [approve.bob.digest, bob.digest] }]);
  });
});

describe('a retract', () => {
  it('cancels its vote for ever, also when the vote is imported again or comes later', async () => {
    const retract = await vote('retract', 'bob', [approve.bob.digest]);
    expect(count(approve.alice, approve.bob, retract).reached).toBe(false);
    expect(count(retract, approve.alice, approve.bob, approve.bob).reached).toBe(false);
    const fresh = await vote('approve', 'bob');
    expect(count(approve.alice, approve.bob, retract, fresh).reached).toBe(true);
  });

  it('of one member does not cancel the vote of another', async () => {
    const retract = await vote('retract', 'carol', [approve.bob.digest]);
    expect(count(approve.alice, approve.bob, retract).reached).toBe(true);
  });

  it('of a reject reopens what was rejected', async () => {
    const bob = await vote('reject', 'bob');
    const carol = await vote('reject', 'carol');
    expect(count(bob, carol).unreachable).toBe(true);
    expect(count(bob, carol, await vote('retract', 'carol', [carol.digest])).unreachable).toBe(false);
  });
});

describe('a withdraw', () => {
  it('of the author ends the proposal, and of nobody else', async () => {
    expect(count(approve.alice, approve.bob, await vote('withdraw', 'alice')).withdrawn).toBe(true);
    expect(count(approve.alice, approve.bob, await vote('withdraw', 'bob')).withdrawn).toBe(false);
  });
});

it('the verdict depends on the set of statements, never on their order or number', async () => {
  const reject = await vote('reject', 'carol');
  const pool = [
    approve.alice,
    approve.bob,
    approve.carol,
    reject,
    await vote('reject', 'bob'),
    await vote('retract', 'carol', [reject.digest]),
    await vote('retract', 'bob', [approve.bob.digest]),
  ];
  fc.assert(
    fc.property(fc.subarray(pool), fc.infiniteStream(fc.nat()), (some, stream) => {
      const numbers = stream[Symbol.iterator]();
      const shuffled = [...some, ...some]
        .map((one) => ({ one, key: numbers.next().value as number }))
        .sort((a, b) => a.key - b.key)
        .map(({ one }) => one);
      expect(tally(shuffled, set, 'alice')).toEqual(tally(some, set, 'alice'));
    }),
    { numRuns: 300 },
  );
});

describe('a statement', () => {
  const refused = async (code: string, field: string, patch: object, by = 'bob'): Promise<void> => {
    const envelope = await world.statement('approve', by, id, patch);
    try {
      verifyStatement(crypto, envelope, set, hash);
    } catch (error) {
      expect(error).toBeInstanceOf(RonError);
      expect(error).toMatchObject({ code, field });
      return;
    }
    throw new Error('it was accepted');
  };

  it('cannot be replayed in another ledger, under another set, in another role', async () => {
    await refused('Conflict', 'ledger_id', { ledger_id: `gl-${'a'.repeat(32)}` });
    await refused('Stale', 'signer_set_hash', { signer_set_hash: `sha256:${'0'.repeat(64)}` });
    await refused('PolicyRefused', 'role', { role: 'custodian' });
  });

  it('of an outsider is refused even under the name of a member (key bytes that change under the same id)', async () => {
    const impostor = await signer('mallory', 'bob');
    const honest = await world.statement('approve', 'bob', id);
    const forged = await signAs(honest, impostor);
    expect(() => verifyStatement(crypto, forged, set, hash)).toThrow(/the signature of bob is wrong/);
  });

  it('with one of its two signatures missing, doubled or of somebody else is refused', async () => {
    const honest = await world.statement('approve', 'bob', id);
    const alice = await signAs(honest, await signer('alice'));
    for (const signatures of [
      honest.signatures.slice(0, 1),
      honest.signatures.slice(1),
      [...honest.signatures, ...alice.signatures],
    ]) {
      expect(() => verifyStatement(crypto, { ...honest, signatures }, set, hash)).toThrow(/exactly the pairs of bob/);
    }
    expect(() => verifyStatement(crypto, alice, set, hash)).toThrow(/exactly the pairs of bob/);
  });

  it('is refused with any byte of payload or signatures changed', async () => {
    const honest = await world.statement('approve', 'bob', id);
    const flip = (bytes: Uint8Array, index: number): Uint8Array =>
      bytes.map((byte, at) => (at === index ? byte ^ 1 : byte));
    for (let index = 0; index < honest.payload.length; index += 7) {
      expect(() => verifyStatement(crypto, { ...honest, payload: flip(honest.payload, index) }, set, hash)).toThrow(
        RonError,
      );
    }
    honest.signatures.forEach((one, which) => {
      for (const index of [0, 31, 32, one.signature.length - 1]) {
        const signatures = honest.signatures.map((s, n) =>
          n === which ? { ...s, signature: flip(s.signature, index) } : s,
        );
        expect(() => verifyStatement(crypto, { ...honest, signatures }, set, hash)).toThrow(
          /signature of bob is wrong/,
        );
      }
    });
  });
});

it('the support world has three members with three roles', () => {
  expect(set.members.map((one) => [one.id, one.role])).toEqual(DEFAULT_ROLES);
});
