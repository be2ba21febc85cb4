// Disputes: a ledger line by a member, the auditor or the service, which marks records and changes nothing.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import type { Envelope } from '../../src/envelope/dsse.ts';
import { buildDispute, type Dispute, disputeId, disputesOf } from '../../src/governance/dispute.ts';
import { decodeState, encodeState } from '../../src/governance/state-file.ts';
import { at, HOUR, MIN, replay, signAs, signer, World } from '../support/governance.ts';
import { refusal } from '../support/refusal.ts';

const LEAF = 'ab'.repeat(32);
const REF = { index: 7, leaf: LEAF };
const content = (world: World, change: Partial<Dispute> = {}): Dispute => ({
  ledger_id: world.state.ledgerId,
  refs: [REF],
  claimant: 'bob',
  text_sha256: `sha256:${'0'.repeat(64)}`,
  at: at(world.nowMs),
  ...change,
});
const signed = async (dispute: Dispute, by = dispute.claimant): Promise<Envelope> =>
  signAs(buildDispute(dispute), { ...(await signer(by)), id: dispute.claimant });

describe('a dispute', () => {
  it('marks the records that it names, by their leaves, and nothing else of the state', async () => {
    const world = await World.create();
    const governed = world.state.governed;
    world.line({ type: 'dispute', body: await signed(content(world)) });
    world.line({ type: 'dispute', body: await signed(content(world, { claimant: 'alice' })) });
    const { disputes } = world.state;
    expect(disputes.map((one) => [one.claimant, one.seq])).toEqual([
      ['bob', 1],
      ['alice', 2],
    ]);
    expect(disputeId(disputes[0]!.digest)).toMatch(/^gd-[a-z2-7]{32}$/);
    expect(disputesOf(disputes, REF)).toHaveLength(2);
    // The same index in another epoch is another record.
    expect(disputesOf(disputes, { index: 7, leaf: 'cd'.repeat(32) })).toEqual([]);
    expect(world.state.governed).toBe(governed);
    expect(replay(world).disputes).toEqual(disputes);
    const none = (): never => expect.fail('no proposal is open');
    expect(decodeState(encodeState(world.state), none).disputes).toEqual(disputes);
  });

  it('leaves a state without any as it was before there were disputes', async () => {
    const world = await World.create();
    expect(new TextDecoder().decode(encodeState(world.state))).not.toContain('disputes');
  });

  it('is refused for the reason that it has', async () => {
    const world = await World.create();
    const file = async (change: Partial<Dispute>, by?: string) => {
      const body = await signed(content(world, change), by);
      return refusal(() => world.line({ type: 'dispute', body }));
    };
    expect(await file({ claimant: 'mallory' })).toMatchObject({ code: 'PolicyRefused', field: 'claimant' });
    expect(await file({}, 'mallory')).toMatchObject({ code: 'VerificationFailed', field: 'signatures.bob' });
    expect(await file({ claimant: 'service' }, 'bob')).toMatchObject({ code: 'VerificationFailed' });
    expect(await file({ ledger_id: `gl-${'a'.repeat(32)}` })).toMatchObject({ code: 'Conflict', field: 'ledger_id' });
    expect(await file({ at: at(world.nowMs + 6 * MIN) })).toMatchObject({ code: 'TooLate', field: 'at' });
    expect(await file({ refs: [REF, REF] })).toMatchObject({ code: 'Malformed', field: 'refs' });
    expect(await file({ refs: [] })).toMatchObject({ code: 'Malformed', field: 'refs' });
    expect(world.state.disputes).toEqual([]);
    const envelope = await signed(content(world));
    world.line({ type: 'dispute', body: envelope });
    expect(refusal(() => world.line({ type: 'dispute', body: envelope }))).toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('already in the ledger'),
    });
    world.nowMs += HOUR;
    const broken = { ...envelope, payload: utf8('{}') };
    expect(refusal(() => world.line({ type: 'dispute', body: broken }))).toMatchObject({
      code: 'Malformed',
    });
  });
});
