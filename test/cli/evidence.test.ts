// `evidence` and `inspect` on a home that the real binary made, and the recipe of ronctl-audit.7 with standard tools.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/crypto/hash.ts';
import type { EvidenceResult } from '../../src/operations/evidence.ts';
import type { InspectResult } from '../../src/operations/inspect.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';
import { manPath } from '../support/man-page.ts';

const home = temporaryHome();
beforeAll(async () => {
  await makeSigners(home, 'alice');
  await makeStore(home);
});

const verdictOf = async (file: string, argv: readonly string[] = [], exit = 0): Promise<unknown> => {
  const { data } = await home.json<InspectResult>(['inspect', join(home.path, file), ...argv], exit);
  return [data?.kind, data?.verdict];
};

describe('inspect on a home', () => {
  it('explains what the home consists of', async () => {
    const log = ['--key', join(home.path, 'audit/log.json')];
    expect(await verdictOf('signers/alice/signer.json')).toEqual(['signer bundle', 'nothing invalid']);
    expect(await verdictOf('signers/alice/root.ronk')).toEqual(['sealed record', 'nothing invalid']);
    expect(await verdictOf('store/manifest.ronk')).toEqual(['sealed record', 'nothing invalid']);
    expect(await verdictOf('audit/e0/segments/000000.jsonl')).toEqual(['audit segment', 'nothing invalid']);
    expect(await verdictOf('audit/e0/checkpoint', [], 11)).toEqual(['checkpoint', 'key unknown']);
    expect(await verdictOf('audit/e0/checkpoint', log)).toEqual(['checkpoint', 'nothing invalid']);
  });

  it('finds a flipped byte of the log', async () => {
    const bytes = readFileSync(join(home.path, 'audit/e0/segments/000000.jsonl'));
    bytes[bytes.indexOf('"ts":"2') + 7]! ^= 1;
    home.write('copy.jsonl', bytes);
    const { data } = await home.json<InspectResult>(['inspect', 'copy.jsonl'], 10);
    expect(data?.checks[0]?.what).toBe('record 1: prev is the leaf hash of the record before');
  });
});

describe('evidence', () => {
  it('writes a directory that lists its files, without a passphrase', async () => {
    const { data } = await home.json<EvidenceResult>(['evidence', '--since', '1h', '--out', 'evidence']);
    const out = home.file('evidence');
    expect(data?.out).toBe(out);
    expect(data?.logs).toEqual([{ epoch: 0, from: 0, size: data!.logs[0]!.size }]);
    expect(sha256Hex(readFileSync(join(out, 'evidence.json')))).toBe(data?.sha256);
    for (const name of [
      'policy.json',
      'version.json',
      'config.json',
      'ron-kms.json',
      'doctor.json',
      'audit/e0/checkpoint',
    ]) {
      expect([name, existsSync(join(out, name))]).toEqual([name, true]);
    }
    expect(spawnSync('find', [out, '-name', '*.ronk'], { encoding: 'utf8' }).stdout).toBe('');
    expect(spawnSync('grep', ['-r', 'correct horse', out]).status).toBe(1);
  });

  it('is 3 when the directory is there, and 3 for a time that is none', async () => {
    expect((await home.json(['evidence', '--since', '1h', '--out', 'evidence'], 3)).error).toMatchObject({
      code: 'Exists',
      field: '--out',
    });
    expect((await home.json(['evidence', '--since', 'tuesday', '--out', 'other'], 3)).error).toMatchObject({
      code: 'InvalidValue',
      field: '--since',
    });
    expect(existsSync(home.file('other'))).toBe(false);
  });

  it('is 2 without a range, 4 without a home', async () => {
    expect((await home.json(['evidence', '--out', 'other'], 2)).error?.code).toBe('Usage');
    const env = { RONCTL_HOME: home.file('nowhere') };
    expect((await home.json(['evidence', '--since', '1h', '--out', 'other'], 4, { env })).error?.code).toBe(
      'NotInitialised',
    );
  });
});

describe('evidence elsewhere', () => {
  it('is verified in place, or as a home', async () => {
    const given = await home.json<{ readonly verdict: string }>(['audit', 'verify', 'evidence']);
    expect(given.data?.verdict).toBe('consistent');
    const env = { RONCTL_HOME: home.file('evidence') };
    const asHome = await home.json<{ readonly verdict: string }>(['audit', 'verify'], 0, { env });
    expect(asHome.data?.verdict).toBe('consistent');
  });

  it('shows a flipped byte', async () => {
    const segment = join(home.file('evidence'), 'audit/e0/segments/000000.jsonl');
    const bytes = readFileSync(segment);
    bytes[bytes.indexOf('"ts":"2') + 7]! ^= 1;
    writeFileSync(segment, bytes);
    const { data, error } = await home.json<{ readonly verdict: string }>(['audit', 'verify', 'evidence'], 10);
    expect(data?.verdict).toBe('tampered');
    expect(error?.code).toBe('Tampered');
  });
});

describe('checking without ronctl', () => {
  it('works as ronctl-audit.7 says', () => {
    const source = readFileSync(manPath('ronctl-audit.7'), 'utf8');
    const section = source.slice(source.indexOf('.Sh CHECKING WITHOUT RONCTL'));
    const script = /^\.Bd -literal -offset indent\n([\s\S]*?)^\.Ed/m.exec(section)![1]!.replaceAll('\\e', '\\');
    const run = spawnSync('sh', ['-eu', '-c', script], { cwd: join(home.path, 'audit/e0'), encoding: 'utf8' });
    expect([run.status, run.stderr]).toEqual([0, '']);
    const [leaf, prev, origin, size] = run.stdout.split('\n');
    expect(`"prev":"${leaf!.slice(0, 64)}"`).toBe(prev);
    expect(origin).toMatch(/^ronctl\.invalid\/[0-9a-f]{32}\/e0$/);
    expect(Number(size)).toBeGreaterThan(0);
  });

  it('of an evidence file works as ronctl-keys.5 says, and not for a changed one', async () => {
    const store = ['--passphrase-file', home.passphrase('store')];
    const make = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
    const { data } = await home.json<{ readonly kid: string }>([...make, ...store]);
    const attest = ['kms', 'attest', data!.kid, '--out', join(home.path, 'key.attestation.json'), ...store];
    await home.json([...attest, '--dry-run']);
    expect(existsSync(join(home.path, 'key.attestation.json'))).toBe(false);
    const made = await home.json<{ readonly attestation: { readonly evidence: string } }>(attest);
    expect(readFileSync(join(home.path, 'key.attestation.json'), 'utf8')).toBe(made.data!.attestation.evidence);
    expect((await home.json(attest, 3)).error).toMatchObject({ code: 'Exists', field: '--out' });
    const log = ['--key', join(home.path, 'audit/log.json')];
    expect(await verdictOf('key.attestation.json', [], 11)).toEqual(['attestation', 'key unknown']);
    expect(await verdictOf('key.attestation.json', log)).toEqual(['attestation', 'nothing invalid']);
    const source = readFileSync(manPath('ronctl-keys.5'), 'utf8');
    const section = source.slice(source.indexOf('.Ss kms.attestation.v1'));
    const script = /^\.Bd -literal -offset indent\n([\s\S]*?)^\.Ed/m.exec(section)![1]!.replaceAll('\\e', '\\');
    const run = () => spawnSync('sh', ['-eu', '-c', script], { cwd: home.path, encoding: 'utf8' });
    const good = run();
    expect([good.status, good.stderr, good.stdout]).toEqual([0, '', 'Signature Verified Successfully\n']);
    const file = join(home.path, 'key.attestation.json');
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace(
        /(ed25519","sig":".{40})(.)/,
        (_all, before: string, one: string) => before + (one === 'A' ? 'B' : 'A'),
      ),
    );
    expect(run().status).toBe(1);
    expect((await home.run(['inspect', file, ...log])).exit).toBe(10);
  });
});
