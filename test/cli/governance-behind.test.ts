// A home that is older than what a signer has seen: ingest, with its own command and with --ingest, takes nothing in, says so
// with its exit code, and names the statement that stops it.

import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ImportResult } from '../../src/operations/governance/export.ts';
import type { InboxResult } from '../../src/operations/governance/inbox.ts';
import type { IngestResult } from '../../src/operations/governance/ingest.ts';
import type { ProposeResult } from '../../src/operations/governance/propose.ts';
import type { VoteResult } from '../../src/operations/governance/vote.ts';
import { type TestHome, temporaryHome } from '../support/binary.ts';
import { asStore, governHome } from '../support/governed-home.ts';

const ahead = temporaryHome();
const behind = temporaryHome();
const as = (home: TestHome, id: string): string[] => [
  '--signer',
  id,
  '--passphrase-file',
  `${id}=${home.passphrase(id)}`,
];
const atOnce = ['--ingest', '--passphrase-file', `store=${behind.passphrase('store')}`];
const change = (value: number): string[] => [
  'governance',
  'propose',
  '--scope',
  'global',
  '--change',
  `caps.max_ttl_s=${value}`,
  '--rationale',
  'a test',
];
const inbox = (): string[] => readdirSync(join(behind.path, 'inbox')).filter((name) => name.endsWith('.json'));
const blocked = {
  code: 'LedgerBehind',
  field: 'seen',
  hint: expect.stringContaining('Import the missing ledger lines'),
};

let first: ProposeResult['proposal'];
let vote: string[];

beforeAll(async () => {
  await governHome(ahead);
  first = (await ahead.json<ProposeResult>([...change(600), ...as(ahead, 'alice')])).data!.proposal;
  await ahead.json(asStore(ahead, ['governance', 'ingest']));
  cpSync(ahead.path, behind.path, { recursive: true });
  await ahead.json([...change(500), ...as(ahead, 'alice')]);
  await ahead.json(asStore(ahead, ['governance', 'ingest']));
  vote = ['governance', 'approve', first.id, '--expect-digest', first.digest];
  await ahead.json([...vote, '--out', behind.file('bob.json'), ...as(ahead, 'bob')]);
  await behind.json(['governance', 'import', 'bob.json']);
});

describe('while a signer has seen more', () => {
  it('governance ingest takes nothing in, is 11, and names statement and signer', async () => {
    const before = inbox();
    for (const dry of [[], ['--dry-run']]) {
      const run = await behind.json<IngestResult>(asStore(behind, ['governance', 'ingest', ...dry]), 11);
      expect(run.error).toMatchObject(blocked);
      expect(run.error?.message).toContain('bob has seen');
      expect(run.data).toMatchObject({ ingested: [], waiting: [], behind: [{ by: 'bob', code: 'LedgerBehind' }] });
    }
    expect(inbox()).toEqual(before);
    const shown = await behind.run(asStore(behind, ['governance', 'ingest']));
    expect(shown.exit).toBe(11);
    expect(shown.stdout).toContain('0 ingested, 0 known, 1 waiting, 0 refused');
    expect(shown.stdout).toContain('nothing is taken in because of');
  });

  it('--ingest of propose, a vote and import is 11 too, and the files wait', async () => {
    const proposed = await behind.json<ProposeResult>([...change(400), ...as(behind, 'alice'), ...atOnce], 11);
    expect(proposed).toMatchObject({ error: blocked, data: { status: 'proposed', ingested: false } });
    const voted = await behind.json<VoteResult>([...vote, ...as(behind, 'carol'), ...atOnce], 11);
    expect(voted).toMatchObject({ error: blocked, data: { signer: 'carol', ingested: false } });
    const imported = await behind.json<ImportResult>(['governance', 'import', 'bob.json', ...atOnce], 11);
    expect(imported).toMatchObject({ error: blocked, data: { ingested: false } });
    expect(inbox()).toHaveLength(3);
  });

  it('governance inbox shows what stops and what waits for it', async () => {
    const { data } = await behind.json<InboxResult>(['governance', 'inbox']);
    expect(data).toMatchObject({ valid: [], behind: [{ by: 'bob', code: 'LedgerBehind' }], invalid: [] });
    expect(data?.waiting.map((one) => one.by).sort()).toEqual(['alice', 'carol']);
    const { stdout } = await behind.run(['governance', 'inbox']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('is stopped by it: LedgerBehind, bob has seen');
  });
});

describe('--ingest of a home that is not behind', () => {
  const atOnceHere = ['--ingest', '--passphrase-file', `store=${ahead.passphrase('store')}`];

  it('says that it was ingested, and is the refusal of a file that was refused', async () => {
    const proposed = await ahead.json<ProposeResult>([...change(450), ...as(ahead, 'bob'), ...atOnceHere]);
    expect(proposed.data).toMatchObject({ status: 'proposed', ingested: true });
    const { id, digest } = proposed.data!.proposal;
    const late = ahead.file('late.json');
    const act = (purpose: string, ...more: string[]) =>
      ahead.json<VoteResult>(['governance', purpose, id, '--expect-digest', digest, ...more]);
    const approved = await act('approve', '--out', late, ...as(ahead, 'carol'));
    rmSync(join(ahead.path, approved.data!.file));
    expect((await act('withdraw', ...as(ahead, 'bob'), ...atOnceHere)).data).toMatchObject({ ingested: true });
    const imported = await ahead.json<ImportResult>(['governance', 'import', late, ...atOnceHere], 13);
    expect(imported).toMatchObject({ error: { code: 'TooLate' }, data: { ingested: false } });
  });
});
