// Transcripts of governance on three machines: a genesis that travels as a file, an approver whose home has only pin and
// signer, requests and statements carried between them. The profile is macronode: evidence is demanded.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ExecuteResult } from '../../src/operations/governance/execute.ts';
import type { ImportResult } from '../../src/operations/governance/export.ts';
import type { GenesisResult } from '../../src/operations/governance/genesis-result.ts';
import type { ProposeResult } from '../../src/operations/governance/propose.ts';
import type { TrustResult } from '../../src/operations/governance/trust.ts';
import type { VerifyResult } from '../../src/operations/governance/verify.ts';
import type { VoteResult } from '../../src/operations/governance/vote.ts';
import { type TestHome, temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';

const custody = temporaryHome();
const bob = temporaryHome();
const carol = temporaryHome();
const store = ['--passphrase-file', custody.passphrase('store')];
const pass = (home: TestHome, id: string): string[] => ['--passphrase-file', home.passphrase(id)];

let genesis: GenesisResult;
/** The complete genesis file, as a person carries it. */
let genesisFile = '';

beforeAll(async () => {
  await makeStore(custody, 'macronode');
  await makeSigners(custody, 'alice');
  for (const [home, id] of [
    [bob, 'bob'],
    [carol, 'carol'],
  ] as const) {
    await makeSigners(home, id);
    await home.json(['signer', 'export', id, '--out', home.file(`${id}.signer.json`)]);
  }
  const members = `alice,${bob.file('bob.signer.json')},${carol.file('carol.signer.json')}`;
  const draft = ['governance', 'init', '--members', members, '--threshold', '2'];
  const passphrases = [`alice=${custody.passphrase('alice')}`, `store=${custody.passphrase('store')}`].flatMap(
    (one) => ['--passphrase-file', one],
  );
  const alone = await custody.json([...draft, ...passphrases], 2);
  expect(alone.error).toMatchObject({ code: 'Usage', field: '--out', hint: expect.stringContaining('--sign') });
  const file = custody.file('genesis.json');
  genesis = (await custody.json<GenesisResult>([...draft, '--out', file, ...passphrases])).data!;
  expect(genesis).toMatchObject({ status: 'draft', missing: ['bob', 'carol'] });
  const signed: string[] = [];
  for (const [home, id] of [
    [bob, 'bob'],
    [carol, 'carol'],
  ] as const) {
    const sign = ['governance', 'init', '--sign', file, '--signer', id];
    const silent = await home.json([...sign, '--out', home.file('g.json'), ...pass(home, id)], 2);
    expect(silent.error).toMatchObject({ code: 'MissingAnswer', field: '--expect-digest' });
    expect(existsSync(home.file('g.json'))).toBe(false);
    const { data } = await home.json<GenesisResult>([
      ...sign,
      '--expect-digest',
      genesis.genesis_digest,
      '--out',
      home.file('g.json'),
      ...pass(home, id),
    ]);
    expect(data).toMatchObject({ ledger_id: genesis.ledger_id, words: genesis.words });
    signed.push(home.file('g.json'));
  }
  const early = await custody.json(['governance', 'init', '--adopt', signed[0]!, ...store], 11);
  expect(early.error?.message).toContain('not signed by carol');
  genesisFile = custody.file('complete.json');
  const adopted = await custody.json<GenesisResult>([
    'governance',
    'init',
    '--adopt',
    file,
    ...signed,
    '--out',
    genesisFile,
    ...store,
  ]);
  expect(adopted.data).toMatchObject({ status: 'adopted', missing: [], genesis_digest: genesis.genesis_digest });
});

const names = (home: TestHome, directory: string): string[] =>
  existsSync(join(home.path, directory))
    ? readdirSync(join(home.path, directory)).filter((name) => name.endsWith('.json'))
    : [];

async function request(title: string): Promise<{ proposal: ProposeResult; file: string }> {
  const argv = [
    'governance',
    'propose',
    '--scope',
    'global',
    '--change',
    title,
    '--rationale',
    'carried by hand',
    '--signer',
    'alice',
  ];
  const proposal = (await custody.json<ProposeResult>([...argv, ...pass(custody, 'alice')])).data!;
  await custody.json(['governance', 'ingest', ...store]);
  const file = custody.file(`${title}.request.json`);
  await custody.json(['governance', 'export', proposal.proposal.id, '--out', file]);
  return { proposal, file };
}

describe('a home that pins', () => {
  it('knows nothing before: a request is 11; after trust it is verified from the digest alone', async () => {
    const { proposal, file } = await request('caps.max_ttl_s=600');
    const vote = ['governance', 'approve', file, '--signer', 'bob', '--expect-digest', proposal.proposal.digest];
    const unknown = await bob.json([...vote, ...pass(bob, 'bob')], 11);
    expect(unknown.error).toMatchObject({ code: 'NoTrustedKey', hint: expect.stringContaining('governance trust') });
    const wrong = await bob.json(
      ['governance', 'trust', genesisFile, '--expect-digest', `sha256:${'1'.repeat(64)}`],
      10,
    );
    expect(wrong.error?.code).toBe('VerificationFailed');
    const trust = ['governance', 'trust', genesisFile, '--expect-digest', genesis.genesis_digest];
    expect((await bob.json<TrustResult>(trust)).data).toMatchObject({ pin: 'pinned', ledger_id: genesis.ledger_id });
    expect((await bob.json<TrustResult>(trust)).data).toMatchObject({ pin: 'known' });
    await carol.json(['governance', 'trust', genesisFile, '--expect-digest', genesis.genesis_digest]);
    expect(readdirSync(bob.path).sort()).toEqual(['home.json', 'signers', 'trust']);

    const out = bob.file('bob.statement.json');
    const { data } = await bob.json<VoteResult & { proposal: { changes: unknown; new_tenant: boolean | null } }>([
      ...vote,
      '--out',
      out,
      ...pass(bob, 'bob'),
    ]);
    expect(data).toMatchObject({ signer: 'bob', role: 'security-officer', ingested: false });
    expect(data?.proposal.changes).toEqual([{ key: 'caps.max_ttl_s', from: 900, to: 600 }]);
    const carried = carol.file('carol.statement.json');
    await carol.json([
      'governance',
      'approve',
      file,
      '--expect-digest',
      proposal.proposal.digest,
      '--out',
      carried,
      ...pass(carol, 'carol'),
    ]);

    const imported = await custody.json<ImportResult>(['governance', 'import', carried, out, out]);
    expect(imported.data?.imported.map((one) => [one.purpose, one.by]).sort()).toEqual([
      ['approve', 'bob'],
      ['approve', 'carol'],
    ]);
    const done = await custody.json<ExecuteResult>(['governance', 'execute', proposal.proposal.id, ...store]);
    expect(done.data).toMatchObject({ replayed: false, ingested: 2 });
  });

  it('a request that was changed on the way is refused, naming what does not hold', async () => {
    const { proposal, file } = await request('caps.max_ttl_s=500');
    const text = readFileSync(file, 'utf8');
    const attempt = async (changed: string, exit: number) => {
      writeFileSync(bob.file('changed.request.json'), changed);
      return bob.json(
        [
          'governance',
          'approve',
          bob.file('changed.request.json'),
          '--expect-digest',
          proposal.proposal.digest,
          ...pass(bob, 'bob'),
        ],
        exit,
      );
    };
    const view = await attempt(text.replace('"caps.max_ttl_s":600', '"caps.max_ttl_s":900'), 15);
    expect(view.error).toMatchObject({ code: 'Stale', field: 'base_state.hash' });
    const json = JSON.parse(text) as { head: { seq: number; record: string } };
    const head = await attempt(
      text.replace(`"seq":${json.head.seq},"tlog_proof"`, `"seq":${json.head.seq + 1},"tlog_proof"`),
      15,
    );
    expect(head.error).toMatchObject({ code: 'Stale', field: 'head' });
    const record = await attempt(text.replace(/(\\"seq\\":)(\d)/, '$19'), 10);
    expect(record.error?.code).toBe('VerificationFailed');
    const proof = await attempt(text.replace(/index \d+/, 'index 1'), 10);
    expect(proof.error?.field).toMatch(/^head/);
    const spaced = await attempt(text.replace('{', '{ '), 3);
    expect(spaced.error?.code).toBe('Malformed');
    expect((await bob.json<VerifyResult>(['governance', 'verify', file], 11)).data?.predicates[0]).toMatchObject({
      result: 'holds',
    });
    const verified = await bob.json<VerifyResult>(['governance', 'verify', bob.file('changed.request.json')], 3);
    expect(verified.error?.code).toBe('Malformed');
  });

  it('a signer that has seen a newer ledger refuses an older request (15), and its own contradiction', async () => {
    const old = await request('caps.max_ttl_s=450');
    const newer = await request('caps.max_ttl_s=400');
    const vote = (purpose: string, { proposal, file }: typeof old, exit: number) =>
      bob.json(['governance', purpose, file, '--expect-digest', proposal.proposal.digest, ...pass(bob, 'bob')], exit);
    await vote('reject', newer, 0);
    expect((await vote('approve', old, 15)).error).toMatchObject({ code: 'Stale', field: 'head' });
    expect((await vote('approve', newer, 15)).error).toMatchObject({ code: 'ContradictoryVote' });
    await vote('retract', newer, 0);
    await vote('approve', newer, 0);
  });

  it('another genesis under the same names is another ledger; keys do not serve two (15)', async () => {
    const other = temporaryHome();
    await makeStore(other);
    await makeSigners(other, 'mallory');
    const members = `policy-owner=mallory,security-officer=${bob.file('bob.signer.json')}`;
    const file = other.file('g.json');
    const passphrases = ['store', 'mallory'].flatMap((id) => ['--passphrase-file', `${id}=${other.passphrase(id)}`]);
    const { data } = await other.json<GenesisResult>([
      'governance',
      'init',
      '--members',
      members,
      '--threshold',
      '2',
      '--out',
      file,
      ...passphrases,
    ]);
    const sign = [
      'governance',
      'init',
      '--sign',
      file,
      '--signer',
      'bob',
      '--expect-digest',
      data!.genesis_digest,
      '--out',
      bob.file('x.json'),
    ];
    const refused = await bob.json([...sign, ...pass(bob, 'bob')], 15);
    expect(refused.error).toMatchObject({ code: 'Conflict', field: 'members' });
    expect(refused.error?.message).toContain(genesis.ledger_id);
  });
});

describe('whether a tenant is new', () => {
  /** What an approver who has only the request is shown of the scope. */
  const scopeAtBob = async (tenant: string): Promise<readonly [unknown, string]> => {
    const argv = ['governance', 'propose', '--scope', `tenant:${tenant}`, '--new-tenant', '--signer', 'alice'];
    const change = ['--change', 'keys.rotate_max_days=30', '--rationale', 'a new tenant', ...pass(custody, 'alice')];
    const { proposal } = (await custody.json<ProposeResult>([...argv, ...change])).data!;
    expect(proposal.new_tenant).toBe(true);
    const file = custody.file(`${tenant}.request.json`);
    await custody.json(['governance', 'ingest', ...store]);
    await custody.json(['governance', 'export', proposal.id, '--out', file]);
    const vote = ['governance', 'approve', file, '--expect-digest', proposal.digest, '--dry-run', ...pass(bob, 'bob')];
    const shown = await bob.run(vote);
    expect(shown.exit, shown.stderr).toBe(0);
    const { data } = await bob.json<{ proposal: { new_tenant: unknown } }>(vote);
    return [data?.proposal.new_tenant, shown.stdout];
  };

  it('a request alone does not say, and the view says so plainly', async () => {
    const [known, text] = await scopeAtBob('newco');
    expect(known).toBe(null);
    expect(text.replaceAll(/\s+/g, ' ')).toContain('tenant:newco (perhaps a NEW TENANT: the request does not say;');
  });
});

describe('evidence in a macronode', () => {
  it('is demanded: without it a draft is written, with it the draft becomes a proposal', async () => {
    const argv = [
      'governance',
      'propose',
      '--scope',
      'tenant:acme',
      '--new-tenant',
      '--change',
      'pq_mode=pq_only',
      '--rationale',
      'cutover',
      '--signer',
      'alice',
    ];
    const waiting = names(custody, 'inbox').length;
    const { data } = await custody.json<ProposeResult & { out: string }>([
      ...argv,
      '--out',
      custody.file('acme.draft.json'),
      ...pass(custody, 'alice'),
    ]);
    expect(data).toMatchObject({
      status: 'draft',
      file: null,
      proposal: { evidence_missing: ['perf-snapshot-15m', 'phase-transition-tests'], risk: { level: 'high' } },
    });
    expect(data?.next).toContain('--from');
    expect(names(custody, 'inbox')).toHaveLength(waiting);
    const unsigned = await custody.json(['governance', 'verify', custody.file('acme.draft.json')], 11);
    expect(unsigned.error?.message).toContain('nobody has signed it');
    custody.write('perf.json', '{}');
    custody.write('tests.txt', 'ok');
    const attach = [
      '--attach',
      `perf-snapshot-15m=${custody.file('perf.json')}`,
      '--attach',
      `phase-transition-tests=${custody.file('tests.txt')}`,
    ];
    const made = await custody.json<ProposeResult>([
      'governance',
      'propose',
      '--from',
      custody.file('acme.draft.json'),
      '--new-tenant',
      ...attach,
      ...pass(custody, 'alice'),
    ]);
    expect(made.data).toMatchObject({ status: 'proposed', recomputed: [], proposal: { evidence_missing: [] } });
    expect(made.data?.proposal.id).not.toBe(data?.proposal.id);
    const kept = readdirSync(join(custody.path, 'ledger/attachments'));
    expect(kept.sort()).toEqual(made.data!.proposal.evidence.map((one) => one.sha256).sort());
  });
});
