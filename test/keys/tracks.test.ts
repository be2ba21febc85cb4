import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEMS, SIGNATURES } from '../../src/crypto/suite.ts';
import {
  CREATION_ALGS,
  componentsOf,
  isClassical,
  type Material,
  materialOf,
  rotatedMaterial,
  WRAP_SUITES,
} from '../../src/keys/tracks.ts';

describe('tracks of a version', () => {
  it.each([
    ['ed25519', 'ed25519', 'ed25519+ml-dsa'],
    ['hybrid', 'ed25519+ml-dsa', 'ed25519+ml-dsa'],
    ['ml-dsa', 'ml-dsa', 'ml-dsa'],
    ['slh-dsa', 'slh-dsa', 'slh-dsa'],
    ['x25519', 'x25519/3', 'x25519+ml-kem/1'],
    ['hybrid-kem', 'x25519+ml-kem/1', 'x25519+ml-kem/1'],
    ['ml-kem', 'ml-kem/4', 'ml-kem/4'],
  ] as const)('%s has %s in phase 0 and %s from phase 1 on', (alg, phase0, later) => {
    const text = ({ tracks, suite }: Material): string => tracks.join('+') + (suite === undefined ? '' : `/${suite}`);
    expect(text(materialOf(alg, false)!)).toBe(phase0);
    expect(text(materialOf(alg, true)!)).toBe(later);
  });

  it('suite 2 is offered for X-Wing keys only', () => {
    expect(materialOf('hybrid-kem', false, true)?.suite).toBe(2);
    expect(materialOf('x25519', true, true)?.suite).toBe(2);
    expect(materialOf('x25519', false, true)).toBeNull();
    for (const alg of ['ed25519', 'hybrid', 'ml-dsa', 'slh-dsa', 'ml-kem'] as const) {
      expect(materialOf(alg, true, true)).toBeNull();
    }
  });

  it('rotation never has fewer tracks, never loses the post-quantum one, and keeps suite 2', () => {
    const phases = fc.array(fc.boolean(), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...CREATION_ALGS), phases, fc.boolean(), (alg, [first, ...rest], aes) => {
        let material = materialOf(alg, first!, aes) ?? materialOf(alg, first!)!;
        for (const hybrid of rest) {
          const next = rotatedMaterial(alg, hybrid, material);
          expect(next.tracks.length).toBeGreaterThanOrEqual(material.tracks.length);
          expect(isClassical(next.tracks) && !isClassical(material.tracks)).toBe(false);
          if (material.suite === 2) expect(next.suite).toBe(2);
          material = next;
        }
      }),
    );
  });

  it('a hybrid KEM version is one X-Wing seed, a hybrid signing version two independent seeds', () => {
    expect(componentsOf({ tracks: ['x25519', 'ml-kem'], suite: 1 })).toMatchObject([
      { member: 'x_wing', secretBytes: 32 },
    ]);
    expect(componentsOf({ tracks: ['ed25519', 'ml-dsa'] }).map((one) => one.member)).toEqual(['ed25519', 'ml_dsa_65']);
  });

  it('lengths follow the table of algorithms', () => {
    for (const { kem } of Object.values(WRAP_SUITES)) expect(KEMS[kem].sharedBytes).toBe(32);
    for (const [component] of [componentsOf({ tracks: ['slh-dsa'] })]) {
      expect(component).toMatchObject({ secretBytes: 64, publicBytes: SIGNATURES['slh-dsa'].publicBytes });
    }
  });
});
