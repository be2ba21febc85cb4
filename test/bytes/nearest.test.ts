import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/bytes/nearest.ts';

describe('nearest names', () => {
  const names = ['pq_mode', 'verify_mode', 'rollout_percent', 'caps.max_ttl_s', 'max_ttl_s'];
  it.each([
    ['pq_mdoe', 'pq_mode'],
    ['verifymode', 'verify_mode'],
    ['percent', 'rollout_percent'],
    ['PQ_MODE', 'pq_mode'],
    ['caps.max_ttl', 'caps.max_ttl_s'],
  ])('%s means %s', (wrong, right) => {
    expect(nearest(wrong, names)[0]).toBe(right);
  });
  it('names that share nothing are not offered', () => {
    expect(nearest('zzzzzz', names)).toEqual([]);
    expect(nearest('', names)).toEqual([]);
  });
  it('gives at most three', () => {
    expect(nearest('max', ['max_a', 'max_b', 'max_c', 'max_d'])).toHaveLength(3);
  });
});
