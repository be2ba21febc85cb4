// The contract of the Capabilities port, for every implementation: in-process and through client, socket and server.

import { describe, expect, it } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { attenuate, parseToken } from '../../src/capability/token.ts';
import type { Capabilities } from '../../src/kms/admin-ports.ts';
import type { Call } from '../../src/kms/ports.ts';
import { refused } from './kms-subject.ts';

export interface Bearing {
  readonly capabilities: Capabilities;
  readonly call: (change?: Partial<Call>) => Call;
}

export interface CapabilitySubject {
  readonly nowMs: () => number;
  advance(seconds: number): void;
  /** A token from whoever holds the root. */
  token(caveats: readonly string[], change?: { readonly once?: boolean; readonly sub?: string }): Promise<string>;
  /** One that nobody registered. */
  unregistered(caveats: readonly string[]): Promise<string>;
  /** The port as the bearer of a token reaches it; null: without one, by the socket of the home. */
  as(token: string | null): Promise<Bearing>;
  /** `in`, or the code that the door answers. */
  door(token: string): Promise<string>;
}

export type MakeCapabilitySubject = () => Promise<CapabilitySubject>;

const ADMIN = ['tenant = _instance', 'scope = kms:admin,kms:read'];

export function capabilitiesContract(name: string, make: MakeCapabilitySubject): void {
  describe(`capabilities ${name}`, () => {
    const mintAs = async (of: CapabilitySubject, bearer: string, caveats: readonly string[], change: object = {}) => {
      const { capabilities, call } = await of.as(bearer);
      const exp = `exp = ${toTime(of.nowMs() + 60_000)}`;
      return capabilities.mint({ caveats: [...caveats, exp], once: false, newTenant: true, ...change }, call());
    };

    it('mints under the ceiling of the operator; the token gets in with its caveats, and is listed', async () => {
      const of = await make();
      const operator = await of.token(ADMIN, { sub: 'operator' });
      const made = await mintAs(of, operator, ['tenant = acme', 'scope = kms:sign', 'rps = 3'], { sub: 'ci' });
      expect(made).toMatchObject({ root: 1, expires_at: toTime(of.nowMs() + 60_000) });
      expect(parseToken(made.token!).caveats).toEqual(expect.arrayContaining(['tenant = acme', 'rps = 3']));
      expect(await of.door(made.token!)).toBe('in');
      const { capabilities, call } = await of.as(operator);
      const listed = await capabilities.list({}, call());
      expect(listed.find((one) => one.id === made.id)).toMatchObject({
        root: 1,
        sub: 'ci',
        tenants: ['acme'],
        scopes: ['kms:sign'],
        once: false,
        state: 'active',
        minted_by: expect.stringMatching(/^cap:1:/),
        expires_at: made.expires_at,
      });
    });

    it.each([
      ['kms:govern', ['tenant = acme', 'scope = kms:govern'], 'never minted by a token'],
      ['kms:admin', ['tenant = acme', 'scope = kms:admin'], 'never minted by a token'],
    ])('never mints %s', async (_, caveats, why) => {
      const of = await make();
      const operator = await of.token(ADMIN, { sub: 'operator' });
      const error = await refused(mintAs(of, operator, caveats));
      expect([error.code, error.message]).toEqual(['Denied', expect.stringContaining(why)]);
    });

    it('kms:admin of one tenant mints a subset of itself, and nothing of another tenant', async () => {
      const of = await make();
      const admin = await of.token(['tenant = acme', 'scope = kms:admin,kms:sign']);
      expect(await of.door((await mintAs(of, admin, ['tenant = acme', 'scope = kms:sign'])).token!)).toBe('in');
      const error = await refused(mintAs(of, admin, ['tenant = acme-evil', 'scope = kms:sign']));
      expect(error.code).toBe('Denied');
    });

    it('needs kms:admin, for minting, revoking, rotating and listing', async () => {
      const of = await make();
      const { capabilities, call } = await of.as(await of.token(['tenant = _instance', 'scope = kms:read']));
      const id = '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81';
      for (const asked of [
        capabilities.mint({ caveats: ADMIN, once: false }, call()),
        capabilities.revoke({ id }, call()),
        capabilities.rotate({ now: true }, call()),
        capabilities.list({}, call()),
      ]) {
        expect((await refused(asked)).code).toMatch(/^(?:Denied|InvalidValue)$/);
      }
    });

    it('a token nobody registered is refused at the door, until it is registered by its MAC alone', async () => {
      const of = await make();
      const token = await of.unregistered(['tenant = acme', 'scope = kms:sign']);
      expect(await of.door(token)).toBe('NoCapability');
      const { capabilities, call } = await of.as(null);
      const { id, root } = parseToken(token).identifier;
      expect(await capabilities.register({ token }, call())).toEqual({ id, root });
      expect(await capabilities.register({ token }, call())).toEqual({ id, root });
      expect(await of.door(token)).toBe('in');
      const forged = `${token.slice(0, -6)}${token.at(-6) === 'A' ? 'B' : 'A'}${token.slice(-5)}`;
      expect((await refused(capabilities.register({ token: forged }, call()))).code).toBe('NoCapability');
    });

    it('a revoked token and its copies are refused with the answer of the revocation', async () => {
      const of = await make();
      const token = await of.token(['tenant = acme', 'scope = kms:sign']);
      const copy = attenuate(token, ['rps = 1']);
      const { capabilities, call } = await of.as(await of.token(ADMIN));
      const { id } = parseToken(token).identifier;
      const startedAt = performance.now();
      const done = await capabilities.revoke({ id }, call());
      for (const one of [token, copy]) expect(await of.door(one)).toBe('NoCapability');
      // A promise of the service (1 s with profile micronode, else 5 s), not a limit of the test.
      expect(performance.now() - startedAt).toBeLessThan(1000);
      expect(done).toEqual({ id, revoked_at: expect.stringMatching(/Z$/) });
      const unknown = { id: '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81' };
      expect((await refused(capabilities.revoke(unknown, call()))).code).toBe('NotFound');
    });

    it('rotation: older tokens go on, with `now` they end, the one that asked included', async () => {
      const of = await make();
      const [admin, other] = [await of.token(ADMIN), await of.token(['tenant = acme', 'scope = kms:sign'])];
      const { capabilities, call } = await of.as(admin);
      expect(await capabilities.rotate({ now: false }, call())).toEqual({ root: 2, previous: 1 });
      expect(await of.door(other)).toBe('in');
      expect(await capabilities.rotate({ now: true }, call())).toEqual({ root: 3, previous: 2 });
      for (const one of [admin, other]) expect(await of.door(one)).toBe('NoCapability');
    });

    it('a mint is repeated by its op_id, with the same token', async () => {
      const of = await make();
      const { capabilities, call } = await of.as(await of.token(ADMIN, { sub: 'operator' }));
      const exp = `exp = ${toTime(of.nowMs() + 60_000)}`;
      const request = { caveats: ['tenant = acme', 'scope = kms:sign', exp], once: false, newTenant: true };
      const { opId } = call();
      const named = { opId, repeatable: true };
      const first = await capabilities.mint(request, call(named));
      expect(await capabilities.mint(request, call(named))).toEqual(first);
      const other = { ...request, once: true };
      expect((await refused(capabilities.mint(other, call(named)))).code).toBe('Conflict');
    });

    it('limits are named, and an expired token is refused', async () => {
      const of = await make();
      const operator = await of.token(ADMIN, { sub: 'operator' });
      for (let n = 0; n < 10; n++) await mintAs(of, operator, ['tenant = acme', 'scope = kms:sign']);
      const error = await refused(mintAs(of, operator, ['tenant = acme', 'scope = kms:sign']));
      expect([error.code, error.message]).toEqual(['LimitReached', expect.stringContaining('caps.mint_per_min')]);
      of.advance(601);
      expect(await of.door(operator)).toBe('NoCapability');
    });
  });
}
