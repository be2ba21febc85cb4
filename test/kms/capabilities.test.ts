// Capabilities in the service: who gets in, what a mint may give, one-time use, revocation, rotation, ceilings.

import { describe, expect, it } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { uuidV4 } from '../../src/bytes/uuid.ts';
import { attenuate, encodeMacaroon, mintToken, parseToken } from '../../src/capability/token.ts';
import { RonError } from '../../src/errors.ts';
import { parseKeyId } from '../../src/keys/key-id.ts';
import type { Call, Caller } from '../../src/kms/ports.ts';
import {
  actorOf,
  authorise,
  authoriseInstance,
  capabilityKey,
  mayRead,
  refuseEnded,
} from '../../src/kms/service/authorise.ts';
import { OperatorCapability } from '../../src/kms/service/operator-capability.ts';
import { call, LOCAL, refused, SYSTEM } from '../contract/kms-subject.ts';
import { callOf, type MemoryCapabilities, memoryCapabilities } from '../support/capabilities.ts';
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

const KID = 'acme/release/ed25519/0190f3c0-0000-7000-8000-000000000001';

/** As the signing service asks. */
function ask(caps: MemoryCapabilities, token: string, kid: string, change: Partial<Call> = {}): void {
  const id = parseKeyId(kid)!;
  const made = callOf(caps, token, change);
  authorise(made, 'kms:sign', id);
  actorOf(made);
}

describe('inside an operation', () => {
  it.each([
    ['tenant', [], 'other/release/ed25519/0190f3c0-0000-7000-8000-000000000001', 'tenant other'],
    ['purpose', ['purpose = ci,deploy'], KID, 'purpose'],
    ['alg', ['alg = hybrid,ml-dsa'], KID, 'algorithm'],
    ['kid', [`kid = ${KID.replace(/1$/, '2')}`], KID, 'another key'],
    ['version', [`kid = ${KID}#v2`], `${KID}#v1`, 'another key'],
    ['version that the request leaves open', [`kid = ${KID}#v2`], KID, 'another key'],
    ['nonce', ['nonce = 5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81'], KID, 'another operation id'],
  ])('%s of another request is Denied', async (_, caveats, kid, why) => {
    const caps = await memoryCapabilities();
    const token = await caps.token([...SIGN, ...caveats]);
    expect(refusal(() => ask(caps, token, kid))).toMatchObject({
      code: 'Denied',
      message: expect.stringContaining(why),
    });
  });

  it('what every caveat names is allowed', async () => {
    const caps = await memoryCapabilities();
    const opId = '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81';
    const token = await caps.token([...SIGN, 'purpose = release', 'alg = ed25519', `kid = ${KID}`, `nonce = ${opId}`]);
    ask(caps, token, KID, { opId });
    ask(caps, token, `${KID}#v7`, { opId });
  });

  it('a scope that is missing is Denied, also for lists', async () => {
    const caps = await memoryCapabilities();
    const made = callOf(caps, await caps.token(SIGN));
    const id = parseKeyId(KID)!;
    expect(refusal(() => authorise(made, 'kms:unwrap', id)).message).toContain('kms:unwrap');
    expect(mayRead(made, id)).toBe(false);
  });

  it('a tenant is no instance, and the instance no tenant', async () => {
    const caps = await memoryCapabilities();
    const tenant = callOf(caps, await caps.token(['tenant = acme', 'scope = kms:audit,kms:govern']));
    expect(refusal(() => authoriseInstance(tenant, 'kms:govern'))).toMatchObject({ code: 'Denied' });
    const instance = callOf(caps, await caps.token(['tenant = _instance', 'scope = kms:govern,kms:sign']));
    authoriseInstance(instance, 'kms:govern');
    expect(refusal(() => authoriseInstance(instance, 'kms:audit')).message).toContain('kms:audit');
    expect(refusal(() => authorise(instance, 'kms:sign', parseKeyId(KID)!)).message).toContain('tenant acme');
    const keyed = callOf(caps, await caps.token(['tenant = _instance', 'scope = kms:govern', `kid = ${KID}`]));
    expect(refusal(() => authoriseInstance(keyed, 'kms:govern')).message).toContain('one key');
  });

  it('a capability that ends between door and work is refused there', async () => {
    const caps = await memoryCapabilities();
    const made = callOf(caps, await caps.token(SIGN));
    caps.advance(600);
    expect(refusal(() => authorise(made, 'kms:sign', parseKeyId(KID)!)).code).toBe('NoCapability');
  });

  it('a stream outlives what was appended for its request, not the capability', async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token(['tenant = _instance', 'scope = kms:audit']);
    const made = callOf(caps, attenuate(token, [caps.exp(30)]));
    caps.advance(31);
    refuseEnded(made);
    expect(refusal(() => authoriseInstance(made, 'kms:audit')).message).toContain('expired');
    caps.advance(569);
    expect(refusal(() => refuseEnded(made)).message).toContain('expired');
    const other = callOf(caps, await caps.token(['tenant = _instance', 'scope = kms:audit']));
    await caps.capabilities.revoke({ id: (other.caller as { id: string }).id }, call());
    expect(refusal(() => refuseEnded(other)).message).toContain('revoked');
  });
});

describe('one use', () => {
  it('the record spends it, in this process and after a restart, for every copy', async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token(['tenant = acme', 'scope = kms:sign'], { once: true });
    const copy = attenuate(token, ['rps = 3']);
    const first = callOf(caps, token);
    const second = callOf(caps, copy);
    authorise(first, 'kms:sign', parseKeyId(KID)!);
    authorise(second, 'kms:sign', parseKeyId(KID)!);
    await caps.store.append([{ op: 'start', actor: actorOf(first), result: 'ok', detail: START_DETAIL }]);
    // The copy was let in before, and is stopped before its record.
    expect(refusal(() => actorOf(second))).toMatchObject({
      code: 'NoCapability',
      message: expect.stringContaining('used'),
    });
    for (const one of [token, copy]) expect(denies(caps, one).message).toContain('was used');
    const again = await caps.reopen();
    for (const one of [token, copy])
      expect(refusal(() => again.authenticator.authenticate(one)).message).toContain('was used');
  });

  it('of two at once the first record wins', async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token(['tenant = acme', 'scope = kms:sign'], { once: true });
    const [a, b] = [callOf(caps, token), callOf(caps, token)];
    for (const one of [a, b]) authorise(one, 'kms:sign', parseKeyId(KID)!);
    expect(actorOf(b)).toMatch(/^cap:1:/);
    expect(refusal(() => actorOf(a)).code).toBe('NoCapability');
  });

  it('the caveat usage = once asks the same log, and burns nothing of the original', async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token(['tenant = acme', 'scope = kms:sign']);
    const once = attenuate(token, ['usage = once']);
    ask(caps, once, KID);
    expect(denies(caps, once).message).toContain('was used');
    ask(caps, token, KID);
    ask(caps, token, KID);
  });

  it("somebody else's nonce is not burnt: another op_id never spends", async () => {
    const caps = await memoryCapabilities();
    const mine = '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81';
    const token = await caps.token(['tenant = acme', 'scope = kms:sign', `nonce = ${mine}`], { once: true });
    expect(refusal(() => ask(caps, token, KID)).code).toBe('Denied');
    ask(caps, token, KID, { opId: mine });
    expect(denies(caps, token).message).toContain('was used');
  });

  it('is not for what leaves no record', async () => {
    const caps = await memoryCapabilities();
    const verify = ['tenant = acme', 'scope = kms:verify', caps.exp()];
    const error = await refused(caps.capabilities.mint({ caveats: verify, once: true, newTenant: true }, call()));
    expect(error).toMatchObject({ code: 'InvalidValue', field: 'scope' });
    const token = attenuate(await caps.token(['tenant = acme', 'scope = kms:verify']), ['usage = once']);
    expect(refusal(() => authorise(callOf(caps, token), 'kms:verify', parseKeyId(KID)!)).message).toContain('one use');
  });

  it('lives at most 10 minutes', async () => {
    const caps = await memoryCapabilities();
    const long = { caveats: ['tenant = acme', 'scope = kms:sign', caps.exp(601)], once: true, newTenant: true };
    expect(await refused(caps.capabilities.mint(long, call()))).toMatchObject({ code: 'InvalidValue', field: 'exp' });
  });
});

const START_DETAIL = { role: 'x', version: '1', build: 'x', provider: 'native', config_sha256: '0'.repeat(64) };

describe('identity', () => {
  it('an attenuated copy shares rate bucket, use and revocation: all are keyed by root and id', async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token(SIGN);
    const copy = attenuate(token, ['rps = 10', 'scope = kms:sign']);
    const [a, b] = [caps.authenticator.authenticate(token), caps.authenticator.authenticate(copy)];
    expect(capabilityKey(a)).toBe(capabilityKey(b));
    expect(a).not.toBe(b);
    await caps.capabilities.revoke({ id: a.id }, call());
    for (const one of [token, copy]) expect(denies(caps, one).message).toContain('revoked');
  });
});

describe('minting by token', () => {
  const admin = (
    caps: MemoryCapabilities,
    tenant: string,
    more: readonly string[] = [],
    sub?: string,
  ): Promise<string> =>
    caps.token(
      [`tenant = ${tenant}`, 'scope = kms:admin,kms:read,kms:sign', ...more],
      sub === undefined ? {} : { sub },
    );

  async function mintBy(
    caps: MemoryCapabilities,
    token: string,
    caveats: readonly string[],
  ): Promise<RonError | Caller> {
    const request = {
      caveats: [...caveats, ...(caveats.some((one) => one.startsWith('exp')) ? [] : [caps.exp(60)])],
      once: false,
    };
    const made = await caps.capabilities
      .mint({ ...request, newTenant: true }, callOf(caps, token))
      .catch((error: RonError) => error);
    return 'token' in made ? caps.authenticator.authenticate(made.token!) : made;
  }

  it('kms:admin of tenant A mints neither kms:govern nor kms:admin nor tenant B nor beyond its scopes', async () => {
    const caps = await memoryCapabilities();
    const token = await admin(caps, 'acme');
    for (const [caveats, why] of [
      [['tenant = acme', 'scope = kms:govern'], 'kms:govern is never minted by a token'],
      [['tenant = acme', 'scope = kms:admin'], 'kms:admin is never minted by a token'],
      [['tenant = acme-evil', 'scope = kms:sign'], 'there is none'],
      [['tenant = acme,b', 'scope = kms:sign'], 'there is none'],
      [['tenant = acme', 'scope = kms:unwrap'], 'there is none'],
      [['tenant = _instance', 'scope = kms:read'], 'there is none'],
      [['tenant = acme', 'scope = kms:sign', caps.exp(601)], 'outlive'],
    ] as const) {
      expect(await mintBy(caps, token, caveats)).toMatchObject({
        code: 'Denied',
        message: expect.stringContaining(why),
      });
    }
    expect(await mintBy(caps, token, ['tenant = acme', 'scope = kms:sign'])).toMatchObject({ tenants: ['acme'] });
    expect(caps.store.records_.at(-1)!.actor).toMatch(/^cap:1:/);
  });

  it('what narrows the minter narrows what it mints', async () => {
    const caps = await memoryCapabilities();
    const token = await admin(caps, 'acme', ['rps = 5', 'alg = ed25519,hybrid', `kid = ${KID}`]);
    expect(
      await mintBy(caps, token, ['tenant = acme', 'scope = kms:sign', 'alg = ed25519', 'rps = 100']),
    ).toMatchObject({
      narrowed: { algs: ['ed25519'], rps: 5, kid: KID },
    });
    expect(await mintBy(caps, token, ['tenant = acme', 'scope = kms:sign', 'alg = ml-dsa'])).toMatchObject({
      code: 'Denied',
    });
  });

  it('needs kms:admin', async () => {
    const caps = await memoryCapabilities();
    const error = await mintBy(caps, await caps.token(SIGN), ['tenant = acme', 'scope = kms:sign']);
    expect(error).toMatchObject({ code: 'Denied', message: expect.stringContaining('kms:admin') });
  });

  it('under a ceiling gives what the ceiling gives, and no more', async () => {
    const caps = await memoryCapabilities({ governed: true });
    const token = await admin(caps, '_instance', [], 'alice');
    expect(await mintBy(caps, token, ['tenant = acme', 'scope = kms:sign'])).toMatchObject({ code: 'Denied' });
    caps.setCeiling('alice', { tenants: ['acme'], scopes: ['kms:sign', 'kms:unwrap'], max_ttl_s: 60, max_active: 2 });
    expect(await mintBy(caps, token, ['tenant = acme', 'scope = kms:unwrap'])).toMatchObject({
      scopes: ['kms:unwrap'],
    });
    for (const [caveats, code, why] of [
      [['tenant = b', 'scope = kms:sign'], 'Denied', 'tenant beyond the ceiling'],
      [['tenant = acme', 'scope = kms:wrap'], 'Denied', 'scope beyond the ceiling'],
      [['tenant = acme', 'scope = kms:sign', caps.exp(61)], 'PolicyRefused', 'at most 60 s'],
    ] as const) {
      expect(await mintBy(caps, token, caveats)).toMatchObject({ code, message: expect.stringContaining(why) });
    }
    await mintBy(caps, token, ['tenant = acme', 'scope = kms:sign']);
    expect(await mintBy(caps, token, ['tenant = acme', 'scope = kms:sign'])).toMatchObject({
      code: 'LimitReached',
      message: expect.stringContaining('ceiling of alice'),
    });
    expect(caps.store.records_.at(-1)!.detail).toMatchObject({ ceiling: 'alice' });
    const nameless = await admin(caps, '_instance');
    expect(await mintBy(caps, nameless, ['tenant = acme', 'scope = kms:sign'])).toMatchObject({ code: 'Denied' });
  });

  it('an ungoverned operator has every tenant and scope but admin and govern, for 900 s; a governed one only ceilings', async () => {
    const caps = await memoryCapabilities();
    const token = await admin(caps, '_instance', [caps.exp(900)], 'operator');
    expect(await mintBy(caps, token, ['tenant = acme', 'scope = kms:rotate,kms:wrap'])).toMatchObject({
      tenants: ['acme'],
    });
    expect(await mintBy(caps, token, ['tenant = acme', 'scope = kms:govern'])).toMatchObject({ code: 'Denied' });
    const governed = await memoryCapabilities({ governed: true });
    const held = await admin(governed, '_instance', [], 'operator');
    expect(await mintBy(governed, held, ['tenant = acme', 'scope = kms:wrap'])).toMatchObject({ code: 'Denied' });
  });
});

describe('limits per tenant', () => {
  const one = (caps: MemoryCapabilities, tenant = 'acme', seconds = 600): Promise<unknown> =>
    caps.capabilities.mint(
      { caveats: [`tenant = ${tenant}`, 'scope = kms:sign', caps.exp(seconds)], once: false, newTenant: true },
      call(),
    );

  it('mints per minute, then others still may', async () => {
    const caps = await memoryCapabilities();
    for (let n = 0; n < 10; n++) await one(caps);
    expect(await refused(one(caps))).toMatchObject({
      code: 'LimitReached',
      message: expect.stringContaining('mint_per_min'),
    });
    await one(caps, 'constructor');
    caps.advance(60);
    await one(caps);
  });

  it('active at once; one that was revoked or expired makes room', async () => {
    const caps = await memoryCapabilities({ caps: { max_ttl_s: 900, max_active: 2, mint_per_min: 100 } });
    await one(caps);
    const { id } = (await one(caps, 'acme', 30)) as { id: string };
    expect(await refused(one(caps))).toMatchObject({
      code: 'LimitReached',
      message: expect.stringContaining('max_active'),
    });
    await caps.capabilities.revoke({ id }, call());
    await one(caps, 'acme', 30);
    caps.advance(30);
    await one(caps);
    expect(caps.active()).toEqual([{ tenant: 'acme', active: 2 }]);
  });

  it('lifetime: the tighter of policy and configuration', async () => {
    const caps = await memoryCapabilities({ caps: { max_ttl_s: 120, max_active: 100, mint_per_min: 100 } });
    expect(await refused(one(caps, 'acme', 121))).toMatchObject({ code: 'PolicyRefused', field: 'exp' });
    const loose = await memoryCapabilities({ caps: { max_ttl_s: 86_400, max_active: 100, mint_per_min: 100 } });
    expect(await refused(one(loose, 'acme', 901))).toMatchObject({ code: 'PolicyRefused' });
    expect(await refused(one(loose, 'acme', 0))).toMatchObject({ code: 'InvalidValue', field: 'exp' });
  });

  it('a tenant that nobody knows is refused until it is named as new', async () => {
    const caps = await memoryCapabilities();
    const request = { caveats: ['tenant = acme', 'scope = kms:sign', caps.exp()], once: false };
    expect(await refused(caps.capabilities.mint(request, call()))).toMatchObject({ code: 'UnknownTenant' });
    await caps.capabilities.mint({ ...request, newTenant: true }, call());
    await caps.capabilities.mint(request, call());
  });

  it('a mint without tenant, scope or exp, or of caveats that contradict each other, is no value', async () => {
    const caps = await memoryCapabilities();
    for (const caveats of [
      ['scope = kms:sign', caps.exp()],
      ['tenant = acme', caps.exp()],
      ['tenant = acme', 'scope = kms:sign'],
      [...SIGN, caps.exp(), 'tenant = other'],
      [...SIGN, caps.exp(), 'colour = red'],
    ]) {
      const error = await refused(caps.capabilities.mint({ caveats, once: false, newTenant: true }, call()));
      expect(error).toMatchObject({ code: 'InvalidValue', field: 'caveats' });
    }
  });
});

describe('repetition by op_id', () => {
  it('gives the same token again; another request under the id is a conflict', async () => {
    const caps = await memoryCapabilities();
    const request = { caveats: [...SIGN, caps.exp()], once: false, sub: 'ci', newTenant: true };
    const named = call(LOCAL, { repeatable: true });
    const first = await caps.capabilities.mint(request, named);
    caps.advance(5);
    expect(await (await caps.reopen()).capabilities.mint(request, named)).toEqual(first);
    const other = { ...request, sub: 'cd' };
    expect(await refused(caps.capabilities.mint(other, named))).toMatchObject({ code: 'Conflict', field: 'op_id' });
    expect(caps.store.records_.filter((one) => one.op === 'mint')).toHaveLength(1);
  });

  it('gives nobody the token that was minted for another', async () => {
    const caps = await memoryCapabilities();
    const [one, two] = [
      await caps.token(['tenant = acme', 'scope = kms:admin,kms:sign']),
      await caps.token(['tenant = acme', 'scope = kms:admin,kms:sign']),
    ];
    const request = { caveats: ['tenant = acme', 'scope = kms:sign', caps.exp(60)], once: false };
    const { opId } = call();
    await caps.capabilities.mint(request, callOf(caps, one, { opId, repeatable: true }));
    const error = await refused(caps.capabilities.mint(request, callOf(caps, two, { opId, repeatable: true })));
    expect([error.code, error.message]).toEqual(['Conflict', expect.stringContaining('somebody else')]);
  });

  it('a dry run mints, revokes and rotates nothing', async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token(SIGN);
    const { id } = caps.authenticator.authenticate(token);
    const size = caps.store.logSize;
    const dry = call(LOCAL, { dryRun: true });
    const request = { caveats: [...SIGN, caps.exp()], once: false };
    expect(await caps.capabilities.mint(request, dry)).toMatchObject({ token: null });
    await caps.capabilities.revoke({ id }, dry);
    expect(await caps.capabilities.rotate({ now: true }, dry)).toEqual({ root: 2, previous: 1 });
    expect(caps.store.logSize).toBe(size);
    caps.authenticator.authenticate(token);
  });
});

describe('revocation and rotation', () => {
  it('a revoked token is refused at once, and after a restart', async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token(SIGN);
    const { id } = caps.authenticator.authenticate(token);
    await caps.capabilities.revoke({ id }, call());
    expect(denies(caps, token).message).toContain('revoked');
    expect(denies(caps, attenuate(token, ['rps = 1'])).message).toContain('revoked');
    const again = await caps.reopen();
    expect(refusal(() => again.authenticator.authenticate(token)).message).toContain('revoked');
    expect((await caps.capabilities.list({}, call())).find((one) => one.id === id)?.state).toBe('revoked');
    expect(await refused(caps.capabilities.revoke({ id: 'no' }, call()))).toMatchObject({ code: 'NotFound' });
  });

  it('a token whose revocation cannot be recorded is refused all the same, and the answer says both', async () => {
    const caps = await memoryCapabilities();
    const token = await caps.token(SIGN);
    const { id } = caps.authenticator.authenticate(token);
    const own = caps.store.mutate.bind(caps.store);
    const full = new RonError('StoreUnavailable', 'the disk is full', { hint: 'Free space.' });
    Object.assign(caps.store, { mutate: () => Promise.reject(full) });
    const held: string[] = [];
    const asked = { ...call(), holds: (what: string) => held.push(what) };
    const what = 'this server refuses the token already; what is missing is the record that keeps it so over a restart';
    expect(await refused(caps.capabilities.revoke({ id }, asked))).toMatchObject({
      code: 'StoreUnavailable',
      message: `the disk is full; ${what}`,
      hint: 'Free space.',
    });
    expect(held).toEqual([what]);
    expect(denies(caps, token).message).toContain('revoked');
    Object.assign(caps.store, { mutate: own });
    await caps.capabilities.revoke({ id }, asked);
    expect((await caps.reopen()).active()).toEqual([]);
    // What changes nothing says nothing.
    expect((await refused(caps.capabilities.revoke({ id: uuidV4(random(16)) }, asked))).message).not.toContain(what);
    expect(held).toHaveLength(2);
  });

  it('an entry goes once the token has expired', async () => {
    const caps = await memoryCapabilities();
    const ids = [await caps.token(SIGN), await caps.token(SIGN)].map((one) => caps.authenticator.authenticate(one).id);
    await caps.capabilities.revoke({ id: ids[0]! }, call());
    caps.advance(600);
    await caps.capabilities.revoke({ id: ids[1]! }, call());
    const { meta } = await caps.store.read('revocations');
    expect((meta['entries'] as { id: string }[]).map((one) => one.id)).toEqual([ids[1]]);
  });

  it('an older root verifies until no token of it can be alive; --now ends it', async () => {
    const caps = await memoryCapabilities();
    caps.setPolicy((state) => ({ ...state, global: { ...state.global, 'caps.max_ttl_s': 86_400 } }));
    const old = await caps.token([...SIGN, caps.exp(86_400)]);
    caps.advance(3600);
    expect(await caps.capabilities.rotate({ now: false }, call())).toEqual({ root: 2, previous: 1 });
    const fresh = await caps.token(SIGN);
    expect(caps.authenticator.authenticate(old).root).toBe(1);
    expect(caps.authenticator.authenticate(fresh).root).toBe(2);
    expect((await caps.reopen()).authenticator.authenticate(old).root).toBe(1);
    expect(await caps.capabilities.rotate({ now: true }, call())).toEqual({ root: 3, previous: 2 });
    for (const one of [old, fresh]) expect(denies(caps, one).message).toContain('root that is gone');
    expect(caps.store.recordIds().filter((id) => id.startsWith('cap-root/'))).toEqual(['cap-root/3']);
    expect((await caps.capabilities.list({}, call())).map((one) => one.state)).toEqual(['revoked', 'revoked']);
  });

  it('roots that count no more go with the next rotation; the newest one has an age', async () => {
    const caps = await memoryCapabilities();
    await caps.capabilities.rotate({ now: false }, call());
    caps.advance(86_400);
    expect(caps.rootAgeDays()).toBe(1);
    await caps.capabilities.rotate({ now: false }, call());
    expect(caps.rootAgeDays()).toBe(0);
    expect(caps.store.recordIds().filter((id) => id.startsWith('cap-root/'))).toEqual(['cap-root/2', 'cap-root/3']);
  });

  it('a bearer for one tenant revokes its own, and learns nothing of others', async () => {
    const caps = await memoryCapabilities();
    const admin = await caps.token(['tenant = acme', 'scope = kms:admin']);
    const [own, other] = [await caps.token(SIGN), await caps.token(['tenant = b', 'scope = kms:sign'])];
    const idOf = (token: string): string => caps.authenticator.authenticate(token).id;
    const unknown = await refused(caps.capabilities.revoke({ id: uuidV4(random(16)) }, callOf(caps, admin)));
    const foreign = await refused(caps.capabilities.revoke({ id: idOf(other) }, callOf(caps, admin)));
    expect([foreign.code, foreign.message]).toEqual([unknown.code, unknown.message]);
    expect(foreign.code).toBe('Denied');
    await caps.capabilities.revoke({ id: idOf(own) }, callOf(caps, admin));
    expect((await caps.capabilities.list({}, callOf(caps, admin))).map((one) => one.tenants)).toEqual([
      ['acme'],
      ['acme'],
    ]);
    expect((await refused(caps.capabilities.rotate({ now: true }, callOf(caps, admin)))).code).toBe('Denied');
    expect((await refused(caps.capabilities.list({}, callOf(caps, await caps.token(SIGN))))).code).toBe('Denied');
  });
});

describe('operator.cap', () => {
  it('is replaced at half of its life and when its root goes, and revoked at the end', async () => {
    const caps = await memoryCapabilities({ caps: { max_ttl_s: 60, max_active: 1, mint_per_min: 1 } });
    const written: string[] = [];
    const deps = { service: caps, nowMs: () => caps.store.nowMs, call: () => call(SYSTEM) };
    const write = async (token: string): Promise<void> => void written.push(token);
    const operator = new OperatorCapability({ ...deps, write });
    await operator.keep();
    await operator.keep();
    expect(written).toHaveLength(1);
    expect(caps.authenticator.authenticate(written[0]!)).toMatchObject({
      sub: 'operator',
      tenants: ['_instance'],
      scopes: ['kms:admin', 'kms:audit', 'kms:govern', 'kms:read'],
      narrowed: { expiresAt: '2026-11-20T20:00:00.000Z' },
    });
    caps.advance(6 * 3600);
    await operator.keep();
    expect(written).toHaveLength(2);
    for (const one of written) caps.authenticator.authenticate(one);
    await caps.capabilities.rotate({ now: true }, call());
    await operator.keep();
    expect(caps.authenticator.authenticate(written[2]!).root).toBe(2);
    // A server that was killed: the next one ends what it left behind.
    const next = new OperatorCapability({ ...deps, write });
    await next.keep();
    expect(denies(caps, written[2]!).message).toContain('revoked');
    await next.close();
    expect(denies(caps, written[3]!).message).toContain('revoked');
  });
});
