// `governance trust` of a genesis that somebody crafted: every rule of the set is judged before anything is pinned, whoever
// signed it; and the keys of a person stand in one ledger of a home.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalBytes, type JsonObject, parseCanonical } from '../../../src/bytes/canonical-json.ts';
import { type Envelope, envelopeDigest, envelopeFile } from '../../../src/envelope/dsse.ts';
import { computeLedgerId } from '../../../src/governance/names.ts';
import { trust } from '../../../src/operations/governance/trust.ts';
import { genesisOf, logSigner, signer, signGenesis } from '../../support/governance.ts';
import { storeDeps, temporaryHome } from '../../support/store.ts';

const deps = (home: string) => ({ ...storeDeps(home), onProgress: () => undefined, online: null, dryRun: false });

const pin = (home: string, envelope: Envelope) =>
  trust({ bytes: envelopeFile(envelope), what: 'genesis', digest: envelopeDigest(envelope) }, deps(home));

/** A genesis with other members, signed by everybody over what it says, with the id that follows from it. */
async function crafted(change: (payload: Record<string, unknown>) => void): Promise<Envelope> {
  const { envelope } = await genesisOf({ auditor: 'ann' });
  const payload = { ...(parseCanonical(envelope.payload, 'genesis') as JsonObject) } as Record<string, unknown>;
  delete payload['ledger_id'];
  change(payload);
  const whole = { ...payload, ledger_id: computeLedgerId(payload as { profile: string }) };
  const signers = await Promise.all(['alice', 'bob', 'carol', 'ann', 'service'].map((id) => signer(id)));
  const built = { payloadType: envelope.payloadType, payload: canonicalBytes(whole) };
  return signGenesis(built, signers, await logSigner());
}

interface Named {
  id: string;
  role?: string;
  keys: Record<string, string>;
}
const members = (payload: Record<string, unknown>) => payload['members'] as Named[];

const CRAFTED: Readonly<Record<string, readonly [(payload: Record<string, unknown>) => void, string]>> = {
  'threshold 0': [(one) => Object.assign(one, { threshold: 0 }), 'threshold'],
  'threshold -1': [(one) => Object.assign(one, { threshold: -1 }), 'threshold'],
  'threshold 1 outside micronode': [(one) => Object.assign(one, { threshold: 1 }), 'threshold'],
  'threshold 1 of 3 in micronode': [(one) => Object.assign(one, { threshold: 1, profile: 'micronode' }), 'threshold'],
  'threshold 1.5': [(one) => Object.assign(one, { threshold: '1.5' }), 'threshold'],
  'no threshold': [(one) => delete one['threshold'], 'threshold'],
  'threshold above n': [(one) => Object.assign(one, { threshold: 4 }), 'threshold'],
  'no members': [(one) => Object.assign(one, { members: [] }), 'members'],
  'one role': [
    (one) => Object.assign(one, { members: members(one).map((member) => ({ ...member, role: 'custodian' })) }),
    'members',
  ],
  'one person twice under two names': [
    (one) => Object.assign(members(one)[1]!, { keys: members(one)[0]!.keys }),
    'members.bob.keys.ed25519',
  ],
  'one shared component only': [
    (one) => Object.assign(members(one)[1]!.keys, { ml_dsa_65: members(one)[0]!.keys['ml_dsa_65'] }),
    'members.bob.keys.ml_dsa_65',
  ],
  'a member as auditor': [
    (one) => Object.assign(one['auditor'] as Named, { keys: members(one)[0]!.keys }),
    'auditor.keys.ed25519',
  ],
  'the service as auditor': [
    (one) => Object.assign(one['auditor'] as Named, { keys: one['service_keys'] }),
    'service_keys.keys.ed25519',
  ],
  'the log key of a member': [
    (one) => Object.assign(one['log_keys'] as object, { ed25519: members(one)[2]!.keys['ed25519'] }),
    'log_keys.keys.ed25519',
  ],
  'an identity as Ed25519 key': [
    (one) => Object.assign(members(one)[0]!.keys, { ed25519: `AQ${'A'.repeat(41)}` }),
    'members[0].keys.ed25519',
  ],
  'an unknown role': [(one) => Object.assign(members(one)[0]!, { role: 'root' }), 'members[0].role'],
  'a reserved id': [(one) => Object.assign(members(one)[2]!, { id: 'service' }), 'members[2].id'],
};

describe('a crafted genesis is refused by name, whoever signed it:', () => {
  it.each(Object.entries(CRAFTED))('%s', async (_name, [change, field]) => {
    const home = temporaryHome();
    await expect(pin(home, await crafted(change))).rejects.toMatchObject({ code: 'Malformed', field });
    expect(existsSync(join(home, 'trust'))).toBe(false);
  });

  it('another content under an id that is taken', async () => {
    const home = temporaryHome();
    const { envelope, genesis } = await genesisOf();
    await pin(home, envelope);
    const payload = { ...(parseCanonical(envelope.payload, 'genesis') as JsonObject), name: 'other' };
    const built = { payloadType: envelope.payloadType, payload: canonicalBytes(payload) };
    const signers = await Promise.all(['alice', 'bob', 'carol', 'service'].map((id) => signer(id)));
    const other = await signGenesis(built, signers, await logSigner());
    await expect(pin(home, other)).rejects.toMatchObject({
      code: 'Malformed',
      field: 'ledger_id',
      message: expect.not.stringContaining(genesis.ledger_id),
    });
  });
});

describe('the keys of a person', () => {
  it('stand in one ledger of a home, also one component alone, also as the auditor (15)', async () => {
    const home = temporaryHome();
    const first = await genesisOf();
    await pin(home, first.envelope);
    await expect(pin(home, first.envelope)).resolves.toMatchObject({ pin: 'known' });
    const { envelope } = await genesisOf({ profile: 'macronode' });
    await expect(pin(home, envelope)).rejects.toMatchObject({ code: 'Conflict', field: 'members' });
    const strangers = [
      ['dora', 'policy-owner'],
      ['emil', 'custodian'],
    ] as const;
    const audited = await genesisOf({ members: strangers, auditor: 'alice' });
    await expect(pin(home, audited.envelope)).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('the keys of alice already stand'),
    });
    await expect(pin(home, (await genesisOf({ members: strangers })).envelope)).resolves.toMatchObject({
      pin: 'pinned',
    });
  });
});
