// `governance init`: what is wrong with the members is said before any passphrase is asked for.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/bytes/text.ts';
import { envelopeFile } from '../../../src/envelope/dsse.ts';
import { makeSignerBundle } from '../../../src/governance/signer-bundle.ts';
import type { Passphrases, StoreName } from '../../../src/host.ts';
import type { MemberSource } from '../../../src/operations/governance/genesis-people.ts';
import { draftGenesis } from '../../../src/operations/governance/init.ts';
import { initCustody } from '../../../src/storage/custody-creation.ts';
import { createSigner } from '../../../src/storage/signer-creation.ts';
import { INIT } from '../../support/custody.ts';
import { at, crypto, signer } from '../../support/governance.ts';
import { FAST_KDF, fixedPassphrases, storeDeps, temporaryHome } from '../../support/store.ts';

type Role = MemberSource['role'];

const local = (role: Role, from: string): MemberSource => ({ role, from, bundle: null });

/** A bundle with these keys, under a name that may be another. */
async function carried(role: Role, label: string, id = label): Promise<MemberSource> {
  const made = await makeSignerBundle(crypto, { id, createdAt: at(0), keys: (await signer(label)).secret });
  return { role, from: `${id}.json`, bundle: envelopeFile(made.envelope) };
}

/** A home with a custody store and a signer alice; every store that is opened is noted. */
async function homeWithAlice() {
  const home = temporaryHome();
  const asked: StoreName[] = [];
  const fixed = fixedPassphrases();
  const noted: Passphrases = {
    existing: (of) => {
      asked.push(of);
      return fixed.existing(of);
    },
    fresh: (of) => fixed.fresh(of),
  };
  await createSigner(storeDeps(home), 'alice', FAST_KDF);
  await (await initCustody(storeDeps(home), { ...INIT, profile: 'dev' })).close();
  const deps = { ...storeDeps(home, { passphrases: noted }), onProgress: () => undefined, online: null, dryRun: false };
  const init = (members: readonly MemberSource[], auditor: MemberSource | null = null, draftOnly = true) =>
    draftGenesis({ members, threshold: 2, name: 'main', auditor, set: [], supersedes: null, draftOnly }, deps);
  return { asked, init };
}

describe('before any passphrase is asked for', () => {
  const alice = local('policy-owner', 'alice');
  const rows: readonly (readonly [string, () => Promise<readonly MemberSource[]>, object])[] = [
    [
      'a member that is neither a signer nor a file',
      async () => [alice, local('custodian', 'bob')],
      { code: 'NotFound', field: '--members', hint: 'Signers here: alice' },
    ],
    [
      'a file that is no bundle',
      async () => [alice, { role: 'custodian', from: 'bob.json', bundle: utf8('{}\n') }],
      { code: 'Malformed', message: expect.stringContaining('bob.json') },
    ],
    [
      'a bundle that was changed',
      async () => {
        const bob = await carried('custodian', 'bob');
        const bundle = bob.bundle!.slice();
        const text = Buffer.from(bundle).indexOf('"sig":"') + 12;
        bundle[text] = bundle[text] === 0x41 ? 0x42 : 0x41;
        return [alice, { ...bob, bundle }];
      },
      { code: 'VerificationFailed', message: expect.stringContaining('bob.json') },
    ],
    [
      'roles left out for two members',
      async () => [local(null, 'alice'), await carried(null, 'bob')],
      { code: 'Usage', field: '--members' },
    ],
    [
      'one role for all',
      async () => [alice, await carried('policy-owner', 'bob')],
      { code: 'Malformed', field: 'members', message: expect.stringContaining('at least two roles') },
    ],
    [
      'a member twice',
      async () => [alice, local('custodian', 'alice')],
      { code: 'Malformed', field: 'members', message: expect.stringContaining('a member appears twice') },
    ],
    [
      'one key under two names',
      async () => [await carried('policy-owner', 'bob'), await carried('custodian', 'bob', 'bobby')],
      { code: 'Malformed', field: 'members.bobby.keys.ed25519' },
    ],
  ];

  it.each(rows)('%s is refused', async (_, members, refusal) => {
    const { asked, init } = await homeWithAlice();
    await expect(init(await members())).rejects.toMatchObject(refusal);
    expect(asked).toEqual([]);
  });

  it('an auditor that is a member, or is not there, is refused', async () => {
    const { asked, init } = await homeWithAlice();
    const members = [alice, await carried('custodian', 'bob')];
    await expect(init(members, local(null, 'alice'))).rejects.toMatchObject({ code: 'Malformed', field: 'auditor.id' });
    await expect(init(members, local(null, 'ann'))).rejects.toMatchObject({ code: 'NotFound', field: '--auditor' });
    expect(asked).toEqual([]);
  });

  it('a signer elsewhere without --out is refused', async () => {
    const { asked, init } = await homeWithAlice();
    const members = [alice, await carried('custodian', 'bob')];
    await expect(init(members, null, false)).rejects.toMatchObject({ code: 'Usage', field: '--out' });
    expect(asked).toEqual([]);
    expect((await init(members)).result).toMatchObject({ status: 'draft', missing: ['bob'] });
    expect(asked).toEqual([{ store: 'custody' }, { store: 'signer', id: 'alice' }]);
  });
});
