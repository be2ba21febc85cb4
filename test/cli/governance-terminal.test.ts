// `governance approve` at a terminal: what is shown before the question, and that nothing is left behind when it is not
// answered, answered wrongly or interrupted. And the question about a clock far beyond the newest entry.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ProposeResult } from '../../src/operations/governance/propose.ts';
import { BINARY, temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';
import { GovernedStore } from '../support/governed-store.ts';
import { onTerminal, type Session } from '../support/terminal.ts';

const home = temporaryHome();
const of = (id: string): string[] => ['--passphrase-file', home.passphrase(id)];
let proposal: ProposeResult['proposal'];

beforeAll(async () => {
  await makeSigners(home, 'alice', 'bob');
  await makeStore(home);
  const named = ['alice', 'bob', 'store'].flatMap((id) => ['--passphrase-file', `${id}=${home.passphrase(id)}`]);
  await home.json([
    'governance',
    'init',
    '--members',
    'policy-owner=alice,security-officer=bob',
    '--threshold',
    '2',
    ...named,
  ]);
  const argv = [
    'governance',
    'propose',
    '--scope',
    'global',
    '--change',
    'caps.max_ttl_s=600',
    '--rationale',
    'at a terminal',
    '--signer',
    'alice',
  ];
  proposal = (await home.json<ProposeResult>([...argv, ...of('alice')])).data!.proposal;
});

const approve = (...more: string[]): Session =>
  onTerminal(BINARY, ['governance', 'approve', proposal.id, '--signer', 'bob', ...more], {
    RONCTL_HOME: home.path,
    HOME: home.directory,
  });

/** Files that a released statement would change. */
const traces = (): string =>
  JSON.stringify([
    readdirSync(join(home.path, 'inbox')),
    readdirSync(join(home.path, 'signers/bob/records')),
    existsSync(join(home.path, 'inbox/refused')),
  ]);

describe('ronctl governance approve at a terminal', () => {
  it('shows change, words and who is missing before it asks for the end of the id', async () => {
    const session = approve();
    await session.until('last 8 characters');
    const shown = session.shown();
    for (const text of [
      'caps.max_ttl_s',
      '900',
      '600',
      'at a terminal',
      'members 0/2, roles 0/2',
      'security-officer bob: waiting',
      proposal.id,
      proposal.digest,
    ]) {
      expect(shown).toContain(text);
    }
    for (const word of proposal.words) expect(shown).toContain(word);
    session.type('\u0003');
    expect(await session.ended).toBe(130);
  });

  it('Ctrl-C at the question, at the passphrase, and a wrong answer leave nothing behind', async () => {
    const before = traces();
    const memory = readFileSync(join(home.path, 'signers/bob/manifest.ronk'));
    const asked = approve();
    await asked.until('last 8 characters');
    asked.type('\u0003');
    expect(await asked.ended).toBe(130);
    const wrong = approve();
    await wrong.until('last 8 characters');
    wrong.type('abcdefgh\r');
    expect(await wrong.ended).toBe(3);
    const refusal = wrong.shown().replaceAll(/\s+/g, ' ');
    expect(refusal).toContain('InvalidValue');
    expect(refusal).toContain(`what was typed is not the end of ${proposal.id}; nothing was done`);
    expect(refusal).toContain('run it again and type its last 8 characters');
    expect(refusal.slice(refusal.indexOf('InvalidValue'))).not.toContain('abcdefgh');
    const secret = approve();
    await secret.until('last 8 characters');
    secret.type(`${proposal.id.slice(-8)}\r`);
    await secret.until('assphrase');
    secret.type('half\u0003');
    expect(await secret.ended).toBe(130);
    expect(traces()).toBe(before);
    expect(readFileSync(join(home.path, 'signers/bob/manifest.ronk')).equals(memory)).toBe(true);
  });

  it.each([
    ['SIGTERM', 'Terminated', 143],
    ['SIGHUP', 'Terminated', 143],
    ['SIGINT', 'Interrupted', 130],
  ])(
    '%s at the question ends with one error, in JSON or in words, and leaves nothing behind',
    async (signal, code, exit) => {
      const before = traces();
      const session = approve('--json');
      await session.until('last 8 characters');
      session.kill(signal);
      expect(await session.ended).toBe(exit);
      expect(session.shown().match(/\{"ok":false.*\}/g)).toEqual([expect.stringContaining(`"code":"${code}"`)]);
      const inWords = approve();
      await inWords.until('last 8 characters');
      inWords.kill(signal);
      expect(await inWords.ended).toBe(exit);
      expect(inWords.shown()).toContain(code);
      expect(traces()).toBe(before);
    },
  );

  it('the right end of the id and the passphrase sign', async () => {
    const waiting = readdirSync(join(home.path, 'inbox')).length;
    const session = approve();
    await session.until('last 8 characters');
    session.type(`${proposal.id.slice(-8)}\r`);
    await session.until('assphrase');
    session.type(readFileSync(home.passphrase('bob')).toString().replace('\n', '\r'));
    expect(await session.ended).toBe(0);
    expect(session.shown()).toContain('counts once ingested, at the latest');
    expect(readdirSync(join(home.path, 'inbox'))).toHaveLength(waiting + 1);
  });
});

describe('a clock over 7 days beyond the newest entry', () => {
  it('is asked about at the terminal: no is 2 and writes nothing, yes goes on', async () => {
    const old = await GovernedStore.create({ startMs: Date.parse('2020-01-01T00:00:00.000Z') });
    onTestFinished(() => old.remove());
    const log = (): string => {
      const [epoch] = readdirSync(join(old.home, 'audit')).filter((name) => name.startsWith('e0'));
      return readFileSync(join(old.home, 'audit', epoch!, 'segments/000000.jsonl'), 'utf8');
    };
    const ingest = (): Session =>
      onTerminal(BINARY, ['governance', 'ingest', '--passphrase-file', home.write('old.pass', 'pass of store\n')], {
        RONCTL_HOME: old.home,
        HOME: home.directory,
      });
    const before = log();
    const refused = ingest();
    await refused.until('[y/N]');
    expect(refused.shown().replaceAll(/\s+/g, ' ')).toContain('over 7 days after the newest entry (2020-01-01T');
    refused.type('\r');
    expect(await refused.ended).toBe(2);
    expect(refused.shown()).toContain('--confirm-time');
    expect(log()).toBe(before);
    const confirmed = ingest();
    await confirmed.until('[y/N]');
    confirmed.type('y\r');
    expect(await confirmed.ended).toBe(0);
    expect(log()).toContain('time.confirm');
    expect((await home.run(['audit', 'verify'], { env: { RONCTL_HOME: old.home } })).exit).toBe(0);
  });
});
