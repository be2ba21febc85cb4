// Contract of the Keys port: every implementation behaves like this, for each kind of caller.

import { describe, expect, it } from 'vitest';
import { requireKeyId } from '../../src/keys/key-id.ts';
import type { CreationAlg } from '../../src/keys/tracks.ts';
import type { Caller } from '../../src/kms/ports.ts';
import { call, capability, LOCAL, type MakeSubject, refused, SYSTEM } from './kms-subject.ts';

export function keysContract(name: string, make: MakeSubject): void {
  const acme = { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true } as const;

  describe.each<[string, Caller]>([
    ['local', LOCAL],
    ['capability', capability()],
  ])(`${name}: keys, called by %s`, (_kind, caller) => {
    it('creates a key that get and list show, with the tracks of phase 1', async () => {
      const { keys } = await make();
      const made = await keys.create(acme, call(caller));
      expect(made.kid).toMatch(/^acme\/release\/ed25519\/[0-9a-f-]{36}#v1$/);
      expect(made.replayed).toBe(false);
      const { key, trust } = await keys.get({ kid: made.kid }, call(caller));
      expect(trust).toBe('authenticated');
      expect(key).toMatchObject({ tenant: 'acme', purpose: 'release', alg: 'ed25519', state: 'active', version: 1 });
      expect(key.versions[0]).toMatchObject({ n: 1, state: 'active', tracks: ['ed25519', 'ml-dsa'] });
      expect(Object.keys(key.versions[0]!.pub).sort()).toEqual(['ed25519', 'ml_dsa_65']);
      expect(key.versions[0]!.created_at).toMatch(/^\d{4}-/);
      expect((await keys.list({ tenant: 'acme' }, call(caller))).keys).toEqual([key]);
      expect((await keys.list({ tenant: 'other' }, call(caller))).keys).toEqual([]);
    });

    it.each<[CreationAlg, 0 | 1, string[], number | undefined]>([
      ['ed25519', 0, ['ed25519'], undefined],
      ['hybrid', 0, ['ed25519', 'ml-dsa'], undefined],
      ['hybrid', 1, ['ed25519', 'ml-dsa'], undefined],
      ['ml-dsa', 1, ['ml-dsa'], undefined],
      ['x25519', 0, ['x25519'], 3],
      ['x25519', 1, ['x25519', 'ml-kem'], 1],
      ['hybrid-kem', 0, ['x25519', 'ml-kem'], 1],
      ['ml-kem', 1, ['ml-kem'], 4],
    ])('%s in phase %i has tracks %j and suite %s', async (alg, phase, tracks, suite) => {
      const subject = await make();
      await subject.setPhase(phase);
      const made = await subject.keys.create({ ...acme, alg }, call(caller));
      expect(made.key!.versions[0]!.tracks).toEqual(tracks);
      expect(made.key!.versions[0]!.suite).toBe(suite);
    });

    it('rotates with a continuity statement that is valid', async () => {
      const { keys } = await make();
      const made = await keys.create(acme, call(caller));
      const rotated = await keys.rotate({ kid: made.kid }, call(caller));
      expect(rotated).toMatchObject({ previous: 1, replayed: false });
      expect(requireKeyId(rotated.kid, 'kid').version).toBe(2);
      expect(rotated.key!.versions.map((one) => one.state)).toEqual(['superseded', 'active']);
      const answer = await keys.continuity({ kid: rotated.kid }, call(caller));
      expect(answer).toMatchObject({ verdict: 'valid', attested_by: 'keys and service', digest: rotated.continuity });
    });

    it('rotating by op_id twice makes one version; another request with that op_id is a conflict', async () => {
      const { keys } = await make();
      const made = await keys.create(acme, call(caller));
      const again = call(caller, { repeatable: true });
      const first = await keys.rotate({ kid: made.kid }, again);
      const second = await keys.rotate({ kid: made.kid }, again);
      expect(second).toEqual({ ...first, replayed: true });
      expect((await keys.get({ kid: made.kid }, call(caller))).key.version).toBe(2);
      const error = await refused(keys.rotate({ kid: first.kid }, again));
      expect(error.code).toBe('Conflict');
      expect(error.field).toBe('op_id');
    });

    it('creating by op_id twice makes one key', async () => {
      const { keys } = await make();
      const again = call(caller, { repeatable: true });
      const first = await keys.create(acme, again);
      expect(await keys.create(acme, again)).toEqual({ ...first, replayed: true });
      expect((await keys.list({}, call(caller))).keys).toHaveLength(1);
      expect((await refused(keys.create({ ...acme, purpose: 'other' }, again))).code).toBe('Conflict');
    });

    it('rotating a version that is not the newest is a conflict', async () => {
      const { keys } = await make();
      const made = await keys.create(acme, call(caller));
      await keys.rotate({ kid: made.kid }, call(caller));
      const error = await refused(keys.rotate({ kid: made.kid }, call(caller)));
      expect(error.code).toBe('Conflict');
      expect(error.message).toContain('not the newest version');
    });

    it('of two rotations of one version at once only one succeeds', async () => {
      const { keys } = await make();
      const made = await keys.create(acme, call(caller));
      const both = await Promise.allSettled([1, 2].map(() => keys.rotate({ kid: made.kid }, call(caller))));
      expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
      const lost = both.find((one) => one.status === 'rejected') as PromiseRejectedResult;
      expect((lost.reason as { code: string }).code).toBe('Conflict');
      const { key } = await keys.get({ kid: made.kid }, call(caller));
      expect(key.versions.map((one) => one.state)).toEqual(['superseded', 'active']);
    });

    it('public keys are of the version named, else of the newest; a version that is not there is not found', async () => {
      const { keys } = await make();
      const first = await keys.create(acme, call(caller));
      const old = await keys.publicKeys({ kid: first.kid }, call(caller));
      const second = await keys.rotate({ kid: first.kid }, call(caller));
      const kid = first.kid.replace('#v1', '');
      expect(await keys.publicKeys({ kid: first.kid }, call(caller))).toEqual(old);
      const newest = await keys.publicKeys({ kid }, call(caller));
      expect(newest.kid).toBe(second.kid);
      expect(newest.tracks).not.toEqual(old.tracks);
      expect((await keys.get({ kid: first.kid }, call(caller))).key).toMatchObject({ kid, version: 2 });
      const absent = { kid: `${kid}#v9` };
      for (const ask of [() => keys.get(absent, call(caller)), () => keys.publicKeys(absent, call(caller))]) {
        expect(await refused(ask())).toMatchObject({
          code: 'NotFound',
          message: expect.stringContaining('has no version 9'),
        });
      }
    });

    it('rotation follows the phase and never loses the post-quantum track', async () => {
      const subject = await make();
      await subject.setPhase(0);
      const made = await subject.keys.create(acme, call(caller));
      expect(made.key!.versions[0]!.tracks).toEqual(['ed25519']);
      await subject.setPhase(1);
      await subject.keys.rotate({ kid: made.kid }, call(caller));
      await subject.setPhase(0);
      const third = await subject.keys.rotate({ kid: `${made.kid.split('#')[0]}` }, call(caller));
      expect(third.key!.versions.map((one) => one.tracks)).toEqual([
        ['ed25519'],
        ['ed25519', 'ml-dsa'],
        ['ed25519', 'ml-dsa'],
      ]);
    });

    it('needs rotation at 90 days, and earlier by its own hint', async () => {
      const subject = await make();
      const plain = await subject.keys.create(acme, call(caller));
      const hinted = await subject.keys.create({ ...acme, rotateDays: 30 }, call(caller));
      const ask = async (kid: string) => (await subject.keys.needsRotation({ kid }, call(caller))).answer;
      expect([await ask(plain.kid), await ask(hinted.kid)]).toEqual(['no', 'no']);
      subject.advanceDays(30);
      expect([await ask(plain.kid), await ask(hinted.kid)]).toEqual(['no', 'yes']);
      subject.advanceDays(59);
      expect(await ask(plain.kid)).toBe('no');
      subject.advanceDays(1);
      expect(await ask(plain.kid)).toBe('yes');
    });

    it('an unknown key and an unknown version are not found', async () => {
      const { keys } = await make();
      const made = await keys.create(acme, call(caller));
      const other = 'acme/release/ed25519/919108f7-52d1-4320-9bac-f847db4148a8';
      expect((await refused(keys.get({ kid: other }, call(caller)))).code).toBe('NotFound');
      expect((await refused(keys.rotate({ kid: `${made.kid.split('#')[0]}#v9` }, call(caller)))).code).toBe('NotFound');
      expect((await refused(keys.continuity({ kid: made.kid }, call(caller)))).message).toContain('no predecessor');
    });

    it('retire is refused to every caller', async () => {
      const { keys } = await make();
      const made = await keys.create(acme, call(caller));
      expect((await refused(keys.retire({ kid: made.kid }, call(caller)))).code).toBe('PolicyRefused');
    });
  });

  describe(`${name}: keys, limits`, () => {
    it('an unknown tenant is refused with the nearest names', async () => {
      const { keys } = await make();
      await keys.create(acme, call());
      const error = await refused(keys.create({ ...acme, tenant: 'acne', newTenant: false }, call()));
      expect(error.code).toBe('UnknownTenant');
      expect(error.hint).toBe('Nearest: acme. Give --new-tenant to make it.');
      await keys.create({ ...acme, newTenant: false }, call());
    });

    it('upper case on the wire is refused, not folded', async () => {
      const { keys } = await make();
      const error = await refused(keys.create({ ...acme, tenant: 'ACME' }, call()));
      expect([error.code, error.field]).toEqual(['InvalidValue', 'tenant']);
    });

    it('suite 2 is for X-Wing only and stays through rotation', async () => {
      const { keys } = await make();
      const error = await refused(keys.create({ ...acme, suite: 2 }, call()));
      expect([error.code, error.field]).toEqual(['Unsupported', 'suite']);
      const made = await keys.create({ ...acme, alg: 'hybrid-kem', suite: 2 }, call());
      const rotated = await keys.rotate({ kid: made.kid }, call());
      expect(rotated.key!.versions.map((one) => one.suite)).toEqual([2, 2]);
      const answer = await keys.continuity({ kid: rotated.kid }, call());
      expect(answer).toMatchObject({ verdict: 'valid', attested_by: 'service' });
    });

    it('a dry run makes nothing and checks everything', async () => {
      const { keys } = await make();
      const dry = await keys.create(acme, call(LOCAL, { dryRun: true }));
      expect(dry).toMatchObject({ key: null, audit: null });
      expect((await keys.list({}, call())).keys).toEqual([]);
      const missing = keys.create({ ...acme, newTenant: false }, call(LOCAL, { dryRun: true }));
      expect((await refused(missing)).code).toBe('UnknownTenant');
      const made = await keys.create(acme, call());
      const rotation = await keys.rotate({ kid: made.kid }, call(LOCAL, { dryRun: true }));
      expect(rotation).toMatchObject({ key: null, previous: 1, continuity: null });
      expect((await keys.get({ kid: made.kid }, call())).key.version).toBe(1);
    });

    it('a capability without the scope, or for another tenant, is denied', async () => {
      const { keys } = await make();
      const readOnly = call(capability(['kms:read']));
      expect((await refused(keys.create(acme, readOnly))).message).toContain('kms:rotate');
      const other = call(capability(undefined, ['globex']));
      const error = await refused(keys.create(acme, other));
      expect([error.code, error.message]).toEqual(['Denied', 'the capability is not for tenant acme']);
      const made = await keys.create(acme, call());
      expect((await refused(keys.get({ kid: made.kid }, other))).code).toBe('Denied');
      expect((await keys.list({}, other)).keys).toEqual([]);
    });

    it('the system itself makes no keys', async () => {
      const { keys } = await make();
      expect((await refused(keys.create(acme, call(SYSTEM)))).code).toBe('Denied');
    });

    it('an aborted call makes nothing', async () => {
      const { keys } = await make();
      const aborted = call(LOCAL, { signal: AbortSignal.abort() });
      expect((await refused(keys.create(acme, aborted))).code).toBe('Interrupted');
      expect((await keys.list({}, call())).keys).toEqual([]);
    });
  });
}
