import { describe, expect, it } from 'vitest';
import type { SignerResyncResult } from '../../src/operations/signer/resync.ts';
import { type Envelope, temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';

const home = temporaryHome();
const pass = (name: string): readonly string[] => ['--passphrase-file', home.passphrase(name)];
const named = (...names: readonly string[]): readonly string[] =>
  names.flatMap((name) => ['--passphrase-file', `${name}=${home.passphrase(name)}`]);

/** Data and error of a governance command, whose own transcripts check its schema. */
async function governance(argv: readonly string[], exit = 0, options = {}): Promise<Envelope<Proposed>> {
  const run = await home.run(['governance', ...argv, '--json'], options);
  expect(run.exit, run.stdout + run.stderr).toBe(exit);
  return JSON.parse(run.stdout) as Envelope<Proposed>;
}

interface Proposed {
  readonly proposal: { readonly id: string; readonly digest: string };
}

describe('ronctl signer resync', () => {
  it('a restored signer signs nothing before it, and then knows its earlier vote', async () => {
    await makeSigners(home, 'alice', 'bob', 'carol');
    await makeStore(home);
    const members = 'policy-owner=alice,security-officer=bob,custodian=carol';
    const files = named('alice', 'bob', 'carol', 'store');
    await governance(['init', '--members', members, '--threshold', '2', ...files]);
    const change = ['propose', '--scope', 'global', '--change', 'caps.max_ttl_s=600', '--rationale', 'shorter'];
    const proposed = await governance([...change, '--signer', 'alice', ...pass('alice')]);
    const { id, digest } = proposed.data!.proposal;
    const bob = ['--signer', 'bob', '--expect-digest', digest];
    await governance(['approve', id, ...bob, ...pass('bob')]);
    await governance(['ingest', ...pass('store')]);
    await governance(['export', id, '--out', 'change.request.json']);
    const paper = ['--new-passphrase-file', home.passphrase('paper')];
    await home.json(['signer', 'backup', 'bob', '--out', 'bob.backup', ...pass('bob'), ...paper]);

    const elsewhere = { env: { RONCTL_HOME: home.file('elsewhere') } };
    const bobAgain = ['--new-passphrase-file', home.passphrase('bob')];
    await home.json(['signer', 'restore', 'bob.backup', ...pass('paper'), ...bobAgain], 0, elsewhere);
    const unpinned = await home.json(['signer', 'resync', 'change.request.json', ...pass('bob')], 11, elsewhere);
    expect(unpinned.error?.code).toBe('NoTrustedKey');

    const genesis = JSON.parse(home.read('change.request.json').toString()) as { genesis: object };
    home.write('genesis.json', `${JSON.stringify(genesis.genesis)}\n`);
    const shown = await home.json<{ digest: string }>(['inspect', 'genesis.json'], 0, elsewhere);
    const trust = ['trust', 'genesis.json', '--expect-digest', shown.data!.digest];
    await governance(trust, 0, elsewhere);

    const reject = ['reject', 'change.request.json', ...bob, ...pass('bob')];
    const early = await governance(reject, 11, elsewhere);
    expect(early.error).toMatchObject({ code: 'NotResynced', hint: expect.stringContaining('signer resync') });
    const resync = ['signer', 'resync', 'change.request.json', ...pass('bob')];
    await home.json([...resync, '--dry-run'], 0, elsewhere);
    expect((await governance(reject, 11, elsewhere)).error?.code).toBe('NotResynced');
    const done = await home.json<SignerResyncResult>(resync, 0, elsewhere);
    expect(done.data).toMatchObject({ id: 'bob', statements: 1 });
    const contradiction = await governance(reject, 15, elsewhere);
    expect(contradiction.error?.code).toBe('ContradictoryVote');
  });
});
