// Commands against a real `kms serve`: the governance story and a rotation from a second terminal, from another home that only
// pins the genesis, and while the server is busy; what a home says while a server holds it, and after the server has gone.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { envelopesOf, type RunOptions, type TestHome, temporaryHome } from '../support/binary.ts';
import { carryOut, governHome } from '../support/governed-home.ts';
import { type Server, startServer } from '../support/server.ts';

const home = temporaryHome();
const far = temporaryHome();
const empty = temporaryHome();

interface Proposed {
  readonly ingested: boolean;
  readonly submitted_to?: string;
  readonly proposal: { readonly id: string; readonly digest: string };
}

/** Envelope of a command that must have run online, by the server of this home unless `argv` names another. */
async function online<T>(of: TestHome, argv: readonly string[], exit = 0, options: RunOptions = {}): Promise<T> {
  const run = argv.includes('--kms') ? argv : [...argv, '--kms', 'local'];
  const { mode, data } = await of.json<T>(run, exit, { serverElsewhere: true, ...options });
  expect(mode, argv.join(' ')).toBe('online');
  return data!;
}

/** A capability of the store, minted in its home and registered by the socket. */
async function mint(name: string, tenant: string, scopes: readonly string[]): Promise<string> {
  const asked = scopes.flatMap((scope) => ['--scope', scope]);
  const out = home.file(name);
  await home.json([
    'cap',
    'mint',
    '--tenant',
    tenant,
    ...asked,
    '--out',
    out,
    '--force',
    '--passphrase-file',
    home.passphrase('store'),
  ]);
  return out;
}

const as = (of: TestHome, id: string): string[] => ['--signer', id, '--passphrase-file', of.passphrase(id)];
const KEY_SCOPES = ['read', 'rotate', 'sign', 'verify', 'wrap', 'unwrap'];

/** The minting limit is per tenant. */
async function createKey(alg = 'ed25519', tenant = 'acme'): Promise<{ kid: string; token: string[] }> {
  const token = ['--token-file', await mint(`${tenant}.cap`, tenant, KEY_SCOPES)];
  const create = ['kms', 'create', '--tenant', tenant, '--purpose', 'release', '--alg', alg, '--new-tenant'];
  const made = await online<{ kid: string }>(home, [...create, ...token]);
  return { kid: made.kid.replace(/#v\d+$/, ''), token };
}

beforeAll(async () => {
  await governHome(home);
});

describe('two terminals', () => {
  test('the whole story and a rotation', async () => {
    await startServer(home);
    const { kid, token } = await createKey();

    const change = ['--scope', 'tenant:ACME', '--change', 'pq_mode=and', '--rationale', 'cutover', '--expires', '24h'];
    const proposed = await online<Proposed>(home, ['governance', 'propose', ...change, ...as(home, 'alice')]);
    expect(proposed).toMatchObject({ ingested: true, submitted_to: 'local', proposal: { status: 'open' } });
    const { id, digest } = proposed.proposal;
    const vote = (who: string): string[] => ['governance', 'approve', id, '--expect-digest', digest, ...as(home, who)];

    expect(await online<Proposed>(home, vote('alice'))).toMatchObject({
      ingested: true,
      submitted_to: 'local',
      // The request does not say; what the server publishes has a key of it.
      proposal: { new_tenant: false },
    });
    await online(home, ['governance', 'execute', id], 12);
    await online(home, vote('bob'));
    expect(readdirSync(join(home.path, 'inbox')).filter((name) => name.endsWith('.json'))).toEqual([]);
    expect(await online(home, ['governance', 'execute', id])).toMatchObject({ replayed: false, refused: [] });
    expect(await online(home, ['governance', 'execute', id])).toMatchObject({ replayed: true });
    expect(await online(home, ['policy', 'inspect', '--tenant', 'acme'])).toMatchObject({
      trust: 'authenticated',
      pq: { mode: 'and' },
    });

    expect(await online(home, ['kms', 'rotate', kid, ...token])).toMatchObject({ previous: 1 });
    home.write('payload', 'release 1\n');
    await online(home, ['kms', 'sign', kid, '--file', 'payload', '--out', 'bundle', '--force', ...token]);
    const verified = ['kms', 'verify', '--file', 'payload', '--sig', 'bundle', ...token];
    expect(await online(home, verified)).toMatchObject({ accepted: true, required_mode: 'and' });
    const bundle = JSON.parse(home.read('bundle').toString()) as { sigs: object[] };
    home.write('stripped', `${JSON.stringify({ ...bundle, sigs: bundle.sigs.slice(0, 1) })}\n`);
    await online(home, ['kms', 'verify', '--file', 'payload', '--sig', 'stripped', ...token], 10);

    const status = await online<{ server: { ready: boolean; service: { governed: boolean } } }>(home, [
      'kms',
      'status',
    ]);
    expect(status.server).toMatchObject({ ready: true, service: { governed: true } });
    expect(await online(home, ['governance', 'verify'])).toMatchObject({ verdict: 'consistent' });
    expect(await online(home, ['audit', 'verify'])).toMatchObject({ verdict: 'consistent', remembered: true });
  });

  test('a data key is wrapped and comes back', async () => {
    await startServer(home);
    const { kid, token } = await createKey('hybrid-kem');
    home.write('data-key', '0123456789abcdef0123456789abcdef');
    await online(home, ['kms', 'wrap', kid, '--file', 'data-key', '--out', 'envelope', '--force', ...token]);
    await online(home, ['kms', 'unwrap', kid, '--file', 'envelope', '--out', 'opened', '--force', ...token]);
    expect(home.read('opened')).toEqual(home.read('data-key'));
  });

  test('where a key lives is asked and recorded', async () => {
    await startServer(home);
    const { kid, token } = await createKey();
    const there = await online<{ audit: object }>(home, ['kms', 'attest', kid, ...token]);
    expect(there).toMatchObject({ kid: `${kid}#v1`, attestation: { class: 'software' }, dry_run: false });
    expect(there.audit).not.toBeNull();
  });

  test('a request named twice is done once; another under its name is a conflict', async () => {
    await startServer(home);
    const { kid, token } = await createKey();
    const opId = '01900000-0000-7000-8000-00000000000a';
    const first = await online(home, ['kms', 'rotate', kid, '--op-id', opId, ...token]);
    const second = await online<object>(home, ['kms', 'rotate', kid, '--op-id', opId, ...token]);
    expect(second).toEqual({ ...(first as object), replayed: true });
    await online(home, ['kms', 'rotate', `${kid}#v2`, '--op-id', opId, ...token], 15);
  });

  test('tail shows what happens, and ends when it is told to', async () => {
    await startServer(home);
    await createKey();
    const run = await home.run([
      'tail',
      '--since',
      '10m',
      '--count',
      '1',
      '--topic',
      'kms.key',
      '--kms',
      'local',
      '--json',
    ]);
    expect(run.exit, run.stderr).toBe(0);
    expect(envelopesOf<{ topic: string }>(run).map(({ mode, data }) => [mode, data!.topic])).toEqual([
      ['online', 'kms.key.created'],
    ]);
    const none = await home.run(['tail', '--topic', 'nothing', '--duration', '300ms', '--kms', 'local', '--json']);
    expect([none.exit, none.stdout]).toEqual([0, '']);
  });
});

describe('a rotation of the own keys of the service', () => {
  test.each(['service-key-rotate', 'log-key-rotate', 'root-rotate'])(
    '%s: proposed in the home, voted and executed through the server',
    async (action) => {
      const propose = ['governance', 'propose', '--action', action, '--rationale', 'a test', ...as(home, 'alice')];
      const makesKeys = action !== 'root-rotate';
      if (makesKeys) {
        const server = await startServer(home);
        const { error } = await home.json([...propose, '--kms', 'local'], 3);
        expect(error).toMatchObject({
          field: '--kms',
          hint: 'Stop the server, propose in its home with --kms none, start it again.',
        });
        expect(await server.stop()).toBe(0);
      }
      const store = makesKeys ? ['--passphrase-file', `store=${home.passphrase('store')}`] : [];
      const made = (await home.json<Proposed>([...propose, ...store])).data!;
      const server = await startServer(home);
      const { id, digest } = made.proposal;
      for (const who of ['alice', 'bob']) {
        await online(home, ['governance', 'approve', id, '--expect-digest', digest, ...as(home, who)]);
      }
      expect(await online(home, ['governance', 'execute', id])).toMatchObject({ replayed: false });
      expect(await online(home, ['audit', 'verify'])).toMatchObject({ verdict: 'consistent' });
      expect(await server.stop()).toBe(0);
      expect((await home.json<{ verdict: string }>(['audit', 'verify'])).data?.verdict).toBe('consistent');
      const again = await startServer(home);
      await createKey('ed25519', action);
      expect(await again.stop()).toBe(0);
    },
  );
});

describe('another home', () => {
  test('reads, judges and remembers, by socket and token', async () => {
    const server = await startServer(home);
    const list = (await home.json<{ ledger_id: string }>(['governance', 'list'])).data!;
    const trust = join(home.path, 'trust', list.ledger_id);
    const pin = JSON.parse(readFileSync(join(trust, 'pin.json'), 'utf8')) as { genesis_digest: string };
    far.write('genesis.json', readFileSync(join(trust, 'genesis.json')));
    await far.json(['governance', 'trust', far.file('genesis.json'), '--expect-digest', pin.genesis_digest]);
    const cap = await mint('far.cap', '_instance', ['audit', 'govern', 'read']);
    const there = ['--kms', `unix:${server.ready.socket}`, '--token-file', cap];

    expect(await online(far, ['kms', 'list', ...there])).toMatchObject({ trust: 'authenticated' });
    expect(await online(far, ['audit', 'verify', ...there])).toMatchObject({
      verdict: 'consistent',
      trust: 'pinned',
      remembered: true,
    });
    expect(await online(far, ['governance', 'log', '--since', '1h', ...there])).toMatchObject({
      trust: 'authenticated',
    });
    // After a rotation of the log's keys the new ones are learned from the chain, and only from it.
    expect(await server.stop()).toBe(0);
    const store = ['--passphrase-file', `store=${home.passphrase('store')}`];
    await carryOut(home, ['governance', 'propose', '--action', 'log-key-rotate', ...store]);
    const again = await startServer(home);
    const later = ['--kms', `unix:${again.ready.socket}`, '--token-file', again.ready.operator_cap!];
    expect(await online(far, ['kms', 'list', ...later])).toMatchObject({ trust: 'authenticated' });
    expect(await online(far, ['audit', 'verify', ...later])).toMatchObject({ verdict: 'consistent', trust: 'pinned' });

    // Without the scope for files nothing is read, and that is no tampering.
    const small = await mint('small.cap', 'acme', ['sign']);
    await online(far, ['kms', 'list', '--kms', `unix:${again.ready.socket}`, '--token-file', small], 21);
  });
});

describe('a server without a disk', () => {
  test('is found, used and read, and nothing of it is authenticated', async () => {
    // Memory only: its runtime file and its capability are on a tmpfs, or there are none.
    if (!existsSync('/dev/shm')) return;
    const XDG_RUNTIME_DIR = mkdtempSync('/dev/shm/ronctl-test-');
    onTestFinished(() => rmSync(XDG_RUNTIME_DIR, { recursive: true, force: true }));
    const env = { XDG_RUNTIME_DIR };
    await startServer(empty, ['--amnesia', '--profile', 'dev', '--json'], { bare: true, env });
    const ask = async <T>(argv: readonly string[], exit = 0): Promise<T | undefined> =>
      (await empty.json<T>([...argv, '--kms', 'local'], exit, { env })).data;
    const cap = ['--tenant', 'acme', '--new-tenant', '--scope', 'rotate', '--scope', 'read'];
    await ask(['cap', 'mint', ...cap, '--out', 'acme.cap']);
    const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
    await ask([...create, '--token-file', 'acme.cap']);
    expect(await ask(['kms', 'list'])).toMatchObject({ trust: 'not-authenticated', keys: [{ tenant: 'acme' }] });
    expect(await ask(['policy', 'inspect'])).toMatchObject({ profile: 'dev', governed: false });
    await ask(['kms', 'list', '--strict'], 11);
    await ask(['audit', 'verify'], 11);
    expect(empty.exists()).toBe(false);
  });
});

describe('a busy server', () => {
  test('readers never take a writer at work for tampering', async () => {
    await startServer(home);
    const { kid, token } = await createKey();
    const sign = ['kms', 'sign', kid, '--b3', 'a'.repeat(64), '--out', 'b', '--force', ...token];
    const state = { writing: true };
    const ask = <T>(argv: readonly string[]): Promise<T> => online(home, argv, 0, { ownProcess: true });
    const writer = (async () => {
      for (let n = 0; n < 12; n++) await ask(n % 3 === 0 ? ['kms', 'rotate', kid, ...token] : sign);
      state.writing = false;
    })();
    for (let reads = 0; state.writing || reads < 4; reads++) {
      expect(await ask(['audit', 'verify'])).toMatchObject({ verdict: 'consistent' });
      expect(await ask(['kms', 'list'])).toMatchObject({ trust: 'authenticated' });
      expect(await ask(['governance', 'list'])).toMatchObject({ trust: 'authenticated' });
    }
    await writer;
  });
});

describe('the home of a server', () => {
  test('an unsealing command says who holds it and how to ask; afterwards the server is gone', async () => {
    const server: Server = await startServer(home);
    const { kid } = await createKey('ed25519', 'held');
    const held = await home.json(
      ['kms', 'rotate', kid, '--lock-timeout', '100ms', '--passphrase-file', home.passphrase('store')],
      22,
    );
    expect(held.error).toMatchObject({ code: 'Locked', hint: expect.stringContaining('--kms local') as string });
    expect(held.error!.message).toContain(String(server.ready.pid));
    const offline = await home.run(['kms', 'status']);
    expect(offline.stdout).toContain('ask it with --kms local');

    expect(await server.stop()).toBe(0);
    const gone = await home.json(['kms', 'list', '--kms', 'local'], 20);
    expect(gone.error).toMatchObject({ code: 'Unreachable', hint: 'Start it: ronctl kms serve' });
    const there = await home.json(['kms', 'list', '--kms', `unix:${server.ready.socket}`], 20);
    expect(there.error!.message).toContain('there is no socket');
  });

  test('a killed server leaves a file that is not believed', async () => {
    const server = await startServer(home);
    server.signal('SIGKILL');
    await server.exit();
    const { error } = await home.json(['kms', 'list', '--kms', 'local'], 20);
    expect(error!.message).toContain('has ended');
    // What the server held is free again, and whole.
    await home.json(['audit', 'checkpoint', '--passphrase-file', home.passphrase('store')]);
    await home.json(['audit', 'verify']);
  });
});
