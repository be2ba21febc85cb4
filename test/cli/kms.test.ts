// Transcripts of `ronctl kms` on an ungoverned store of profile dev (phase 1).

import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { keyFileName } from '../../src/keys/key-object.ts';
import type { ContinuityResult, NeedsRotationResult } from '../../src/kms/ports.ts';
import type { KmsCreateResult } from '../../src/operations/kms/create.ts';
import type { KmsListResult } from '../../src/operations/kms/list.ts';
import type { KmsRotateResult } from '../../src/operations/kms/rotate.ts';
import type { KmsShowResult } from '../../src/operations/kms/show.ts';
import type { KmsSignResult } from '../../src/operations/kms/sign.ts';
import type { KmsUnwrapResult } from '../../src/operations/kms/unwrap.ts';
import type { KmsVerifyResult } from '../../src/operations/kms/verify.ts';
import type { KmsWrapResult } from '../../src/operations/kms/wrap.ts';
import { envelopeOf, temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';

const home = temporaryHome();
const pass = (): string[] => ['--passphrase-file', home.passphrase('store')];
const create = async (...more: string[]): Promise<KmsCreateResult> => {
  const argv = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--new-tenant', ...more, ...pass()];
  return (await home.json<KmsCreateResult>(argv)).data!;
};

let kid = '';
beforeAll(async () => {
  await makeStore(home);
  home.write('payload', 'hello world');
  kid = (await create('--alg', 'ed25519')).kid.split('#')[0]!;
});

describe('ronctl kms create, list, show', () => {
  it('makes a key with two tracks and shows it without a passphrase', async () => {
    const { data } = await home.json<KmsShowResult>(['kms', 'show', kid]);
    expect(data?.trust).toBe('local');
    expect(data?.key.versions).toMatchObject([{ n: 1, state: 'active', tracks: ['ed25519', 'ml-dsa'] }]);
    const listed = await home.json<KmsListResult>(['kms', 'list', '--tenant', 'ACME', '--strict']);
    expect(listed.data?.keys.map((key) => key.kid)).toContain(kid);
    const run = await home.run(['kms', 'list']);
    expect(run.stdout).toContain(kid);
    expect(run.stderr).toBe('');
  });

  it('a list of a tenant without a key is empty, and stderr names the tenants that have one', async () => {
    for (const more of [[], ['--json']]) {
      const run = await home.run(['kms', 'list', '--tenant', 'ACNE', ...more]);
      expect(run.exit).toBe(0);
      expect(run.stderr).toContain('no key has the tenant acne; tenants with keys: acme\n');
      if (more.length > 0) expect(envelopeOf<KmsListResult>(run).data).toEqual({ trust: 'local', keys: [] });
    }
  });

  it('folds a tenant in upper case with a notice', async () => {
    const argv = ['kms', 'create', '--tenant', 'ACME', '--purpose', 'x', '--alg', 'ml-dsa', ...pass()];
    const run = await home.run([...argv, '--json']);
    expect(run.exit).toBe(0);
    expect(run.stderr).toContain('tenant ACME is written acme');
  });

  it('an unknown tenant is 4, an unknown algorithm 3, a missing passphrase 2, each before anything is made', async () => {
    const count = (): number =>
      readFileSync(join(home.path, 'audit/e0/segments/000000.jsonl'), 'utf8').split('\n').length;
    const before = count();
    const base = ['kms', 'create', '--purpose', 'release'];
    const unknown = await home.json([...base, '--tenant', 'acne', '--alg', 'ed25519', ...pass()], 4);
    expect(unknown.error).toMatchObject({ code: 'UnknownTenant', hint: expect.stringContaining('Nearest: acme') });
    const alg = await home.json([...base, '--tenant', 'acme', '--alg', 'ed255', ...pass()], 3);
    expect(alg.error).toMatchObject({ code: 'InvalidValue', field: '--alg', hint: expect.stringContaining('ed25519') });
    const silent = await home.json([...base, '--tenant', 'acme', '--alg', 'ed25519'], 2);
    expect(silent.error?.message).toContain('passphrase');
    expect(count()).toBe(before);
  });

  it('a dry run exits as the real run would and writes nothing', async () => {
    const files = ['store/public.json', 'store/manifest.ronk', 'audit/e0/segments/000000.jsonl', 'audit/e0/checkpoint'];
    const content = (): string[] => files.map((name) => readFileSync(join(home.path, name)).toString('base64'));
    const before = content();
    const dry = await create('--alg', 'ed25519', '--dry-run');
    expect(dry).toMatchObject({ key: null, audit: null, dry_run: true });
    await home.json(['kms', 'rotate', kid, '--dry-run', ...pass()]);
    await home.json(['kms', 'sign', kid, '--file', 'payload', '--out', 'never', '--dry-run', ...pass()]);
    expect(existsSync(home.file('never'))).toBe(false);
    await home.json(['kms', 'rotate', `${kid}#v7`, '--dry-run', ...pass()], 4);
    expect(content()).toEqual(before);
  });

  it('creating twice with one --op-id makes one key; another request with it is 15', async () => {
    const opId = '0190f3c0-0000-7000-8000-00000000aaaa';
    const first = await create('--alg', 'ml-dsa', '--op-id', opId);
    const second = await create('--alg', 'ml-dsa', '--op-id', opId);
    expect(second).toEqual({ ...first, replayed: true });
    const other = ['kms', 'create', '--tenant', 'acme', '--purpose', 'other', '--alg', 'ml-dsa', '--op-id', opId];
    expect((await home.json([...other, ...pass()], 15)).error?.code).toBe('Conflict');
    const bad = [...other.slice(0, -1), '5c146b14-3c52-8afd-938a-375d0df1fbf6', ...pass()];
    expect((await home.json(bad, 3)).error?.field).toBe('--op-id');
  });
});

describe('ronctl kms sign, verify', () => {
  it('signs a file; the bundle verifies without a passphrase; a stripped half is 10', async () => {
    const signed = await home.json<KmsSignResult>(['kms', 'sign', kid, '--file', 'payload', '--out', 'b', ...pass()]);
    expect(signed.data).toMatchObject({
      algs: 'ed25519+ml-dsa',
      payload_b3: 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24',
    });
    expect(statSync(home.file('b')).mode & 0o777).toBe(0o600);
    expect(JSON.parse(home.read('b').toString())).toEqual(signed.data?.bundle);
    const ok = await home.json<KmsVerifyResult>(['kms', 'verify', '--file', 'payload', '--sig', 'b']);
    expect(ok.data).toMatchObject({
      accepted: true,
      required_mode: 'or',
      refusal: null,
      audited: false,
      trust: 'local',
    });

    const bundle = JSON.parse(home.read('b').toString()) as { sigs: unknown[] };
    home.write('stripped', `${JSON.stringify({ ...bundle, sigs: bundle.sigs.slice(0, 1) })}\n`);
    const stripped = await home.json<KmsVerifyResult>(['kms', 'verify', '--file', 'payload', '--sig', 'stripped'], 10);
    expect(stripped.error?.code).toBe('VerificationFailed');
    expect(stripped.data).toMatchObject({ accepted: false, signatures: [{ alg: 'ed25519', valid: false }] });
    const text = await home.run(['kms', 'verify', '--file', 'payload', '--sig', 'stripped']);
    expect(text.exit).toBe(10);
    expect(text.stdout).toMatch(/ed25519 +INVALID/);
    expect(text.stderr).toContain('VerificationFailed');
  });

  it('the payload comes by digest or standard input too; another one is 10, two or none 2', async () => {
    const b3 = 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24';
    await home.json(['kms', 'verify', '--b3', b3, '--sig', 'b']);
    await home.json(['kms', 'verify', '--file', '-', '--sig', 'b'], 0, { stdin: 'hello world' });
    const other = await home.json<KmsVerifyResult>(['kms', 'verify', '--file', '-', '--sig', 'b'], 10, { stdin: 'x' });
    expect(other.data?.signatures[0]?.reason).toBe('the bundle was made for another payload');
    await home.json(['kms', 'verify', '--file', 'payload', '--b3', b3, '--sig', 'b'], 2);
    expect((await home.json(['kms', 'verify', '--sig', 'b'], 2)).error?.field).toBe('--file');
    expect((await home.json(['kms', 'verify', '--b3', b3.toUpperCase(), '--sig', 'b'], 3)).error?.field).toBe('--b3');
    expect((await home.json(['kms', 'verify', '--file', 'gone', '--sig', 'b'], 4)).error?.code).toBe('NotFound');
  });

  it('an existing output is refused before anything is signed', async () => {
    const log = join(home.path, 'audit/e0/segments/000000.jsonl');
    const before = readFileSync(log).length;
    const again = await home.json(['kms', 'sign', kid, '--file', 'payload', '--out', 'b', ...pass()], 3);
    expect(again.error?.code).toBe('Exists');
    expect(readFileSync(log).length).toBe(before);
    await home.json(['kms', 'sign', kid, '--file', 'payload', '--out', 'b', '--force', ...pass()]);
  });

  it('a bundle that is not canonical is 3, and an unknown key 4', async () => {
    home.write('pretty', JSON.stringify(JSON.parse(home.read('b').toString()), null, 2));
    expect((await home.json(['kms', 'verify', '--file', 'payload', '--sig', 'pretty'], 3)).error?.code).toBe(
      'Malformed',
    );
    home.write('other', home.read('b').toString().replace('acme/', 'acmf/'));
    expect((await home.json(['kms', 'verify', '--file', 'payload', '--sig', 'other'], 4)).error?.code).toBe('NotFound');
  });

  it('--key and --proof name their files when they are broken', async () => {
    home.write('no-proof', 'hello\n');
    home.write('no-key', '{}\n');
    const argv = ['kms', 'verify', '--file', 'payload', '--sig', 'b'];
    const proof = await home.json([...argv, '--proof', 'no-proof'], 3);
    expect(proof.error).toMatchObject({ code: 'Malformed', message: expect.stringMatching('^no-proof: the proof: ') });
    const key = await home.json([...argv, '--key', 'no-key'], 3);
    expect(key.error).toMatchObject({ code: 'Malformed', message: expect.stringMatching('^no-key: ') });
    const object = join(home.path, 'store/keys', keyFileName(`${kid}#v1`, 'pub'));
    const spoilt = readFileSync(object, 'utf8').replace(/"sig":"(.)/, (_, one) => `"sig":"${one === 'A' ? 'B' : 'A'}`);
    home.write('foreign-key', spoilt);
    const foreign = await home.json([...argv, '--key', 'foreign-key'], 11);
    expect(foreign.error).toMatchObject({ code: 'NoTrustedKey', message: expect.stringMatching('^foreign-key: ') });
  });

  it('--audit records the outcome, and nothing in a dry run, which still wants the passphrase', async () => {
    const log = join(home.path, 'audit/e0/segments/000000.jsonl');
    const before = readFileSync(log);
    const argv = ['kms', 'verify', '--file', 'payload', '--sig', 'b', '--audit'];
    const dry = await home.json<KmsVerifyResult>([...argv, '--dry-run', ...pass()]);
    expect(dry.data).toMatchObject({ accepted: true, audited: false });
    const wrong = ['--passphrase-file', home.passphrase('other')];
    expect((await home.json([...argv, '--dry-run', ...wrong], 3)).error?.code).toBe('WrongPassphrase');
    expect(readFileSync(log).equals(before)).toBe(true);
    const { data } = await home.json<KmsVerifyResult>([...argv, ...pass()]);
    expect(data?.audited).toBe(true);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    const record = lines
      .map((line) => JSON.parse(line) as { op: string; result: string })
      .findLast((one) => one.op === 'verify');
    expect(record).toMatchObject({ result: 'ok', detail: { count: 1, governed: false } });
  });

  it('a key object that was changed is 10; a missing one is 11 until the next unsealing command', async () => {
    const file = join(home.path, 'store/keys', keyFileName(`${kid}#v1`, 'pub'));
    const good = readFileSync(file);
    writeFileSync(file, good.toString().replace('"sig":"', '"sig":"AAAA').replace('AAAA', 'AAAB'), { mode: 0o600 });
    expect((await home.json(['kms', 'show', kid], 10)).error?.code).toBe('Tampered');
    rmSync(file);
    const missing = await home.json(['kms', 'verify', '--file', 'payload', '--sig', 'b'], 11);
    expect(missing.error?.code).toBe('NotAuthenticated');
    await home.json(['kms', 'sign', kid, '--file', 'payload', '--out', 'b', '--force', ...pass()]);
    await home.json(['kms', 'verify', '--file', 'payload', '--sig', 'b']);
  });
});

describe('ronctl kms rotate, continuity, needs-rotation', () => {
  it('rotates by op_id once; old signatures stay valid; the continuity holds', async () => {
    const made = await create('--alg', 'ed25519');
    await home.json(['kms', 'sign', made.kid, '--file', 'payload', '--out', 'old', ...pass()]);
    const argv = ['kms', 'rotate', made.kid, '--op-id', '0190f3c0-0000-7000-8000-00000000bbbb', ...pass()];
    const first = (await home.json<KmsRotateResult>(argv)).data!;
    expect(first).toMatchObject({ previous: 1, replayed: false });
    expect((await home.json<KmsRotateResult>(argv)).data).toEqual({ ...first, replayed: true });
    await home.json(['kms', 'verify', '--file', 'payload', '--sig', 'old']);
    expect((await home.json(['kms', 'sign', made.kid, '--file', 'payload', ...pass()], 15)).error?.code).toBe(
      'Conflict',
    );

    const valid = await home.json<ContinuityResult>(['kms', 'continuity', first.kid]);
    expect(valid.data).toMatchObject({ verdict: 'valid', attested_by: 'keys and service', digest: first.continuity });
    const none = await home.json(['kms', 'continuity', made.kid], 4);
    expect(none.error?.message).toContain('no predecessor');
    const file = join(home.path, 'store/keys', keyFileName(first.kid, 'cont'));
    const other = await create('--alg', 'ed25519');
    const rotated = (await home.json<KmsRotateResult>(['kms', 'rotate', other.kid, ...pass()])).data!;
    const foreign = join(home.path, 'store/keys', keyFileName(rotated.kid, 'cont'));
    const wrong = await home.json<ContinuityResult>(['kms', 'continuity', first.kid, '--statement', foreign], 10);
    expect(wrong.data?.reason).toContain('the statement is about');
    rmSync(file);
    const gone = await home.json<ContinuityResult>(['kms', 'continuity', first.kid], 11);
    expect(gone.data?.verdict).toBe('inconclusive');
  });

  it('needs-rotation is 5 for a new key, 0 within its limit, 4 for an unknown one', async () => {
    const no = await home.json<NeedsRotationResult>(['kms', 'needs-rotation', kid], 5);
    expect(no.data).toMatchObject({ answer: 'no', age_days: 0, limit_days: 90 });
    const yes = await home.json<NeedsRotationResult>(['kms', 'needs-rotation', kid, '--within', '90d']);
    expect(yes.data?.answer).toBe('yes');
    await home.json(['kms', 'needs-rotation', kid.replace('acme', 'acmf')], 4);
  });
});

describe('ronctl kms wrap, unwrap', () => {
  it('wraps a given key and a random one, and unwraps both to 0600 files', async () => {
    const made = await create('--alg', 'hybrid-kem', '--suite', '2');
    home.write('key', Buffer.alloc(32, 7));
    const wrapped = await home.json<KmsWrapResult>(['kms', 'wrap', made.kid, '--file', 'key', '--out', 'w', ...pass()]);
    expect(wrapped.data).toMatchObject({ suite: 2, size_bytes: 32 });
    const opened = await home.json<KmsUnwrapResult>(['kms', 'unwrap', '--file', 'w', '--out', 'key2', ...pass()]);
    expect(opened.data).toMatchObject({ kid: made.kid, size_bytes: 32 });
    expect(home.read('key2')).toEqual(home.read('key'));
    expect(statSync(home.file('key2')).mode & 0o777).toBe(0o600);
    const random = await home.json<KmsWrapResult>(['kms', 'wrap', made.kid, '--size', '16', '--out', 'w16', ...pass()]);
    expect(Buffer.from(random.data!.envelope!, 'base64url')).toEqual(home.read('w16'));
    await home.json(['kms', 'unwrap', made.kid, '--file', 'w16', '--out', 'key16', ...pass()]);
    expect(home.read('key16')).toHaveLength(16);
    const stdout = await home.run(['kms', 'unwrap', '--file', 'w', '--out', '-', ...pass()]);
    expect(stdout.stdoutBytes).toEqual(home.read('key'));
  });

  it('a damaged envelope is 10, one of another key 3, a wrong size 3, and nothing is written', async () => {
    const bytes = home.read('w');
    bytes[bytes.length - 1]! ^= 1;
    home.write('damaged', bytes);
    const damaged = await home.json(['kms', 'unwrap', '--file', 'damaged', '--out', 'no', ...pass()], 10);
    expect(damaged.error?.code).toBe('UnwrapFailed');
    expect(damaged.error?.message).toBe('damaged: the envelope does not open with the key that it names');
    const suite = Uint8Array.from(home.read('w'));
    suite[5] = 9;
    home.write('suite9', suite);
    home.write('no-envelope', 'hello');
    for (const [file, code] of [
      ['suite9', 'SuiteMismatch'],
      ['no-envelope', 'Malformed'],
    ] as const) {
      for (const given of [[], [kid]]) {
        const { error } = await home.json(['kms', 'unwrap', ...given, '--file', file, '--out', 'no', ...pass()], 3);
        expect(error).toMatchObject({ code, message: expect.stringMatching(`^${file}: the `) });
      }
    }
    const foreign = await home.json(['kms', 'unwrap', kid, '--file', 'w', '--out', 'no', ...pass()], 3);
    expect(foreign.error?.code).toBe('InvalidValue');
    const small = await home.json(['kms', 'wrap', kid, '--size', '15', '--out', 'no', ...pass()], 3);
    expect(small.error?.code).toBe('Unsupported');
    await home.json(['kms', 'wrap', kid, '--out', 'no', ...pass()], 2);
    expect(existsSync(home.file('no'))).toBe(false);
  });
});
