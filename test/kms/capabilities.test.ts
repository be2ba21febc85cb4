// Capabilities in the service: who gets in, what a mint may give, one-time use, revocation, rotation, ceilings.

import { describe, expect, it } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { uuidV4 } from '../../src/bytes/uuid.ts';
import { attenuate, encodeMacaroon, mintToken, parseToken } from '../../src/capability/token.ts';
import type { RonError } from '../../src/errors.ts';
import { call, refused } from '../contract/kms-subject.ts';
import { type MemoryCapabilities, memoryCapabilities } from '../support/capabilities.ts';
import { refusal } from '../support/refusal.ts';

const SIGN = ['tenant = acme', 'scope = kms:sign,kms:verify'];
const random = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length));

const denies = (caps: MemoryCapabilities, token: string): RonError =>
  refusal(() => caps.authenticator.authenticate(token));

describe('the door', () => {
  it('lets a minted token in, with what its caveats leave', async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token([...SIGN, 'rps = 7', 'paths = /v1/kms/sign'], { sub: 'builder' });
    const caller = caps.authenticator.authenticate(token);
    expect(caller).toMatchObject({
      kind: 'capability',
      root: 1,
      tenants: ['acme'],
      scopes: ['kms:sign', 'kms:verify'],
      sub: 'builder',
      narrowed: { rps: 7, expiresAt: '2026-11-20T08:10:00.000Z', paths: [[['v1', 'kms', 'sign']]] },
    });
    expect(caps.authenticator.authenticate(token)).toBe(caller);
  });

  it('refuses what is missing, malformed, forged, early, late or of another service with 401', async () => {
    const caps = await memoryCapabilities();
    const other = await memoryCapabilities();
    const token = await caps.token(SIGN);
    const { macaroon } = parseToken(token);
    const forged = encodeMacaroon({
      ...macaroon,
      signature: macaroon.signature.map((one, at) => (at === 5 ? one ^ 1 : one)),
    });
    const early = await caps.token([...SIGN, `nbf = ${toTime(caps.store.nowMs + 1000)}`]);
    for (const [bearer, why] of [
      ['', 'missing'],
      ['%%%', 'base64url'],
      [`${token}=`, 'base64url'],
      [forged, 'not made by this service'],
      [await other.token(SIGN), 'not made by this service'],
      [early, 'not valid yet'],
    ] as const) {
      expect(denies(caps, bearer)).toMatchObject({ code: 'NoCapability', message: expect.stringContaining(why) });
    }
    caps.advance(1);
    expect(caps.authenticator.authenticate(early).tenants).toEqual(['acme']);
    caps.advance(598.999);
    expect(caps.authenticator.authenticate(token).tenants).toEqual(['acme']);
    caps.advance(0.001);
    expect(denies(caps, token)).toMatchObject({ code: 'NoCapability', message: expect.stringContaining('expired') });
  });

  it('does not let a clock that is set back revive a token', async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token(SIGN);
    caps.advance(600);
    expect(denies(caps, token).code).toBe('NoCapability');
    caps.advance(-600);
    expect(denies(caps, token).message).toContain('expired');
  });

  it('refuses a token with the right MAC that nobody registered', async () => {
    const caps = await memoryCapabilities();
    const root = (await caps.store.read('cap-root/1')).secret;
    const identifier = {
      v: 1,
      id: uuidV4(random(16)),
      root: 1,
      once: false,
      minted_at: toTime(caps.store.nowMs),
      minted_by: 'local:0:root',
    } as const;
    const token = mintToken(root, identifier, [...SIGN, caps.exp()]);
    expect(denies(caps, token)).toMatchObject({ code: 'NoCapability', message: 'the capability is not registered' });
    await caps.capabilities.register({ token }, call({ kind: 'system' }));
    expect(caps.authenticator.authenticate(token).id).toBe(identifier.id);
    expect(caps.store.records_.at(-1)).toMatchObject({ op: 'mint', actor: 'system', detail: { by: 'local:0:root' } });
  });

  it('does not give more than was registered: the broader token behind a registered narrow one is refused', async () => {
    const caps = await memoryCapabilities();
    const root = (await caps.store.read('cap-root/1')).secret;
    const identifier = {
      v: 1,
      id: uuidV4(random(16)),
      root: 1,
      once: false,
      minted_at: toTime(caps.store.nowMs),
      minted_by: 'local:0:root',
    } as const;
    const broad = mintToken(root, identifier, [...SIGN, caps.exp()]);
    const narrow = attenuate(broad, ['scope = kms:verify']);
    await caps.capabilities.register({ token: narrow }, call({ kind: 'system' }));
    expect(caps.authenticator.authenticate(narrow).scopes).toEqual(['kms:verify']);
    expect(denies(caps, broad)).toMatchObject({
      code: 'NoCapability',
      message: expect.stringContaining('another one'),
    });
    expect((await refused(caps.capabilities.register({ token: broad }, call({ kind: 'system' })))).code).toBe(
      'Conflict',
    );
  });

  it('says nothing of a token in a refusal', async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token(SIGN);
    caps.advance(3600);
    for (const bearer of [token, token.slice(4), `${token}A`, attenuate(token, ['rps = 1'])]) {
      const { message, hint } = denies(caps, bearer);
      for (let at = 0; at + 8 <= bearer.length; at++)
        expect(`${message} ${hint}`).not.toContain(bearer.slice(at, at + 8));
    }
  });
});
