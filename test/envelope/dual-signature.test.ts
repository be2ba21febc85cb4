// A signer that speaks with another key than the one it is known by: the wrong token must not speak (traps, keys page 5).

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import { signDual } from '../../src/envelope/dual-signature.ts';
import { payloadType } from '../../src/envelope/h.ts';
import { dualKeys } from '../../src/governance/signatures.ts';
import { crypto, signer } from '../support/governance.ts';

const TYPE = payloadType('gov.statement.v1');

describe('signing asks at once whether this is the right key', () => {
  it.each([
    ['both keys', 'mallory', 'mallory'],
    ['the Ed25519 key', 'mallory', 'alice'],
    ['the ML-DSA key', 'alice', 'mallory'],
  ])('%s of somebody else: nothing is released', async (_what, ed25519, mlDsa) => {
    const alice = await signer('alice');
    const keys = {
      ed25519: (await signer(ed25519)).secret.ed25519,
      mlDsa: (await signer(mlDsa)).secret.mlDsa,
    };
    const signed = signDual(crypto, TYPE, utf8('{}'), 'alice', keys, dualKeys(alice.keys));
    await expect(signed).rejects.toMatchObject({
      code: 'SelfCheckFailed',
      message: expect.stringContaining('does not verify under the public keys of alice'),
    });
  });

  it('its own: both signatures come back', async () => {
    const alice = await signer('alice');
    const signed = await signDual(crypto, TYPE, utf8('{}'), 'alice', alice.secret, dualKeys(alice.keys));
    expect(signed.map((one) => one.keyid)).toEqual(['alice/ed25519', 'alice/ml-dsa']);
  });
});
