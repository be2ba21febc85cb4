// Older files put back into a governed home, piece by piece, with the real binary: whatever is old,
// readers and writers refuse it with 10, and nothing that was decided since comes back. What only outsiders can know, a whole
// home of yesterday, is found by what a signer has seen (11).

import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ExecuteResult } from '../../src/operations/governance/execute.ts';
import type { IngestResult } from '../../src/operations/governance/ingest.ts';
import type { ProposeResult } from '../../src/operations/governance/propose.ts';
import type { KmsListResult } from '../../src/operations/kms/list.ts';
import { envelopeOf, temporaryHome } from '../support/binary.ts';
import { carryOut, governHome } from '../support/governed-home.ts';

const home = temporaryHome();
const store = (): string[] => ['--passphrase-file', home.passphrase('store')];
const as = (id: string): string[] => ['--signer', id, '--passphrase-file', home.passphrase(id)];
const old = home.file('old');
const now = home.file('now');

let kid = '';
let waiting: ProposeResult;
/** Files of the inbox of then: the statements that carried `caps.max_ttl_s=800`. */
let oldInbox: readonly string[] = [];

const names = (directory: string): string[] => readdirSync(directory).filter((name) => name.endsWith('.json'));

beforeAll(async () => {
  await governHome(home);
  const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
  kid = (await home.json<{ kid: string }>([...create, ...store()])).data!.kid.split('#')[0]!;
  const propose = ['governance', 'propose', '--scope', 'global', '--change', 'caps.max_ttl_s=800'];
  const first = await home.json<ProposeResult>([...propose, '--rationale', 'r', ...as('alice')]);
  const { id, digest } = first.data!.proposal;
  for (const who of ['alice', 'bob']) {
    await home.json(['governance', 'approve', id, '--expect-digest', digest, ...as(who)]);
  }
  cpSync(join(home.path, 'inbox'), home.file('inbox'), { recursive: true });
  oldInbox = names(home.file('inbox'));
  await home.json(['governance', 'execute', id, ...store()]);
  const tenant = ['--scope', 'tenant:beta', '--change', 'caps.max_ttl_s=700', '--rationale', 'later', '--new-tenant'];
  waiting = (await home.json<ProposeResult>(['governance', 'propose', ...tenant, ...as('alice')])).data!;
  await home.json(['governance', 'ingest', ...store()]);
  cpSync(home.path, old, { recursive: true });

  await home.json(['kms', 'rotate', kid, ...store()]);
  await carryOut(home, ['governance', 'propose', '--scope', 'tenant:acme', '--change', 'keys.rotate_max_days=30']);
  await home.json(['audit', 'verify']);
  cpSync(home.path, now, { recursive: true });
});

beforeEach(() => {
  rmSync(home.path, { recursive: true, force: true });
  cpSync(now, home.path, { recursive: true });
});

/** These parts are the old ones. */
function putBack(...parts: readonly string[]): void {
  for (const part of parts) {
    rmSync(join(home.path, part), { recursive: true, force: true });
    if (existsSync(join(old, part))) cpSync(join(old, part), join(home.path, part), { recursive: true });
  }
}

const sign = ['kms', 'sign'];
const writes = (): string[][] => [
  ['governance', 'ingest', ...store()],
  ['governance', 'ingest', '--dry-run', ...store()],
  [...sign, kid, '--file', home.write('payload', 'x'), '--out', home.file('b'), '--force', ...store()],
];

/** Every writer refuses with this code and writes nothing. */
async function writersRefuse(code: string): Promise<void> {
  const before = readFileSync(join(home.path, 'audit/e0/segments/000000.jsonl'));
  for (const argv of writes()) {
    expect((await home.json(argv, 10)).error, argv.join(' ')).toMatchObject({ code });
  }
  expect(readFileSync(join(home.path, 'audit/e0/segments/000000.jsonl'))).toEqual(before);
  expect(existsSync(home.file('b'))).toBe(false);
}

async function readersRefuse(): Promise<void> {
  for (const argv of [
    ['governance', 'verify'],
    ['policy', 'inspect'],
    ['kms', 'list'],
  ]) {
    expect((await home.json(argv, 10)).error, argv.join(' ')).toMatchObject({
      code: argv[1] === 'verify' ? 'VerificationFailed' : 'Tampered',
    });
  }
}

describe('put back into a newer home', () => {
  it('an older store under a newer log is RolledBack', async () => {
    putBack('store');
    await writersRefuse('RolledBack');
    await readersRefuse();
  });

  it('an older log under a newer store is LogTruncated, and audit verify remembers the newer one', async () => {
    putBack('audit');
    await writersRefuse('LogTruncated');
    await readersRefuse();
    const verified = await home.json(['audit', 'verify'], 10);
    expect(verified.error?.message).toMatch(/remember/);
  });

  it('an older log with its store and ledger is found by the remembered checkpoint', async () => {
    putBack('audit', 'store', 'ledger');
    await writersRefuse('RolledBack');
    await readersRefuse();
    const verified = await home.json<{ findings: { code: string }[] }>(['audit', 'verify'], 10);
    expect(verified.data?.findings.map((one) => one.code)).toContain('rolled-back');
  });

  it('an older ledger is shorter than its committed head', async () => {
    putBack('ledger');
    await writersRefuse('Tampered');
    await readersRefuse();
  });

  it('an older public.json is refused by readers; the next writer makes the right one again', async () => {
    putBack('store/public.json');
    await readersRefuse();
    await home.json(['governance', 'ingest', ...store()]);
    expect(readFileSync(join(home.path, 'store/public.json'), 'utf8')).not.toBe(
      readFileSync(join(old, 'store/public.json'), 'utf8'),
    );
    await home.json(['governance', 'list', '--strict']);
    const { data } = await home.json<KmsListResult>(['kms', 'list']);
    expect(data?.keys[0]?.versions).toMatchObject([
      { n: 1, state: 'superseded' },
      { n: 2, state: 'active' },
    ]);
  });

  it('an older key object changes no state: that comes from public.json', async () => {
    for (const name of readdirSync(join(old, 'store/keys'))) {
      if (name.endsWith('.pub.json')) cpSync(join(old, 'store/keys', name), join(home.path, 'store/keys', name));
    }
    const { data } = await home.json<KmsListResult>(['kms', 'list']);
    expect(data?.keys[0]?.versions).toMatchObject([
      { n: 1, state: 'superseded' },
      { n: 2, state: 'active' },
    ]);
  });

  it('an older state.json is not taken: the ledger is replayed', async () => {
    putBack('ledger/state.json');
    const run = await home.run(['policy', 'inspect', '--tenant', 'acme']);
    expect(run.exit).toBe(0);
    expect(run.stdout).toMatch(/rotate_max_days=30\n/);
    const ingest = await home.run(['governance', 'ingest', ...store()]);
    expect([ingest.exit, ingest.stderr]).toEqual([0, expect.stringContaining('replayed')]);
  });

  it('files of an inbox that was ingested count once, however often they come back', async () => {
    for (const name of oldInbox) cpSync(join(home.file('inbox'), name), join(home.path, 'inbox', name));
    const { data } = await home.json<IngestResult>(['governance', 'ingest', ...store()]);
    expect([data?.known.length, data?.ingested, data?.refused]).toEqual([oldInbox.length, [], []]);
    expect(names(join(home.path, 'inbox'))).toEqual([]);
  });

  it('an older pin or genesis of another content is refused', async () => {
    const trust = join(home.path, 'trust');
    const ledger = readdirSync(trust).find((name) => name.startsWith('gl-'))!;
    const pin = join(trust, ledger, 'pin.json');
    const text = readFileSync(pin, 'utf8');
    writeFileSync(pin, text.replace(/sha256:[0-9a-f]{4}/, 'sha256:0000'), { mode: 0o600 });
    await readersRefuse();
    for (const argv of writes()) expect((await home.json(argv, 10)).error?.code).toMatch(/Tampered|PinMismatch/);
    writeFileSync(pin, text, { mode: 0o600 });
    rmSync(join(trust, ledger, 'genesis.json'));
    await readersRefuse();
  });
});

describe('a pin that was removed', () => {
  it('leaves every verdict open (11), and the next writer makes it again from its own ledger', async () => {
    const trust = join(home.path, 'trust');
    for (const name of readdirSync(trust).filter((one) => one.startsWith('gl-'))) {
      rmSync(join(trust, name), { recursive: true });
    }
    expect((await home.json(['audit', 'verify'], 11)).error).toMatchObject({
      code: 'NoTrustedKey',
      field: 'no-trusted-key',
    });
    expect((await home.json(['governance', 'verify'], 11)).data).toMatchObject({ verdict: 'inconclusive' });
    expect((await home.json(['governance', 'list', '--strict'], 11)).error?.code).toBe('NotAuthenticated');
    const list = await home.run(['governance', 'list', '--json']);
    expect(envelopeOf(list).data).toMatchObject({ trust: 'not-authenticated' });
    expect(list.stderr).toBe('policy head: not authenticated\n');
    await home.json(['governance', 'ingest', ...store()]);
    await home.json(['audit', 'verify']);
  });
});

describe('a whole home of yesterday', () => {
  it('executes nothing once a statement shows that its signer has seen more (11)', async () => {
    const { id, digest } = waiting.proposal;
    const carried = home.file('bob.json');
    await home.json(['governance', 'approve', id, '--expect-digest', digest, '--out', carried, ...as('bob')]);
    rmSync(home.path, { recursive: true, force: true });
    cpSync(old, home.path, { recursive: true });
    await home.json(['governance', 'approve', id, '--expect-digest', digest, ...as('alice')]);
    await home.json(['governance', 'import', carried]);
    const run = await home.json<ExecuteResult>(['governance', 'execute', id, ...store()], 11);
    expect(run.error).toMatchObject({ code: 'LedgerBehind', field: 'seen' });
    const { data } = await home.json<{ global: unknown }>(['policy', 'inspect', '--tenant', 'acme']);
    expect(JSON.stringify(data)).not.toContain('700');
  });
});
