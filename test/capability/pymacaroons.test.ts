// Tokens both ways with pymacaroons of the system (Debian: python3-pymacaroons), an implementation that is not ours.

import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { toHex } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { uuidV4 } from '../../src/bytes/uuid.ts';
import { addThirdParty, bindDischarge, isAuthentic, newMacaroon, verifyChain } from '../../src/capability/chain.ts';
import { printIdentifier } from '../../src/capability/identifier.ts';
import { attenuate, decodeMacaroon, encodeMacaroon, mintToken, parseToken } from '../../src/capability/token.ts';
import { loadSecretbox } from '../../src/crypto/secretbox.ts';
import { call } from '../contract/kms-subject.ts';
import { memoryCapabilities } from '../support/capabilities.ts';

const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('other-side.py', import.meta.url));
const found = spawnSync(PYTHON, ['-c', 'import pymacaroons'], { stdio: 'ignore' }).status === 0;
if (!found) process.stdout.write('pymacaroons: did not run, the system has no python3-pymacaroons\n');

function python(request: object): Record<string, unknown> {
  const out = execFileSync(PYTHON, [SCRIPT], { input: `${JSON.stringify(request)}\n`, encoding: 'utf8' });
  return JSON.parse(out) as Record<string, unknown>;
}

const KEY = new Uint8Array(32).map((_, at) => at * 7 + 1);
const key = toHex(KEY);
const IDENTIFIER = {
  v: 1,
  id: uuidV4(new Uint8Array(16).fill(5)),
  root: 1,
  once: false,
  minted_at: '2026-11-20T08:00:00.000Z',
  minted_by: 'local:1000:op',
  sub: 'ci',
} as const;
const CAVEATS = ['tenant = acme', 'scope = kms:sign,kms:verify', 'exp = 2026-11-20T08:10:00.000Z', 'rps = 5'];

it.runIf(found)('ours verifies there, and fails there when a caveat is not satisfied or the key is another', () => {
  const token = mintToken(KEY, IDENTIFIER, CAVEATS);
  expect(python({ op: 'verify', token, key, caveats: CAVEATS })).toEqual({
    ok: true,
    identifier: Buffer.from(printIdentifier(IDENTIFIER)).toString(),
    location: 'ron-kms',
  });
  expect(python({ op: 'verify', token, key, caveats: CAVEATS.slice(1) })).toMatchObject({ ok: false });
  expect(python({ op: 'verify', token, key: toHex(KEY.map((one) => one ^ 1)), caveats: CAVEATS })).toMatchObject({
    ok: false,
  });
});

it.runIf(found)('theirs verifies here, with a location, an empty one, and after we narrow it', () => {
  const identifier = Buffer.from(printIdentifier(IDENTIFIER)).toString();
  for (const location of ['ron-kms', '']) {
    const { token } = python({ op: 'make', location, identifier, key, caveats: CAVEATS }) as { token: string };
    const { macaroon, caveats } = parseToken(token);
    expect([isAuthentic(KEY, macaroon), caveats]).toEqual([true, CAVEATS]);
    // The same bytes as ours but for the location that they write.
    expect(macaroon.location).toEqual(utf8(location));
    const narrowed = attenuate(token, ['paths = /v1/kms/sign']);
    expect(python({ op: 'verify', token: narrowed, key, caveats: [...CAVEATS, 'paths = /v1/kms/sign'] })).toMatchObject(
      {
        ok: true,
      },
    );
  }
});

it.runIf(found)(
  'a token of the service that they narrow is let in as narrower, and as the same capability',
  async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token(CAVEATS);
    const { token: narrowed } = python({ op: 'attenuate', token, caveats: ['scope = kms:verify'] }) as {
      token: string;
    };
    const [wide, narrow] = [caps.authenticator.authenticate(token), caps.authenticator.authenticate(narrowed)];
    expect([narrow.scopes, narrow.id]).toEqual([['kms:verify'], wide.id]);
    await caps.capabilities.revoke({ id: wide.id }, call());
    expect(() => caps.authenticator.authenticate(narrowed)).toThrow('revoked');
  },
);

it.runIf(found)('third-party caveats and discharges, both ways', async () => {
  const box = await loadSecretbox();
  const shared = new Uint8Array(32).fill(9);
  const third = { location: 'https://idp.example', identifier: 'who are you', key: toHex(shared) };
  const made = python({ op: 'make', location: '', identifier: 'x', key, caveats: ['a = 1'], third: [third] });
  const theirs = decodeMacaroon(made['token'] as string);
  const ourDischarge = bindDischarge(theirs, newMacaroon(shared, utf8(third.identifier), null));
  expect(verifyChain(box, KEY, theirs, [ourDischarge]).map((one) => Buffer.from(one).toString())).toEqual(['a = 1']);

  const ours = addThirdParty(box, newMacaroon(KEY, utf8('y'), utf8('ron-kms')), {
    location: utf8(third.location),
    identifier: utf8(third.identifier),
    caveatKey: shared,
    nonce: new Uint8Array(24).fill(1),
  });
  const theirDischarge = python({
    op: 'make',
    location: '',
    identifier: third.identifier,
    key: third.key,
    caveats: [],
  });
  const token = encodeMacaroon(ours);
  const bound = python({ op: 'bind', token, discharge: theirDischarge['token'] });
  const discharges = [bound['token']];
  expect(python({ op: 'verify', token, key, caveats: [], discharges })).toMatchObject({ ok: true });
  expect(verifyChain(box, KEY, ours, [decodeMacaroon(bound['token'] as string)])).toEqual([]);
});
