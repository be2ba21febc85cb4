// The link between two epochs (log page 4.7): what contradicts a known checkpoint or the approved action is named.

import { describe, expect, it } from 'vitest';
import { contradicts, differsFromApproved, type EpochLink, epochLink } from '../../src/audit/epoch-link.ts';
import { fromHex } from '../../src/bytes/hex.ts';

const origin = 'ronctl.invalid/0123456789abcdef0123456789abcdef/e0';
const next = origin.replace('/e0', '/e1');
const root = (digit: string): string => digit.repeat(64);
const at = (size: number, digit: string) => ({ origin, size, root: root(digit) });
const known = (size: number, digit: string) => ({ origin, size, root: fromHex(root(digit), 32)! });

const link: EpochLink = {
  prev_origin: origin,
  prev_checkpoint: at(20, 'b'),
  restored_checkpoint: at(10, 'a'),
  lost: { from: 10, to: 20 },
  counters: `sha256:${root('c')}`,
  proposal_digest: `sha256:${root('d')}`,
  statements: [`sha256:${root('e')}`],
};
const before = { origin, known: [known(10, 'a'), known(15, '5'), known(20, 'b')] };

describe('a link', () => {
  it('is read from epoch.open alone', () => {
    expect(epochLink({ op: 'epoch.open', detail: { ...link } as never })).toEqual(link);
    expect(epochLink({ op: 'init', detail: {} })).toBeNull();
    expect(() => epochLink({ op: 'epoch.open', detail: { prev_origin: origin } })).toThrow(/prev_checkpoint/);
  });

  it('holds against the checkpoints that it names', () => {
    expect(contradicts(link, before)).toBeNull();
    const nothing = { ...link, prev_checkpoint: at(10, 'a'), lost: null };
    expect(contradicts(nothing, { origin, known: [known(10, 'a')] })).toBeNull();
  });

  it.each<[string, Partial<EpochLink>, RegExp]>([
    ['another log before', { prev_origin: next }, /follows/],
    ['no checkpoint', { prev_checkpoint: null }, /names no checkpoint/],
    ['a checkpoint of another log', { prev_checkpoint: { ...at(20, 'b'), origin: next } }, /of .*\/e1/],
    ['another root of the newest', { prev_checkpoint: at(20, 'c') }, /another root at size 20/],
    ['another root of the restored', { restored_checkpoint: at(10, 'c') }, /another root at size 10/],
    ['less than is known', { prev_checkpoint: at(15, '5'), lost: { from: 10, to: 15 } }, /size 20 .* is known/],
    ['a restored one beyond', { restored_checkpoint: at(30, 'f') }, /newer than/],
    ['another lost range', { lost: { from: 11, to: 20 } }, /lost range/],
    ['no lost range', { lost: null }, /lost range/],
  ])('contradicts with %s', (_what, change, why) => {
    expect(contradicts({ ...link, ...change }, before)).toMatch(why);
  });

  const approved = {
    origin: next,
    proposalDigest: link.proposal_digest!,
    statements: link.statements!,
    action: { prev_origin: origin, prev_checkpoint: at(20, 'b'), restored_checkpoint: at(10, 'a') },
  };

  it('is the approved one, or is not', () => {
    expect(differsFromApproved(link, next, approved)).toBeNull();
    expect(differsFromApproved(link, origin, approved)).toMatch(/approved for/);
    expect(differsFromApproved({ ...link, prev_origin: next }, next, approved)).toMatch(/approved to follow/);
    expect(differsFromApproved({ ...link, prev_checkpoint: at(21, 'b') }, next, approved)).toMatch(
      /another checkpoint before/,
    );
    expect(differsFromApproved({ ...link, restored_checkpoint: null }, next, approved)).toMatch(/restored/);
    expect(differsFromApproved({ ...link, statements: [] }, next, approved)).toMatch(/approvals/);
  });
});
