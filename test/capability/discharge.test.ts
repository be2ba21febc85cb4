// Third-party caveats: what a discharge must be, and that nothing else passes for one.

import { beforeAll, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import {
  addFirstParty,
  addThirdParty,
  bindDischarge,
  isAuthentic,
  newMacaroon,
  type ThirdParty,
  verifyChain,
} from '../../src/capability/chain.ts';
import { type Macaroon, parseMacaroon, printMacaroon } from '../../src/capability/macaroon.ts';
import { loadSecretbox, type Secretbox } from '../../src/crypto/secretbox.ts';
import { refusal } from '../support/refusal.ts';

const ROOT = new Uint8Array(32).fill(1);
const SHARED = new Uint8Array(32).fill(2);
const third = (identifier: string, fill: number, caveatKey = SHARED): ThirdParty => ({
  location: utf8('https://idp.example'),
  identifier: utf8(identifier),
  caveatKey,
  nonce: new Uint8Array(24).fill(fill),
});

let box: Secretbox;
let token: Macaroon;
let discharge: Macaroon;
beforeAll(async () => {
  box = await loadSecretbox();
  const first = addFirstParty(newMacaroon(ROOT, utf8('root'), null), utf8('a = 1'));
  token = parseMacaroon(printMacaroon(addFirstParty(addThirdParty(box, first, third('who', 3)), utf8('b = 2'))));
  discharge = addFirstParty(newMacaroon(SHARED, utf8('who'), null), utf8('c = 3'));
});

const verify = (...sent: readonly Macaroon[]): string[] =>
  verifyChain(box, ROOT, token, sent).map((one) => Buffer.from(one).toString());

it('the predicates of token and discharge, in order', () => {
  expect(verify(bindDischarge(token, discharge))).toEqual(['a = 1', 'c = 3', 'b = 2']);
});

it('without its discharge it is inconclusive, and never authentic for a service that takes none', () => {
  expect(refusal(() => verify()).code).toBe('Inconclusive');
  expect(isAuthentic(ROOT, token)).toBe(false);
});

it.each([
  ['not bound', () => discharge, 'not bound'],
  ['bound to another token', () => bindDischarge(newMacaroon(ROOT, utf8('other'), null), discharge), 'not bound'],
  ['made under another key', () => bindDischarge(token, newMacaroon(ROOT, utf8('who'), null)), 'not bound'],
  ['with a caveat taken away', () => ({ ...bindDischarge(token, discharge), caveats: [] }), 'not bound'],
] as const)('a discharge that is %s', (_, make, why) => {
  expect(refusal(() => verify(make()))).toMatchObject({
    code: 'VerificationFailed',
    message: expect.stringContaining(why),
  });
});

it('a discharge for another caveat, one too many, the same one twice', () => {
  const bound = bindDischarge(token, discharge);
  const other = bindDischarge(token, newMacaroon(SHARED, utf8('whom'), null));
  expect(refusal(() => verify(other)).code).toBe('Inconclusive');
  for (const more of [other, bound]) {
    expect(refusal(() => verify(bound, more))).toMatchObject({
      code: 'VerificationFailed',
      message: expect.stringContaining('no caveat asks for'),
    });
  }
});

it('a verification id that was changed, cut or taken from another place', () => {
  const bound = bindDischarge(token, discharge);
  const withVid = (vid: Uint8Array): Macaroon => ({
    ...token,
    caveats: token.caveats.map((one) => (one.vid === null ? one : { ...one, vid })),
  });
  const { vid } = token.caveats[1]!;
  for (const bad of [vid!.map((byte, at) => byte ^ (at === 50 ? 1 : 0)), vid!.subarray(0, 39), vid!.subarray(0, 10)]) {
    expect(refusal(() => verifyChain(box, ROOT, withVid(bad), [bound])).message).toContain('does not open');
  }
});

it('a discharge may need a discharge, and a ring of them ends', () => {
  const deep = addThirdParty(box, newMacaroon(SHARED, utf8('who'), null), third('deeper', 4, ROOT));
  const inner = newMacaroon(ROOT, utf8('deeper'), null);
  expect(verify(bindDischarge(token, deep), bindDischarge(token, inner))).toEqual(['a = 1', 'b = 2']);
  const ring = Array.from({ length: 12 }, () =>
    bindDischarge(token, addThirdParty(box, newMacaroon(SHARED, utf8('who'), null), third('who', 5))),
  );
  expect(refusal(() => verify(...ring)).message).toContain('too deep');
});
