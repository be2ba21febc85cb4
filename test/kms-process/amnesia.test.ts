// A server in memory: nothing of it reaches a disk, proven by every file below its directories before and after a full load
// and by its open descriptors; verify-only under a genesis until its ledger is confirmed; addresses in the ready result.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';
import { ALL_OF_A_TENANT, http, mintToken, type Server, startServer, tryServer } from '../support/server.ts';

function newHome(): TestHome {
  const home = new TestHome();
  onTestFinished(() => home.remove());
  return home;
}

/** Every path below a directory with type, mode, size, time and content. */
function contentOf(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile()) return `${path} ${entry.isDirectory() ? 'directory' : 'other'}`;
      const { mode, size, mtimeMs } = statSync(path);
      return `${path} ${mode} ${size} ${mtimeMs} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
    })
    .toSorted();
}

/** Regular files that the process has open for writing. */
function openForWriting(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      const flags = Number.parseInt(
        /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))![1]!,
        8,
      );
      return statSync(`/proc/${pid}/fd/${fd}`).isFile() && (flags & 3) !== 0 ? [target] : [];
    } catch {
      return [];
    }
  });
}

/** sign, verify, wrap, unwrap, rotate, reads, a reload. */
async function fullLoad(server: Server, to: string, token: string): Promise<void> {
  const call = async (path: string, body: object): Promise<Readonly<Record<string, unknown>>> => {
    const answer = await http(to, { path: `/v1/kms/${path}`, token, body });
    expect([path, answer.status, answer.body]).toEqual([path, 200, answer.body]);
    return JSON.parse(answer.body) as Readonly<Record<string, unknown>>;
  };
  const make = async (alg: string): Promise<string> =>
    String((await call('keys', { tenant: 'acme', purpose: 'release', alg, new_tenant: true }))['kid']).replace(
      /#v\d+$/,
      '',
    );
  const [signing, wrapping] = [await make('ed25519'), await make('hybrid-kem')];
  const payload_b3 = '0'.repeat(64);
  for (let n = 0; n < 50; n++) {
    const { sigs, kid } = await call('sign', { kid_or_set: { kid: signing }, payload_b3 });
    expect(await call('verify', { payload_b3, sigs, kid_or_set: { kid } })).toMatchObject({ ok: true });
    const { wrapped_b64 } = await call('wrap', { kid: wrapping, size: 32 });
    await call('unwrap', { kid: wrapping, wrapped_b64 });
  }
  await call(`keys/${encodeURIComponent(signing)}/rotate`, {});
  expect(openForWriting(server.child.pid!)).toEqual([]);
  server.signal('SIGHUP');
  expect((await http(to, { path: '/readyz' })).status).toBe(200);
}

/** A directory on tmpfs for $XDG_RUNTIME_DIR; null where there is none. */
function runtimeDirectory(): string | null {
  const TMPFS = 0x01021994;
  if (!existsSync('/dev/shm') || statfsSync('/dev/shm').type !== TMPFS) return null;
  const at = new TestHome('/nowhere', '/dev/shm');
  onTestFinished(() => at.remove());
  return at.directory;
}

describe('amnesia', () => {
  const AMNESIA = ['--amnesia', '--profile', 'micronode', '--json'];

  it('writes nothing, and says where it is in its ready result', async () => {
    const home = newHome();
    const names = ['tmp', 'cwd', 'config', 'state', 'cache', 'data'];
    for (const name of names) mkdirSync(home.file(name));
    const env = {
      TMPDIR: home.file('tmp'),
      XDG_CONFIG_HOME: home.file('config'),
      XDG_STATE_HOME: home.file('state'),
      XDG_CACHE_HOME: home.file('cache'),
      XDG_DATA_HOME: home.file('data'),
    };
    const before = contentOf(home.directory);
    const shared = runtimeDirectory();
    const cap = shared === null ? [] : ['--operator-cap', join(shared, 'operator.cap')];
    const server = await startServer(home, [...AMNESIA, ...cap], { bare: true, env, cwd: home.file('cwd') });
    expect(server.ready).toMatchObject({ socket: null, amnesia: true, backend: 'inmem', governed: false });
    expect(server.ready.addr).toMatch(/^127\.0\.0\.1:\d+$/);
    if (shared !== null) {
      const token = await mintToken(server, 'acme', ALL_OF_A_TENANT);
      await fullLoad(server, server.ready.addr!, token);
    }
    expect(await server.stop()).toBe(0);
    expect(contentOf(home.directory)).toEqual(before);
    expect(home.exists()).toBe(false);
    if (shared !== null) expect(contentOf(shared)).toEqual([]);
  });

  it('puts socket, runtime file and operator.cap on a tmpfs, and takes them away', async () => {
    const shared = runtimeDirectory();
    if (shared === null) {
      process.stdout.write('amnesia on tmpfs: skipped, /dev/shm is none\n');
      return;
    }
    const home = newHome();
    const before = contentOf(home.directory);
    const env = { XDG_RUNTIME_DIR: shared };
    const server = await startServer(home, AMNESIA, { bare: true, env });
    expect(server.ready.socket).toMatch(new RegExp(`^${shared}/ronctl/[0-9a-f]{8}\\.sock$`));
    expect(readdirSync(join(shared, 'ronctl')).length).toBe(3);
    await fullLoad(server, server.ready.socket!, await mintToken(server, 'acme', ALL_OF_A_TENANT));
    const status = await home.json<{ readonly backend: string }>(['kms', 'status', '--kms', 'local'], 0, { env });
    expect(JSON.stringify(status.data)).toContain('inmem');
    const second = await tryServer(home, AMNESIA, { bare: true, env });
    expect([second.exit, second.stdout]).toEqual([22, expect.stringContaining(`pid ${server.child.pid}`)]);
    expect(await server.stop()).toBe(0);
    expect(readdirSync(join(shared, 'ronctl'))).toEqual([]);
    expect(contentOf(home.directory)).toEqual(before);
  });

  it('leaves what --spool asks for: a checkpoint of this life', async () => {
    const home = newHome();
    const argv = ['--amnesia', '--profile', 'micronode', '--spool', home.file('spool.jsonl'), '--json'];
    const server = await startServer(home, argv, { bare: true });
    expect(await server.stop()).toBe(0);
    const notes = readFileSync(home.file('spool.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly note_b64: string });
    const note = Buffer.from(notes.at(-1)!.note_b64, 'base64').toString('utf8');
    expect(note).toMatch(/^ronctl\.invalid\/[0-9a-f]{32}\/e0\n\d+\n/);
    expect(statSync(home.file('spool.jsonl')).mode & 0o777).toBe(0o600);
  });

  it('refuses a store on disk, a log on disk, and flags of a memory for a store', async () => {
    const home = newHome();
    const file = await tryServer(home, ['--amnesia', '--backend', 'file', '--json'], { bare: true });
    expect([file.exit, file.stdout]).toEqual([3, expect.stringContaining('service.backend')]);
    // Temporary files may be in memory; these are on a disk.
    const disk = new TestHome(undefined, '/var/tmp');
    onTestFinished(() => disk.remove());
    const log = await tryServer(home, ['--amnesia', '--audit-dir', disk.file('log'), '--json'], { bare: true });
    expect([log.exit, log.stdout]).toEqual([3, expect.stringContaining('audit.dir')]);
    const wrong = await tryServer(home, ['--ledger', 'x', '--json'], { bare: true });
    expect([wrong.exit, wrong.stdout]).toEqual([2, expect.stringContaining('--ledger')]);
    expect(home.exists()).toBe(false);
  });

  it('under a genesis only verifies, until the ledger with the expected head is given', async () => {
    const source = newHome();
    await makeSigners(source, 'alice', 'bob');
    await makeStore(source, 'micronode');
    const opens = ['alice', 'bob', 'store'].flatMap((name) => [
      '--passphrase-file',
      `${name}=${source.passphrase(name)}`,
    ]);
    const members = ['--members', 'policy-owner=alice,security-officer=bob', '--threshold', '2'];
    await source.json(['governance', 'init', ...members, ...opens]);
    const ledger = join(source.path, 'ledger', '000000.jsonl');
    const [ledgerId] = readdirSync(join(source.path, 'trust')).filter((name) => name.startsWith('gl-'));
    const genesis = join(source.path, 'trust', ledgerId!, 'genesis.json');
    const home = newHome();
    const argv = ['--amnesia', '--genesis', genesis, '--json'];
    const alone = await startServer(home, argv, { bare: true });
    expect(alone.ready).toMatchObject({ profile: 'micronode', governed: true, operator_cap: null });
    expect(alone.ready.verify_only).toContain('ledger');
    const ready = await http(alone.ready.addr!, { path: '/readyz' });
    expect([ready.status, JSON.parse(ready.body)]).toMatchObject([
      503,
      { missing: expect.arrayContaining(['policy_loaded']) as unknown },
    ]);
    expect(await alone.stop()).toBe(0);

    const view = JSON.parse(readFileSync(join(source.path, 'store', 'public.json'), 'utf8')) as {
      readonly ledger: { readonly hash: string };
    };
    const head = view.ledger.hash;
    const other = await tryServer(
      home,
      [...argv, '--ledger', ledger, '--expect-ledger-head', `sha256:${'0'.repeat(64)}`],
      {
        bare: true,
      },
    );
    expect([other.server, other.exit]).toEqual([null, 10]);
    const full = await startServer(home, [...argv, '--ledger', ledger, '--expect-ledger-head', head], { bare: true });
    expect(full.ready).toMatchObject({ governed: true, profile: 'micronode', verify_only: null });
    expect((await http(full.ready.addr!, { path: '/readyz' })).status).toBe(200);
    expect(await full.stop()).toBe(0);
    const wrongProfile = await tryServer(home, [...argv, '--profile', 'dev'], { bare: true });
    expect([wrongProfile.exit, wrongProfile.stdout]).toEqual([
      3,
      expect.stringContaining('profile dev is not micronode'),
    ]);
  });
});
