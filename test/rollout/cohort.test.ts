import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/bytes/hex.ts';
import { uuidV4 } from '../../src/bytes/uuid.ts';
import { bucketOf, effectivePhase, inCohort } from '../../src/rollout/cohort.ts';
import { type Phase, settled } from '../../src/rollout/phases.ts';
import { type OwnVector, readSuite } from '../vectors/own-format.ts';

const nonce = new Uint8Array(16).fill(7);
const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(uuidV4);

describe('cohort', () => {
  it('the 1,000 ids of the vectors fall into their buckets', () => {
    let ids = 0;
    for (const { in: given, out } of readSuite('rollout/cohort.json').vectors) {
      const genesisNonce = fromHex(given['genesis_nonce'] as string)!;
      const uuids = given['uuids'] as string[];
      const buckets = uuids.map((one) => bucketOf(genesisNonce, given['tenant'] as string, one));
      expect(buckets).toEqual(out!['buckets']);
      ids += uuids.length;
    }
    expect(ids).toBe(1000);
  });

  it('a key that is inside stays inside when the percentage grows', () => {
    fc.assert(
      fc.property(uuid, fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), (id, a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        if (inCohort(nonce, 'acme', id, less)) expect(inCohort(nonce, 'acme', id, more)).toBe(true);
      }),
    );
  });

  it('inside begins just above the bucket', () => {
    const [{ in: given, out }] = readSuite('rollout/cohort.json').vectors as [OwnVector];
    const genesisNonce = fromHex(given['genesis_nonce'] as string)!;
    (given['uuids'] as string[]).forEach((id, index) => {
      const bucket = (out!['buckets'] as number[])[index]!;
      expect(inCohort(genesisNonce, given['tenant'] as string, id, bucket)).toBe(false);
      expect(inCohort(genesisNonce, given['tenant'] as string, id, bucket + 1)).toBe(true);
    });
  });

  it('nobody is inside at 0 percent, everybody at 100', () => {
    fc.assert(
      fc.property(uuid, (id) => {
        expect(inCohort(nonce, 'acme', id, 0)).toBe(false);
        expect(inCohort(nonce, 'acme', id, 100)).toBe(true);
      }),
    );
  });

  it('nonce, tenant and uuid all move the bucket', () => {
    const ids = Array.from({ length: 200 }, (_, index) => uuidV4(Uint8Array.from({ length: 16 }, () => index)));
    const spread = (of: (id: string) => number): string => ids.map(of).join();
    const base = spread((id) => bucketOf(nonce, 'acme', id));
    expect(spread((id) => bucketOf(nonce, 'acmf', id))).not.toBe(base);
    expect(spread((id) => bucketOf(new Uint8Array(16), 'acme', id))).not.toBe(base);
    expect(new Set(base.split(',')).size).toBeGreaterThan(50);
  });

  it.each(['', 'ACME', '0B8A8CF2-0000-4000-8000-000000000000', '0b8a8cf2000040008000000000000000'])(
    'refuses %j as a uuid',
    (id) => {
      expect(() => bucketOf(nonce, 'acme', id)).toThrow('not a uuid in lower case with hyphens');
    },
  );
  it('refuses a nonce of another length', () => {
    expect(() => bucketOf(new Uint8Array(15), 'acme', uuidV4(nonce))).toThrow('16 bytes');
  });
});

describe('phase of one key', () => {
  const pq = { phase: 2, base_phase: 1, percent: 10 } as const;
  it.each<[boolean, boolean, Phase]>([
    [true, false, 2],
    [false, false, 1],
    // Attack: a tenant makes keys until one falls outside AND.
    [false, true, 2],
    [true, true, 2],
  ])('in cohort %s, created after the raise %s: phase %i', (inside, createdAfterRaise, phase) => {
    expect(effectivePhase({ pq, inCohort: inside, createdAfterRaise })).toBe(phase);
  });
  it('at 100 percent both sides are the same', () => {
    expect(effectivePhase({ pq: settled(3), inCohort: false, createdAfterRaise: false })).toBe(3);
  });
});
