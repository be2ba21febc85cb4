import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT } from '../support/binary.ts';
import { onTerminal, type Session } from '../support/terminal.ts';

const SCRIPT = join(PROJECT, 'test', 'support', 'ask-secret.ts');
const hex = (text: string): string => Buffer.from(text).toString('hex');

async function asked(times = 1): Promise<Session> {
  const session = onTerminal(process.execPath, [SCRIPT, String(times)]);
  await session.until('secret: ');
  return session;
}

describe('the reader of secrets', () => {
  test('shows nothing of what is typed', async () => {
    const session = await asked();
    session.type('correct horse\r');
    expect(await session.ended).toBe(0);
    expect(session.shown()).toContain(`got ${hex('correct horse')}`);
    expect(session.shown()).not.toContain('correct');
  });

  test('backspace takes one whole character back, Ctrl-U the line', async () => {
    const session = await asked();
    session.type('wrong\u0015pä\u007f\u007fpass\u0008ß\r');
    await session.ended;
    expect(session.shown()).toContain(`got ${hex('pasß')}\r\n`);
  });

  test('Ctrl-C is Interrupted', async () => {
    const session = await asked();
    session.type('half\u0003');
    await session.ended;
    expect(session.shown()).toContain('stopped Interrupted');
    expect(session.shown()).not.toContain('half');
  });

  test('a second line pasted with the first answers the second question', async () => {
    const session = await asked(2);
    session.type('one\rtwo\r');
    await session.ended;
    expect(session.shown()).toContain(`got ${hex('one')}`);
    expect(session.shown()).toContain(`got ${hex('two')}`);
  });

  test('more than 1024 bytes are refused', async () => {
    const session = await asked();
    session.type('x'.repeat(1025));
    await session.ended;
    expect(session.shown()).toContain('stopped InvalidValue');
  });

  test('without a terminal it is MissingAnswer, and nothing is read', () => {
    const run = spawnSync(process.execPath, [SCRIPT], { input: 'piped\n', encoding: 'utf8' });
    expect(run.stdout).toBe('stopped MissingAnswer\n');
  });
});
