// The table of the keys page, section 6, cell by cell, and the order of refusals.

import { describe, expect, it } from 'vitest';
import {
  acceptsByTable,
  isBefore,
  judge,
  type LookUp,
  maySign,
  type Question,
  satisfiedMode,
  VERIFY_MODES,
} from '../../src/keys/acceptance.ts';
import type { SignatureVerdict } from '../../src/keys/bundle.ts';
import type { SignAlg } from '../../src/keys/tracks.ts';

/** `v` valid, `i` invalid, `m` malformed; missing = absent. */
function verdicts(of: Partial<Record<SignAlg, 'v' | 'i' | 'm'>>): SignatureVerdict[] {
  return Object.entries(of).map(([alg, letter]) => ({
    alg: alg as SignAlg,
    valid: letter === 'v',
    malformed: letter === 'm',
  }));
}

const TWO = ['ed25519', 'ml-dsa'];

describe('acceptance by the mode in force', () => {
  it.each<[string, string[], Partial<Record<SignAlg, 'v' | 'i' | 'm'>>, string]>([
    ['classical valid', ['ed25519'], { ed25519: 'v' }, 'or'],
    ['classical invalid', ['ed25519'], { ed25519: 'i' }, ''],
    ['two valid', TWO, { ed25519: 'v', 'ml-dsa': 'v' }, 'or and pq_only'],
    ['two, classical alone valid', TWO, { ed25519: 'v', 'ml-dsa': 'i' }, 'or'],
    ['two, PQ alone valid', TWO, { ed25519: 'i', 'ml-dsa': 'v' }, 'or pq_only'],
    ['two, classical alone present', TWO, { ed25519: 'v' }, 'or'],
    ['two, PQ alone present', TWO, { 'ml-dsa': 'v' }, 'or pq_only'],
    ['two, none valid', TWO, { ed25519: 'i', 'ml-dsa': 'i' }, ''],
    ['two, one malformed', TWO, { ed25519: 'v', 'ml-dsa': 'm' }, ''],
    ['two, the other malformed', TWO, { ed25519: 'm', 'ml-dsa': 'v' }, ''],
    ['two and a foreign half', TWO, { ed25519: 'v', 'ml-dsa': 'v', 'slh-dsa': 'm' }, ''],
    ['ML-DSA alone', ['ml-dsa'], { 'ml-dsa': 'v' }, 'or and pq_only'],
    ['SLH-DSA alone', ['slh-dsa'], { 'slh-dsa': 'v' }, 'or and pq_only'],
    ['ML-DSA alone, invalid', ['ml-dsa'], { 'ml-dsa': 'i' }, ''],
    ['nothing', TWO, {}, ''],
  ])('%s', (_name, tracks, signatures, accepting) => {
    const accepted = VERIFY_MODES.filter((mode) => acceptsByTable(tracks, verdicts(signatures), mode));
    expect(accepted.join(' ')).toBe(accepting);
  });

  it('the satisfied mode is the one in force, else the strictest that would accept', () => {
    const both = verdicts({ ed25519: 'v', 'ml-dsa': 'v' });
    for (const mode of VERIFY_MODES) expect(satisfiedMode(TWO, both, mode)).toBe(mode);
    expect(satisfiedMode(TWO, verdicts({ 'ml-dsa': 'v' }), 'and')).toBe('pq_only');
    expect(satisfiedMode(['ed25519'], verdicts({ ed25519: 'v' }), 'pq_only')).toBe('or');
    expect(satisfiedMode(TWO, verdicts({ ed25519: 'i' }), 'or')).toBeNull();
  });

  it('sign may make exactly what the mode accepts', () => {
    expect(VERIFY_MODES.filter((mode) => maySign(['ed25519'], mode))).toEqual(['or']);
    for (const tracks of [TWO, ['ml-dsa'], ['slh-dsa']]) {
      expect(VERIFY_MODES.filter((mode) => maySign(tracks, mode))).toEqual([...VERIFY_MODES]);
    }
  });

  it('records of earlier epochs count as earlier', () => {
    expect(isBefore({ epoch: 0, seq: 9 }, { epoch: 1, seq: 0 })).toBe(true);
    expect(isBefore({ epoch: 1, seq: 0 }, { epoch: 0, seq: 9 })).toBe(false);
    expect(isBefore({ epoch: 1, seq: 3 }, { epoch: 1, seq: 3 })).toBe(false);
  });
});

describe('legacy and compromised', () => {
  const at: LookUp = async (before) => (before.seq > 5 ? 'found' : 'absent');
  const unreachable: LookUp = async () => 'unavailable';
  const never: LookUp = () => Promise.reject(new Error('the log must not be asked'));
  const classical: Question = {
    tracks: ['ed25519'],
    verdicts: verdicts({ ed25519: 'v' }),
    mode: 'and',
    compromisedFrom: null,
    legacyBefore: { epoch: 0, seq: 9 },
  };
  const place = (seq: number): { epoch: number; seq: number } => ({ epoch: 0, seq });

  it.each<[string, Partial<Question>, LookUp, boolean, string | null, string | null]>([
    ['found before the raise', {}, at, true, 'proven', null],
    ['not found before the raise', { legacyBefore: place(5) }, at, false, null, 'PqPolicy'],
    ['log not reachable', {}, unreachable, false, 'unproven', 'LegacyUnproven'],
    ['ungoverned', { legacyBefore: 'unknown' }, never, false, 'unproven', 'LegacyUnproven'],
    ['no raise, or the grace is over', { legacyBefore: null }, never, false, null, 'PqPolicy'],
    ['not refused at all', { mode: 'or' }, never, true, null, null],
    ['a two-track version has no legacy', { tracks: TWO }, never, false, null, 'PqPolicy'],
    [
      'an invalid signature has no legacy',
      { verdicts: verdicts({ ed25519: 'i' }) },
      never,
      false,
      null,
      'VerificationFailed',
    ],
  ])('%s', async (_name, change, lookUp, accepted, legacy, refusal) => {
    expect(await judge({ ...classical, ...change }, lookUp)).toMatchObject({ accepted, legacy, refusal });
  });

  const stolen: Question = {
    tracks: TWO,
    verdicts: verdicts({ ed25519: 'v', 'ml-dsa': 'v' }),
    mode: 'and',
    compromisedFrom: place(9),
    legacyBefore: null,
  };

  it.each<[string, Partial<Question>, LookUp, boolean, string | null]>([
    ['signed before', {}, at, true, null],
    ['not signed before', { compromisedFrom: place(5) }, at, false, 'Compromised'],
    ['log not reachable', {}, unreachable, false, 'LegacyUnproven'],
    ['the epoch cannot be told', { compromisedFrom: 'unknown' }, never, false, 'LegacyUnproven'],
    [
      'refused by the table too',
      { tracks: ['ed25519'], verdicts: verdicts({ ed25519: 'v' }) },
      never,
      false,
      'Compromised',
    ],
    [
      'one bad half decides the exit code',
      { mode: 'or', verdicts: verdicts({ ed25519: 'v', 'ml-dsa': 'i' }) },
      at,
      true,
      'VerificationFailed',
    ],
  ])('compromised: %s', async (_name, change, lookUp, accepted, refusal) => {
    expect(await judge({ ...stolen, ...change }, lookUp)).toMatchObject({ accepted, refusal });
  });

  it('a retired and raised key stays refused: legacy does not overrule a compromise', async () => {
    const question = { ...classical, compromisedFrom: place(3) };
    expect(await judge(question, at)).toMatchObject({ accepted: false, refusal: 'Compromised' });
  });
});
