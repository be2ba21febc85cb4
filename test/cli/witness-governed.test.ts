// Witnesses of a governed log: an approver's device needs no more than the pin; keys of the governed are no witness keys; TLS.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromBase64Url } from '../../src/bytes/base64.ts';
import { formatVkey, NOTE_TYPES } from '../../src/envelope/note.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import type { WitnessKeysResult, WitnessRequestResult } from '../../src/operations/audit/witness.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeSigners } from '../support/floor-home.ts';
import { governHome } from '../support/governed-home.ts';
import { startWitness } from '../support/witness-process.ts';

const home = temporaryHome();
const device = temporaryHome();
/** Pins nothing. */
const stranger = temporaryHome();
const pass = (): string[] => ['--passphrase-file', device.passphrase('dave')];
let ledger = '';

beforeAll(async () => {
  await governHome(home);
  await makeSigners(device, 'dave');
  [ledger] = readdirSync(join(home.path, 'trust')).filter((name) => name !== 'logs') as [string];
  const { genesis_digest: digest } = JSON.parse(readFileSync(join(home.path, 'trust', ledger, 'pin.json'), 'utf8')) as {
    readonly genesis_digest: string;
  };
  const genesis = join(home.path, 'trust', ledger, 'genesis.json');
  await device.json(['governance', 'trust', genesis, '--expect-digest', digest]);
});

describe('a device that pins the genesis', () => {
  it('cosigns that log without a policy, and nobody else\u2019s', async () => {
    const body = home.file('log.request');
    await home.json(['audit', 'prove', '--consistency', '0', '--out', body]);
    const dry = await device.json<WitnessRequestResult>(['audit', 'witness', '--cosign', body, '--dry-run', ...pass()]);
    expect([
      dry.data!.dry_run,
      dry.data!.lines,
      readdirSync(join(device.path, 'signers/dave')).includes('witness'),
    ]).toEqual([true, null, false]);
    const answer = home.file('dave.cosignatures');
    await device.json(['audit', 'witness', '--cosign', body, '--out', answer, ...pass()]);
    const again = await device.json(['audit', 'witness', '--cosign', body, ...pass()], 15);
    expect(again.error).toMatchObject({ code: 'Conflict' });
    const other = device.write(
      'other.request',
      readFileSync(body, 'utf8').replace(/[0-9a-f]{32}\/e0/, `${'0'.repeat(32)}/e0`),
    );
    expect((await device.json(['audit', 'witness', '--cosign', other, ...pass()], 11)).error).toMatchObject({
      code: 'NoTrustedKey',
    });

    const keys = await device.json<WitnessKeysResult>(['audit', 'witness', '--show-keys', ...pass()]);
    const policy = home.write('dave.policy', [...keys.data!.policy_lines, 'quorum dave', ''].join('\n'));
    await home.json(['audit', 'witness', '--merge', answer, '--policy', policy]);
    const { data } = await home.json<AuditVerifyResult>(['audit', 'verify', '--policy', policy]);
    expect(data).toMatchObject({ trust: 'pinned', witnessed: { quorum: { met: true } } });
    // The device judges a copy of the log by its own pin.
    const copy = await device.json<AuditVerifyResult>(['audit', 'verify', home.path, '--policy', policy]);
    expect(copy.data).toMatchObject({ trust: 'pinned', kind: 'copy', witnessed: { quorum: { met: true } } });
  });

  it('takes a policy as keys only where nothing is pinned', async () => {
    const file = JSON.parse(readFileSync(join(home.path, 'audit/log.json'), 'utf8')) as {
      readonly epochs: readonly { readonly keys: readonly { readonly vkeys: readonly string[] }[] }[];
    };
    const [ed25519, mlDsa] = file.epochs[0]!.keys[0]!.vkeys;
    const both = home.write('both.policy', `log ${ed25519}\nlog ${mlDsa}\nquorum none\n`);
    const one = home.write('one.policy', `log ${ed25519}\nquorum none\n`);
    const verify = (policy: string, exit: number) =>
      stranger.json<AuditVerifyResult>(['audit', 'verify', home.path, '--policy', policy], exit);
    expect((await verify(both, 0)).data).toMatchObject({ trust: 'policy', verdict: 'consistent' });
    expect((await verify(one, 11)).error).toMatchObject({ field: 'log-key-missing' });
    expect((await stranger.json(['audit', 'verify', home.path], 11)).error).toMatchObject({ field: 'no-trusted-key' });
    const elsewhere = formatVkey('other.example/log', NOTE_TYPES.ed25519, new Uint8Array(32).fill(9));
    const others = home.write('others.policy', `log ${elsewhere}\nquorum none\n`);
    const { error } = await home.json(['audit', 'verify', '--policy', others], 11);
    expect(error).toMatchObject({ field: 'no-trusted-key', message: expect.stringContaining('does not name the log') });
  });
});

describe('keys of the governed', () => {
  it('are refused as witnesses, by line and by whose they are', async () => {
    const bundle = await home.json<{ readonly keys: { readonly ed25519: string } }>(['signer', 'show', 'alice']);
    const log = JSON.parse(readFileSync(join(home.path, 'audit/log.json'), 'utf8')) as {
      readonly service_keys: { readonly ed25519: string };
    };
    const vkey = (name: string, key: string): string =>
      formatVkey(name, NOTE_TYPES.ed25519Cosignature, fromBase64Url(key)!);
    const policy = home.write(
      'governed.policy',
      `witness a ${vkey('a.example', bundle.data!.keys.ed25519)}\nwitness s ${vkey('s.example', log.service_keys.ed25519)}\nquorum a\n`,
    );
    for (const where of [home, device]) {
      const { error } = await where.json(['audit', 'verify', home.path, '--policy', policy], 3);
      expect(error).toMatchObject({ code: 'Malformed', field: '--policy' });
      expect(error!.message).toMatch(/line 1: a is the key of signer alice; line 2: s is the key of the service/);
    }
  });
});

describe('a witness beyond loopback', () => {
  it('serves TLS 1.3 with the pair that it is given, and refuses a key that others read', async () => {
    const [key, cert] = [device.file('w.key'), device.file('w.crt')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '2', ...subject, '-keyout', key, '-out', cert],
      {
        stdio: 'pipe',
      },
    );
    execFileSync('chmod', ['600', key, cert]);
    const argv = ['--listen', '0.0.0.0:0', '--tls-cert', cert, '--tls-key', key, ...pass()];
    const witness = await startWitness(device, argv);
    expect(witness.ready.url).toMatch(/^https:\/\/0\.0\.0\.0:[0-9]+$/);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const { port } = new URL(witness.ready.url);
      const sent = request({ host: '127.0.0.1', port, path: '/', ca: readFileSync(cert) }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.on('error', reject);
      sent.end();
    });
    expect(status).toBe(404);
    expect((await witness.stop()).exit).toBe(0);
    execFileSync('chmod', ['644', key]);
    const { error } = await device.json(['audit', 'witness', ...argv], 3);
    expect(error).toMatchObject({ code: 'RefusedConfig', field: 'tls.key_path' });
  });
});
