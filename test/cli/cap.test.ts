// Transcripts of `ronctl cap` in the home of an ungoverned store: tokens go to files only, and what a file may do is decided
// by the log.

import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseRecord } from '../../src/audit/record.ts';
import { parseToken } from '../../src/capability/token.ts';
import type { CapAttenuateResult } from '../../src/operations/cap/attenuate.ts';
import type { CapInspectResult } from '../../src/operations/cap/inspect.ts';
import type { CapListResult } from '../../src/operations/cap/list.ts';
import type { CapMintResult } from '../../src/operations/cap/mint.ts';
import type { CapRegisterResult } from '../../src/operations/cap/register.ts';
import type { CapRevokeResult } from '../../src/operations/cap/revoke.ts';
import type { CapRotateResult } from '../../src/operations/cap/rotate.ts';
import type { CapVerifyResult } from '../../src/operations/cap/verify.ts';
import { expectRefused } from '../support/bad-input.ts';
import { envelopeOf, temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';

const home = temporaryHome();
const pass = (): string[] => ['--passphrase-file', home.passphrase('store')];
let files = 0;

async function mint(...more: string[]): Promise<{ file: string; data: CapMintResult }> {
  const file = `t${files++}.cap`;
  // A tenant of its own each time: mints of one tenant are counted per minute.
  const argv = ['cap', 'mint', '--tenant', `t${files}`, '--new-tenant', '--out', file, ...more, ...pass()];
  return { file, data: (await home.json<CapMintResult>(argv)).data! };
}
const tokenOf = (file: string): string => readFileSync(home.file(file), 'utf8').trimEnd();
const verify = async (file: string, exit = 0): Promise<CapVerifyResult> =>
  (await home.json<CapVerifyResult>(['cap', 'verify', file, ...pass()], exit)).data!;
const states = async (): Promise<Map<string, string>> => {
  const { data } = await home.json<CapListResult>(['cap', 'list', '--all', ...pass()]);
  return new Map(data!.capabilities.map((one) => [one.id, one.state]));
};
const records = (op: string) =>
  readFileSync(home.file('home/audit/e0/segments/000000.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => parseRecord(Buffer.from(line), 'record'))
    .filter((one) => one.op === op);

beforeAll(async () => {
  await makeStore(home);
});

describe('cap mint', () => {
  it('writes a token of its owner only, appends the record, and shows the token nowhere', async () => {
    const argv = ['cap', 'mint', '--tenant', 'ACME', '--new-tenant', '--scope', 'verify,kms:sign'];
    const more = ['--sub', 'ci', '--caveat', 'rps = 5', '--out', 'ci.cap', '--json'];
    const run = await home.run([...argv, ...more, ...pass()]);
    expect([run.exit, run.stderr]).toEqual([0, 'tenant ACME is written acme\n']);
    const { data } = envelopeOf<CapMintResult>(run);
    expect(data).toMatchObject({
      tenants: ['acme'],
      scopes: ['kms:sign', 'kms:verify'],
      root: 1,
      registered: true,
      sub: 'ci',
    });
    expect(statSync(home.file('ci.cap')).mode & 0o777).toBe(0o600);
    const token = tokenOf('ci.cap');
    expect(parseToken(token)).toMatchObject({
      identifier: { id: data!.id, minted_by: expect.stringMatching(/^local:/) },
    });
    for (let at = 0; at + 20 <= token.length; at += 5) expect(run.stdout).not.toContain(token.slice(at, at + 20));
    const [record] = records('mint');
    expect(record).toMatchObject({
      result: 'ok',
      detail: { cap: { root: 1, id: data!.id }, caveats: data!.caveats, once: false, sub: 'ci', governed: false },
    });
    expect((await verify('ci.cap')).verdict).toBe('valid');
  });

  it('to standard output when asked, and then nothing else', async () => {
    const argv = ['cap', 'mint', '--tenant', 'acme', '--new-tenant', '--scope', 'read', '--out', '-', ...pass()];
    const run = await home.run(argv);
    expect(run.exit).toBe(0);
    expect(parseToken(run.stdout.trimEnd()).caveats[1]).toBe('scope = kms:read');
    await expectRefused(home, {
      argv,
      exit: 2,
      code: 'Usage',
      message: 'stdout cannot carry both',
      field: '--out',
    }).catch(() => undefined);
    const both = await home.run([...argv, '--json']);
    expect([both.exit, envelopeOf(both).error?.code]).toEqual([2, 'Usage']);
  });

  it('a dry run appends and writes nothing', async () => {
    const before = records('mint').length;
    const argv = [
      'cap',
      'mint',
      '--tenant',
      'acme',
      '--new-tenant',
      '--scope',
      'sign',
      '--out',
      'dry.cap',
      '--dry-run',
    ];
    const { data } = await home.json<CapMintResult>([...argv, ...pass()]);
    expect(data).toMatchObject({ id: null, root: null, registered: false, dry_run: true });
    expect(existsSync(home.file('dry.cap'))).toBe(false);
    expect(records('mint')).toHaveLength(before);
  });

  const base = ['cap', 'mint', '--tenant', 'acme', '--scope', 'sign', '--out', 'x.cap'];
  it.each([
    ['a tenant that nobody knows', ['--tenant', 'acne'], 4, 'UnknownTenant', 'acne', '--tenant'],
    ['a tenant beside _instance', ['--tenant', '_instance'], 3, 'InvalidValue', 'tenant', '--tenant'],
    ['an unknown scope', ['--scope', 'singing'], 3, 'InvalidValue', 'no scope "singing"', '--scope'],
    ['no time', ['--expires', 'soon'], 3, 'InvalidValue', 'neither a duration nor a time', '--expires'],
    ['too long a life', ['--expires', '16m'], 16, 'PolicyRefused', 'at most 900 s', 'exp'],
    ['no caveat', ['--caveat', 'colour = red'], 3, 'InvalidValue', 'not a caveat', '--caveat'],
    [
      'a caveat that leaves nothing',
      ['--caveat', 'scope = kms:wrap'],
      3,
      'InvalidValue',
      'nothing in common',
      'caveats',
    ],
    [
      'one use of what leaves no record',
      ['--scope', 'verify', '--once', '--expires', '5m'],
      3,
      'InvalidValue',
      'kms:verify',
      '--scope',
    ],
    ['one use for longer than 10 minutes', ['--once', '--expires', '11m'], 3, 'InvalidValue', '600 s', 'exp'],
    ['a name that is none', ['--sub', 'CI'], 3, 'InvalidValue', 'not "CI"', '--sub'],
  ])('refuses %s', async (_, more, exit, code, message, field) => {
    await expectRefused(home, { argv: [...base, ...more, ...pass()], exit, code, message, field });
    expect(existsSync(home.file('x.cap'))).toBe(false);
  });

  it('a capability for one use ends after 5 minutes unless told otherwise', async () => {
    const from = Date.now();
    const argv = ['cap', 'mint', '--tenant', 'acme', '--scope', 'sign', '--once', '--out', 'one-use.cap', ...pass()];
    const { data } = await home.json(argv);
    const end = (data as { caveats: string[] }).caveats.find((one) => one.startsWith('exp = '))!.slice('exp = '.length);
    expect(Date.parse(end)).toBeGreaterThanOrEqual(from + 300_000);
    expect(Date.parse(end)).toBeLessThanOrEqual(Date.now() + 300_000);
  });

  it('does not overwrite, and minting stops before the record', async () => {
    home.write('there.cap', 'x');
    const before = records('mint').length;
    const argv = ['cap', 'mint', '--tenant', 'acme', '--scope', 'sign', '--out', 'there.cap', ...pass()];
    await expectRefused(home, { argv, exit: 3, code: 'Exists', message: 'there.cap' });
    expect(records('mint')).toHaveLength(before);
  });

  it('the same --op-id gives the same token; another request under it is a conflict', async () => {
    const opId = '0190f3c0-0000-7000-8000-00000000abcd';
    const expires = new Date(Date.now() + 600_000).toISOString();
    const base = [
      'cap',
      'mint',
      '--tenant',
      'repeat',
      '--new-tenant',
      '--op-id',
      opId,
      '--expires',
      expires,
      ...pass(),
    ];
    await home.json([...base, '--scope', 'sign', '--out', 'once.cap']);
    await home.json([...base, '--scope', 'sign', '--out', 'again.cap']);
    expect(tokenOf('again.cap')).toBe(tokenOf('once.cap'));
    const argv = [...base, '--scope', 'verify', '--out', 'other.cap'];
    await expectRefused(home, { argv, exit: 15, code: 'Conflict', message: opId });
    expect(records('mint').filter((one) => 'op_id' in one && one.op_id === opId)).toHaveLength(1);
  });
});

describe('cap register', () => {
  it('a token is refused until it is registered, then it stays as it is', async () => {
    const { file, data } = await mint('--scope', 'sign', '--no-register');
    expect(data.registered).toBe(false);
    const before = await verify(file, 21);
    expect(before.checks.filter((one) => !one.ok).map((one) => one.what)).toEqual(['registered']);
    const done = await home.json<CapRegisterResult>(['cap', 'register', file, ...pass()]);
    expect(done.data).toEqual({ id: data.id, root: 1, by: 'home', dry_run: false });
    expect((await verify(file)).verdict).toBe('valid');
    const count = records('mint').length;
    await home.json(['cap', 'register', file, ...pass()]);
    expect(records('mint')).toHaveLength(count);
  });

  it('a token of another store, a broken one and no token', async () => {
    const { file } = await mint('--scope', 'sign', '--no-register');
    const token = tokenOf(file);
    const last = token.at(-9) === 'A' ? 'B' : 'A';
    home.write('forged.cap', `${token.slice(0, -9)}${last}${token.slice(-8)}\n`);
    home.write('cut.cap', token.slice(0, -8));
    for (const [name, exit, code, message] of [
      ['forged.cap', 21, 'NoCapability', 'not made by this service'],
      ['cut.cap', 3, 'Malformed', 'not a capability'],
      ['none.cap', 4, 'NotFound', 'none.cap'],
    ] as const) {
      await expectRefused(home, { argv: ['cap', 'register', name, ...pass()], exit, code, message });
    }
  });
});

describe('cap attenuate and inspect', () => {
  it('narrow without a home, a key or a passphrase; the copy shares id and revocation', async () => {
    const { file, data } = await mint('--scope', 'sign', '--scope', 'verify');
    const argv = [
      'cap',
      'attenuate',
      file,
      '--caveat',
      'scope = kms:verify',
      '--expires',
      '30s',
      '--out',
      'narrow.cap',
    ];
    const { data: narrow } = await home.json<CapAttenuateResult>(argv);
    expect(narrow).toMatchObject({
      id: data.id,
      effective: { scopes: ['kms:verify'] },
      added: [expect.anything(), expect.anything()],
    });
    expect(statSync(home.file('narrow.cap')).mode & 0o777).toBe(0o600);
    const { data: said } = await home.json<CapInspectResult>(['cap', 'inspect', 'narrow.cap']);
    expect(said).toMatchObject({
      id: data.id,
      expired: false,
      caveats: [...data.caveats, 'scope = kms:verify', expect.anything()],
    });
    expect((await verify('narrow.cap')).verdict).toBe('valid');
    await home.json<CapRevokeResult>(['cap', 'revoke', data.id!, ...pass()]);
    for (const one of [file, 'narrow.cap']) {
      const { verdict, checks } = await verify(one, 21);
      expect([verdict, checks.find((check) => !check.ok)?.found]).toEqual(['refused', 'it was revoked']);
    }
    expect((await states()).get(data.id!)).toBe('revoked');
  });

  it.each([
    ['nothing', [], 2, 'Usage', 'nothing to add'],
    ['what leaves nothing', ['--caveat', 'tenant = other'], 3, 'InvalidValue', 'nothing in common'],
    ['no caveat', ['--caveat', 'x'], 3, 'InvalidValue', 'not a caveat'],
  ])('refuse to add %s', async (_, more, exit, code, message) => {
    const { file } = await mint('--scope', 'sign', '--no-register');
    const argv = ['cap', 'attenuate', file, ...more, '--out', 'y.cap'];
    await expectRefused(home, { argv, exit, code, message, field: '--caveat' });
  });

  it('a token from standard input, and in ronctl inspect', async () => {
    const { file, data } = await mint('--scope', 'sign', '--no-register');
    const run = await home.run(['cap', 'inspect', '-', '--json'], { stdin: tokenOf(file) });
    expect(envelopeOf<CapInspectResult>(run).data?.id).toBe(data.id);
    const shown = await home.run(['inspect', file]);
    expect(shown.exit).toBe(0);
    expect(shown.stdout).toContain(data.id!);
    expect(shown.stdout).not.toContain(tokenOf(file).slice(-40));
  });
});

describe('cap revoke, list, rotate', () => {
  it('a list shows what is in force, with --all the rest too', async () => {
    const [one, two] = [await mint('--scope', 'sign'), await mint('--scope', 'sign', '--once', '--expires', '5m')];
    await home.json(['cap', 'revoke', one.data.id!, ...pass()]);
    const { data } = await home.json<CapListResult>(['cap', 'list', ...pass()]);
    const ids = data!.capabilities.map(({ id }) => id);
    expect([ids.includes(one.data.id!), ids.includes(two.data.id!)]).toEqual([false, true]);
    expect(data!.total).toBeGreaterThan(ids.length);
    const table = await home.run(['cap', 'list', ...pass()]);
    expect(table.stdout).toContain('active, one use');
    expect(table.stdout).toContain('(--all)');
  });

  it.each([
    ['an id that nobody has', 'c1d0c1d0-0000-4000-8000-000000000000', 4, 'NotFound', '24 hours'],
    ['what is no id', 'ci', 3, 'InvalidValue', 'a UUID is expected'],
  ])('revoke refuses %s', async (_, id, exit, code, message) => {
    await expectRefused(home, { argv: ['cap', 'revoke', id, ...pass()], exit, code, message });
  });

  it('rotation: tokens of the older root go on; --now ends them', async () => {
    const { file } = await mint('--scope', 'sign');
    const { data } = await home.json<CapRotateResult>(['cap', 'rotate', ...pass()]);
    expect(data).toEqual({ root: 2, previous: 1, ended: false, kid: null, dry_run: false });
    expect((await verify(file)).verdict).toBe('valid');
    const fresh = await mint('--scope', 'sign');
    expect(fresh.data.root).toBe(2);
    await home.json<CapRotateResult>(['cap', 'rotate', '--now', ...pass()]);
    for (const one of [file, fresh.file]) {
      const { verdict, checks } = await verify(one, 21);
      expect([verdict, checks.at(-1)?.found]).toEqual(['refused', expect.stringContaining('is gone')]);
    }
    expect((await home.json<{ verdict: string }>(['audit', 'verify'])).data?.verdict).toBe('consistent');
  });

  it('with --kid it rotates the key and says so', async () => {
    // The tenant exists because a capability names it.
    const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'p', '--alg', 'ed25519', ...pass()];
    const { kid } = (await home.json<{ kid: string }>(create)).data!;
    const run = await home.run(['cap', 'rotate', '--kid', kid.split('#')[0]!, '--json', ...pass()]);
    expect(run.stderr).toContain('this rotates the key');
    expect(envelopeOf<CapRotateResult>(run).data).toMatchObject({ root: null, kid: expect.stringContaining('#v2') });
  });
});

describe('cap verify', () => {
  it('a forged token is 10', async () => {
    const { file } = await mint('--scope', 'sign');
    const bytes = Buffer.from(tokenOf(file), 'base64url');
    bytes[bytes.length - 1]! ^= 1;
    home.write('bad.cap', bytes.toString('base64url'));
    const { data, error } = await home.json<CapVerifyResult>(['cap', 'verify', 'bad.cap', ...pass()], 10);
    expect([data?.verdict, error?.code]).toEqual(['forged', 'VerificationFailed']);
  });

  it('wants the passphrase of the store, and a store', async () => {
    const { file } = await mint('--scope', 'sign', '--no-register');
    home.write('wrong', 'not the passphrase\n');
    chmodSync(home.file('wrong'), 0o600);
    const argv = ['cap', 'verify', file, '--passphrase-file', 'wrong'];
    await expectRefused(home, { argv, exit: 3, code: 'WrongPassphrase', message: 'passphrase' });
    await expectRefused(home, { argv: ['cap', 'verify', file], exit: 2, code: 'MissingAnswer', message: 'passphrase' });
  });
});
