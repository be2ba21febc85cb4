// Eras of the log keys where nobody says at which size the keys changed: under a pin without the log.json of its home, and
// under the log lines of a witness policy.

import { beforeAll, describe, expect, it } from 'vitest';
import {
  createLogVerifier,
  type LogKeyEra,
  logVkeys,
  signCheckpoint,
  type TrustedLog,
} from '../../src/audit/checkpoint.ts';
import { readPolicy } from '../../src/audit/policy.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { formatNote, parseNote } from '../../src/envelope/note.ts';
import { policyLog, withUnknownEras } from '../../src/storage/policy-log.ts';
import { logKeys } from '../support/audit.ts';
import { testCrypto } from '../support/crypto.ts';
import { LOG_ORIGIN } from '../support/witness.ts';

const pairs = { a: await logKeys('era a'), b: await logKeys('era b'), c: await logKeys('era c') };
type Name = keyof typeof pairs;
const vkeysOf = (name: Name): readonly string[] => logVkeys(LOG_ORIGIN, pairs[name]);
const made = new Map<string, Uint8Array>();

/** A checkpoint of any tree, signed by these pairs in their order. */
async function note(size: number, ...names: readonly Name[]): Promise<Uint8Array> {
  const body = { origin: LOG_ORIGIN, size, root: sha256(utf8(`root ${size}`)) };
  return signCheckpoint(
    body,
    1_800_000_000 + size,
    names.map((name) => pairs[name]),
  );
}

const judge = (log: TrustedLog, bytes: Uint8Array): string => {
  const answer = createLogVerifier(log, testCrypto()).check(bytes);
  return answer.ok ? 'ok' : answer.code;
};
const none = { ed25519: new Uint8Array(), ml_dsa_65: new Uint8Array() };
const pinned = (...keys: readonly LogKeyEra[]): TrustedLog => ({
  origin: LOG_ORIGIN,
  keys,
  serviceKeys: none,
  trust: 'pinned',
});
function policyOf(...names: readonly Name[]): TrustedLog {
  const lines = names.flatMap((name) => vkeysOf(name).map((vkey) => `log ${vkey}\n`));
  const { policy, problems } = readPolicy(utf8(`${lines.join('')}quorum none\n`));
  expect(problems).toEqual([]);
  return policyLog(policy!, LOG_ORIGIN)!;
}

beforeAll(async () => {
  const cases: readonly (readonly [number, ...Name[]])[] = [
    [5, 'a'],
    [10, 'a'],
    [12, 'a', 'b'],
    [12, 'b'],
    [15, 'a'],
    [15, 'b'],
    [20, 'b', 'c'],
    [25, 'c'],
  ];
  for (const [size, ...names] of cases) made.set(`${size}${names.join('')}`, await note(size, ...names));
});
const get = (name: string): Uint8Array => made.get(name)!;

/** The same note without its signature line `at`. */
function without(name: string, at: number): Uint8Array {
  const { text, signatures } = parseNote(get(name), 'note');
  return formatNote({ text, signatures: signatures.toSpliced(at, 1) });
}

describe('an era that begins somewhere behind a record', () => {
  const log = pinned({ from: 0, vkeys: vkeysOf('a') }, { from: 11, transition: 'behind', vkeys: vkeysOf('b') });

  it('takes the checkpoint that both pairs signed at whatever size, and no half of it', () => {
    expect([get('10a'), get('12ab'), get('12b'), get('15b')].map((one) => judge(log, one))).toEqual(
      Array.from({ length: 4 }, () => 'ok'),
    );
    for (const at of [0, 1, 2, 3]) expect(judge(log, without('12ab', at)), `line ${at}`).toBe('key-transition');
    const exact = pinned({ from: 0, vkeys: vkeysOf('a') }, { from: 11, vkeys: vkeysOf('b') });
    expect(judge(exact, get('12ab'))).toBe('key-transition');
  });

  it('takes nothing of the keys before alone', () => {
    // Attack: keys were rotated because somebody has the old ones.
    expect(judge(log, get('15a'))).toBe('key-transition');
  });
});

describe('the log lines of a policy', () => {
  it('are pairs in their order, each of which signs whole notes', () => {
    const both = policyOf('a', 'b');
    for (const name of ['5a', '10a', '12ab', '15b', '12b']) expect(judge(both, get(name)), name).toBe('ok');
    for (const at of [0, 1, 2, 3]) expect(judge(both, without('12ab', at)), `line ${at}`).not.toBe('ok');
    expect(judge(both, get('25c'))).toBe('checkpoint-signature-missing');
    expect(judge(policyOf('b'), get('5a'))).toBe('checkpoint-signature-missing');
  });

  it('do not mix halves of two pairs into one', async () => {
    const [a, b] = [parseNote(get('15a'), 'note'), parseNote(get('15b'), 'note')];
    const mixed = formatNote({ text: a.text, signatures: [a.signatures[0]!, b.signatures[1]!] });
    expect(judge(policyOf('a', 'b'), mixed)).toBe('key-transition');
  });

  it('leave an era before or behind them undecided, once a checkpoint shows the change', () => {
    const notes = ['5a', '12ab', '15b', '20bc', '25c'].map(get);
    const before = withUnknownEras(policyOf('b', 'c'), notes, testCrypto());
    expect(notes.map((one) => judge(before, one))).toEqual(['log-key-missing', 'log-key-missing', 'ok', 'ok', 'ok']);
    const behind = withUnknownEras(policyOf('a', 'b'), notes, testCrypto());
    expect(notes.map((one) => judge(behind, one))).toEqual(['ok', 'ok', 'ok', 'log-key-missing', 'log-key-missing']);
    const log = policyOf('a', 'b', 'c');
    expect(withUnknownEras(log, notes, testCrypto())).toBe(log);
  });

  it('are not led by a note that does not verify', () => {
    const { text, signatures } = parseNote(get('12ab'), 'note');
    const forged = formatNote({ text: text.replace('\n12\n', '\n11\n'), signatures });
    const log = policyOf('b');
    expect(withUnknownEras(log, [forged, utf8('none')], testCrypto())).toBe(log);
  });
});
