// Backend inmem and amnesia (I-29, service page 8): the same service on files in memory. The disk is not touched, and a
// governed life begins with a confirmed ledger or does not sign.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SpoolPart } from '../../src/kms/service/custody-service.ts';
import { openCustodyService } from '../../src/kms/service/custody-service.ts';
import { B3, call } from '../contract/kms-subject.ts';
import { GovernedStore } from '../support/governed-store.ts';
import { untouchableFiles } from '../support/lossy-files.ts';
import { ManualClock, passing } from '../support/manual-clock.ts';
import { NOW, serverConfig, told } from '../support/serving.ts';
import { storeDeps } from '../support/store.ts';

const key = { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true } as const;
const inmem = serverConfig((base) => ({ service: { ...base.service, backend: 'inmem', amnesia: true } }));

async function open(memory: object = {}, more: object = {}, nowMs = NOW) {
  const disk = untouchableFiles();
  const clock = new ManualClock(nowMs);
  const { telemetry } = told();
  const deps = storeDeps('/nowhere', {
    hostChange: { clock, files: disk.files, locks: { acquire: async () => null } },
  });
  const service = await openCustodyService(deps, {
    config: inmem,
    telemetry,
    version: '0.2.0',
    build: 'test',
    provider: 'native',
    events: async function* () {
      /* no ring here */
    },
    memory: { genesis: null, genesisDigest: null, ledger: null, expectHead: null, headProof: null, ...memory },
    ...more,
  });
  return { service, clock, disk };
}

describe('ungoverned', () => {
  it('does everything and touches nothing', async () => {
    const { service, clock, disk } = await open();
    await service.start();
    const { keys, signing, wrapping } = service.kms;
    const { kid } = await keys.create(key, call());
    await keys.rotate({ kid: kid.split('#')[0]! }, call());
    const { bundle } = await signing.sign({ kids: [kid.split('#')[0]!], payload_b3: B3 }, call());
    expect(await signing.verify({ bundle: bundle!, payload_b3: B3 }, call())).toMatchObject({ accepted: true });
    const wrapKey = await keys.create({ ...key, alg: 'hybrid-kem' }, call());
    const { envelope } = await wrapping.wrap({ kid: wrapKey.kid, size: 32 }, call());
    expect((await wrapping.unwrap({ kid: wrapKey.kid, envelope: envelope! }, call())).plaintext).toHaveLength(32);
    await clock.pass(61_000, 1000);
    expect(service.state()).toMatchObject({
      backend: 'inmem',
      amnesia: true,
      governed: false,
      freeBytes: 0,
      totalBytes: 0,
    });
    expect(service.store.newestCheckpoint().size).toBeGreaterThan(5);
    expect(await service.close('test')).toBe(true);
    expect(disk.touched).toEqual([]);
  });
});

describe('governed', () => {
  let world: GovernedStore;
  let genesis: Uint8Array;
  let ledger: Uint8Array;
  let head: string;
  let ledgerId: string | undefined;
  beforeAll(async () => {
    world = await GovernedStore.create();
    await world.carryOut({ scope: 'global', changes: ['pq_mode=and'] });
    const read = (path: string): Uint8Array => new Uint8Array(readFileSync(join(world.home, path)));
    ledger = read('ledger/000000.jsonl');
    const last = Buffer.from(ledger).toString().trimEnd().split('\n').at(-1)!;
    head = (JSON.parse(last) as { hash: string }).hash;
    [ledgerId] = readdirSync(join(world.home, 'trust')).filter((one) => one !== 'logs');
    genesis = read(`trust/${ledgerId}/genesis.json`);
  });
  afterAll(() => world.remove());

  it('only verifies without a ledger', async () => {
    const { service } = await open({ genesis });
    expect(service.state().verifyOnly).toMatch(/no ledger/);
    expect(service.state()).toMatchObject({ governed: true, ledgerSeq: null, ledgerId });
    await expect(service.kms.keys.create(key, call())).rejects.toMatchObject({ code: 'StoreUnavailable' });
    await service.close('test');
  });

  it('refuses a ledger that nobody confirms, an older one, and another genesis', async () => {
    await expect(open({ genesis, ledger })).rejects.toMatchObject({ code: 'NotAuthenticated', field: '--ledger' });
    const older = ledger.slice(0, ledger.lastIndexOf(0x0a, ledger.length - 2) + 1);
    const older2 = older.slice(0, older.lastIndexOf(0x0a, older.length - 2) + 1);
    await expect(open({ genesis, ledger: older2, expectHead: head })).rejects.toMatchObject({
      code: expect.stringMatching(/VerificationFailed|Conflict/) as string,
    });
    await expect(open({ genesis, genesisDigest: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({
      code: 'PinMismatch',
    });
    await expect(open({ genesisDigest: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({
      code: 'MissingAnswer',
      field: '--genesis',
    });
  });

  it('takes proposals and votes, and sends their execution to where the service keys are', async () => {
    const elsewhere = world.copy();
    const proposed = await elsewhere.propose({ changes: ['caps.max_ttl_s=600'] });
    for (const signer of ['alice', 'bob']) await elsewhere.vote('approve', signer, proposed);
    const inbox = join(elsewhere.home, 'inbox');
    const files = readdirSync(inbox)
      .filter((name) => name.endsWith('.json'))
      .map((name) => new Uint8Array(readFileSync(join(inbox, name))));
    elsewhere.remove();
    const parts: SpoolPart[] = [];
    const spool = async (part: SpoolPart): Promise<void> => {
      parts.push(part);
    };
    const { service, clock, disk } = await open(
      { genesis, ledger, expectHead: head },
      { spool },
      elsewhere.clock.nowMs,
    );
    await service.start();
    const { governance } = service.kms;
    const submitted = await passing(clock, governance.submit({ files }, call()));
    expect(submitted.ingest?.ingested).toHaveLength(3);
    expect(await governance.list({}, call())).toContainEqual(
      expect.objectContaining({ id: proposed.id, status: 'approved', approvals: 2 }),
    );
    await expect(governance.execute({ id: proposed.id }, call())).rejects.toMatchObject({
      code: 'Unsupported',
      message: `${proposed.id} may be executed, but not here: this server does not have the service keys`,
    });
    expect(service.state()).toMatchObject({ audit: { integrityFailures: 0, writable: true } });
    await service.close('test');
    expect(parts.flatMap((part) => part.ledger)).toHaveLength(3);
    expect(disk.touched).toEqual([]);
  });

  it('works under the policy of the confirmed ledger, and spools what it adds', async () => {
    const parts: SpoolPart[] = [];
    const spool = async (part: SpoolPart): Promise<void> => {
      parts.push(part);
    };
    const { service, clock, disk } = await open({ genesis, ledger, expectHead: head }, { spool });
    await service.start();
    expect(service.state()).toMatchObject({ governed: true, verifyOnly: null, pqMode: 'and' });
    const { kid } = await service.kms.keys.create(key, call());
    const { bundle } = await service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call());
    expect(bundle!.sigs).toHaveLength(2);
    const tuned = { scope: 'global', key: 'caps.max_active', to: 101 };
    expect(await passing(clock, service.kms.governance.tune(tuned, call()))).toMatchObject({ to: 101 });
    await service.close('test');
    expect(parts.at(-1)!.ledger).toHaveLength(1);
    expect(disk.touched).toEqual([]);
  });
});
