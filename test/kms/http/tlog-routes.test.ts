// Paths of the published log: one spelling each.

import { describe, expect, it } from 'vitest';
import { tilePath } from '../../../src/audit/tile.ts';
import { parseTilePath } from '../../../src/kms/http/tlog-routes.ts';

describe('paths of tiles', () => {
  it('those of the specification', () => {
    expect(parseTilePath('0/000')).toEqual({ level: 0, index: 0, width: 256 });
    expect(parseTilePath('1/000.p/17')).toEqual({ level: 1, index: 0, width: 17 });
    expect(parseTilePath('entries/x001/x234/067.p/1')).toEqual({ level: null, index: 1_234_067, width: 1 });
    for (const tile of [
      { level: 0, index: 999, width: 256 },
      { level: 3, index: 1000, width: 255 },
      { level: 0, index: 123_456_789, width: 1 },
    ]) {
      expect(parseTilePath(tilePath(tile).slice('tile/'.length))).toEqual(tile);
    }
  });

  it.each([
    '00/000',
    '0/00',
    '0/0000',
    '0/x000/001',
    '0/x001',
    '0/001/002',
    '0/000.p/0',
    '0/000.p/256',
    '0/000.p/01',
    '0/000.p/',
    '0/000.p',
    '-1/000',
    'data/000',
    'entries',
    'entries/../checkpoint',
    '0/%30%30%30',
    '',
  ])('not %j', (path) => {
    expect(parseTilePath(path)).toBeNull();
  });
});
