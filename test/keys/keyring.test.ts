import { describe, expect, it } from 'vitest';
import { requireKeyId } from '../../src/keys/key-id.ts';
import {
  addKey,
  addVersion,
  compromise,
  findKey,
  headOf,
  type NewVersion,
  requireHead,
  requireKey,
  requireVersion,
  retirable,
  retire,
  tenantsOf,
} from '../../src/keys/keyring.ts';
import type { PublicView } from '../../src/keys/public-view.ts';
import { refusal } from '../support/refusal.ts';

const KID = 'acme/release/ed25519/919108f7-52d1-4320-9bac-f847db4148a8';
const OTHER = 'acme/data/hybrid-kem/919108f7-52d1-4320-9bac-f847db4148a8';
const EMPTY: PublicView = {
  v: 1,
  store_id: '0'.repeat(32),
  ledger_id: null,
  generation: 1,
  keys: [],
  ledger: null,
  policy: null,
};
const added = (seq: number): NewVersion => ({
  tracks: ['ed25519'],
  pub: { ed25519: 'a'.repeat(64) },
  created_seq: seq,
});
const id = (text: string) => requireKeyId(text, 'kid');
const states = (view: PublicView): string =>
  findKey(view, KID)!
    .versions.map((one) => one.state)
    .join(' ');

const two = addVersion(addKey(EMPTY, KID, added(1)), KID, 2, added(2));
const three = addVersion(two, KID, 3, added(3));

describe('keyring', () => {
  it('a rotation supersedes the head; the list stays sorted by kid', () => {
    expect(states(two)).toBe('superseded active');
    const both = addKey(two, OTHER, added(4));
    expect(both.keys.map((key) => key.kid)).toEqual([OTHER, KID]);
    expect([...tenantsOf(both)]).toEqual(['acme']);
    expect(refusal(() => addKey(two, KID, added(5))).code).toBe('Conflict');
    expect(EMPTY.keys).toEqual([]);
    expect(refusal(() => addVersion(two, KID, 2, added(5)))).toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('rotated meanwhile'),
    });
  });

  it('only the head signs; each other state refuses with its own code', () => {
    const key = requireKey(three, id(KID));
    expect(requireHead(key, id(KID)).n).toBe(3);
    expect(requireHead(key, id(`${KID}#v3`)).n).toBe(3);
    expect(refusal(() => requireHead(key, id(`${KID}#v1`))).code).toBe('Conflict');
    expect(refusal(() => requireVersion(key, id(`${KID}#v9`))).code).toBe('NotFound');
    const stolen = requireKey(compromise(three, id(KID), 7), id(KID));
    expect(refusal(() => requireHead(stolen, id(KID)))).toMatchObject({
      code: 'Compromised',
      hint: expect.stringContaining('kms rotate'),
    });
    const gone = requireKey(retire(three, id(KID)), id(KID));
    expect(refusal(() => requireHead(gone, id(KID))).code).toBe('Retired');
  });

  it('one version can be retired unless it is the head; without a version all are', () => {
    expect(retirable(three, id(`${KID}#v1`)).map((one) => one.n)).toEqual([1]);
    expect(refusal(() => retirable(three, id(`${KID}#v3`))).code).toBe('Conflict');
    const one = retire(three, id(`${KID}#v1`));
    expect([states(one), findKey(one, KID)!.state]).toEqual(['retired superseded active', 'active']);
    expect(refusal(() => retirable(one, id(`${KID}#v1`))).code).toBe('Retired');
    const all = retire(one, id(KID));
    expect([states(all), findKey(all, KID)!.state]).toEqual(['retired retired retired', 'retired']);
    expect(refusal(() => addVersion(all, KID, 4, added(9))).code).toBe('Retired');
    expect(refusal(() => retirable(EMPTY, id(KID))).code).toBe('NotFound');
  });

  it('compromise marks one version or all, keeps the earlier place, and survives rotation', () => {
    const one = compromise(three, id(`${KID}#v2`), 40);
    expect(states(one)).toBe('superseded compromised active');
    const earlier = compromise(one, id(`${KID}#v2`), 30);
    expect(findKey(earlier, KID)!.versions[1]!.from_seq).toBe(30);
    expect(findKey(compromise(earlier, id(`${KID}#v2`), 50), KID)!.versions[1]!.from_seq).toBe(30);
    const all = compromise(three, id(KID), 10);
    expect(states(all)).toBe('compromised compromised compromised');
    expect(states(addVersion(all, KID, 4, added(11)))).toBe('compromised compromised compromised active');
  });

  it('retiring a compromised version does not make its signatures good again', () => {
    const stolen = compromise(three, id(`${KID}#v1`), 4);
    const gone = retire(stolen, id(`${KID}#v1`));
    expect(findKey(gone, KID)!.versions[0]).toMatchObject({ state: 'retired', from_seq: 4 });
    const late = compromise(retire(three, id(`${KID}#v1`)), id(`${KID}#v1`), 4);
    expect(findKey(late, KID)!.versions[0]).toMatchObject({ state: 'retired', from_seq: 4 });
    expect(headOf(findKey(late, KID)!).n).toBe(3);
  });
});
