// Witnesses of a governed log: an approver's device needs no more than the pin; keys of the governed are no witness keys; TLS.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromBase64Url } from '../../src/bytes/base64.ts';
import { formatVkey, NOTE_TYPES } from '../../src/envelope/note.ts';
import type { ReconcileResult } from '../../src/operations/audit/reconcile.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import type { WitnessKeysResult, WitnessRequestResult } from '../../src/operations/audit/witness.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeSigners } from '../support/floor-home.ts';
import { asStore, carryOut, governHome } from '../support/governed-home.ts';
import { witnessIdentityOf } from '../support/witness.ts';
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

describe('after the log keys were rotated', () => {
  const key = ['--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
  let policy = '';
  let index = '';
  let [oldPair, newPair]: readonly (readonly string[])[] = [[], []];
  const logLines = (vkeys: readonly string[]): string => vkeys.map((vkey) => `log ${vkey}\n`).join('');

  beforeAll(async () => {
    const { kid } = (await home.json<{ readonly kid: string }>(asStore(home, ['kms', 'create', ...key]))).data!;
    home.write('payload', 'release 1');
    const signing = ['kms', 'sign', kid.split('#')[0]!, '--file', 'payload', '--out', 'bundle'];
    const signed = await home.json<{ readonly audit: { readonly index: number } }>(asStore(home, signing));
    index = String(signed.data!.audit.index);
    const keys = await device.json<WitnessKeysResult>(['audit', 'witness', '--show-keys', ...pass()]);
    const party = keys.data!.policy_lines.filter((line) => !line.startsWith('log ')).join('\n');
    policy = `${party}\nquorum dave\n`;
    const cosign = async (name: string, from: string): Promise<void> => {
      const request = home.file(`${name}.request`);
      await home.json(['audit', 'prove', '--consistency', from, '--out', request]);
      await device.json(['audit', 'witness', '--cosign', request, '--out', home.file(`${name}.lines`), ...pass()]);
      const merge = ['audit', 'witness', '--merge', home.file(`${name}.lines`), '--policy', home.write('w', policy)];
      await home.json(merge);
    };
    const { data } = await home.json<AuditVerifyResult>(['audit', 'verify', '--policy', home.write('w', policy)]);
    await cosign('before', String(data!.witnessed!.checkpoint!.size));
    await home.json(['audit', 'prove', index, '--out', home.file('sign.proof')]);
    await home.json(['audit', 'export', '--redact', 'actor', '--out', home.file('part.jsonl')]);
    const store = ['--passphrase-file', `store=${home.passphrase('store')}`];
    await carryOut(home, ['governance', 'propose', '--action', 'log-key-rotate', ...store]);
    const file = JSON.parse(readFileSync(join(home.path, 'audit/log.json'), 'utf8')) as {
      readonly epochs: readonly { readonly keys: readonly { readonly vkeys: readonly string[] }[] }[];
    };
    [oldPair, newPair] = file.epochs[0]!.keys.map((era) => era.vkeys) as [readonly string[], readonly string[]];
    await home.json(asStore(home, ['audit', 'checkpoint']));
    await home.json(['audit', 'export', '--out', home.file('native')]);
  }, 240_000);

  it('cosignatures of the old era count for the old checkpoint, whatever log keys the policy names', async () => {
    for (const lines of ['', logLines(oldPair!), logLines(newPair!)]) {
      const file = home.write('eras.policy', `${lines}${policy}`);
      const { data } = await home.json<AuditVerifyResult>(['audit', 'verify', '--policy', file]);
      expect(data).toMatchObject({ verdict: 'consistent', witnessed: { quorum: { met: true } } });
      expect(data!.witnessed!.checkpoint!.size).toBeLessThan(data!.epochs[0]!.checkpoint!.size);
    }
  });

  it('a device with the pin alone follows the key chain of an export, the checkpoint of both pairs included', async () => {
    const file = home.write('eras.policy', policy);
    const { data } = await device.json<AuditVerifyResult>(['audit', 'verify', home.file('native'), '--policy', file]);
    expect(data).toMatchObject({
      kind: 'export',
      trust: 'pinned',
      verdict: 'consistent',
      findings: [],
      witnessed: { quorum: { met: true } },
    });
  });

  it('who has the policy alone needs both pairs, and one pair is not called tampering', async () => {
    const verify = async (what: string, lines: string, exit: number) => {
      const argv = ['audit', 'verify', home.file(what), '--policy', home.write('eras.policy', `${lines}${policy}`)];
      const { data } = await stranger.json<AuditVerifyResult>(argv, exit);
      return [data!.kind, data!.trust, data!.witnessed!.quorum?.met, ...new Set(data!.findings.map((one) => one.code))];
    };
    const [old, both] = [logLines(oldPair!), logLines(oldPair!) + logLines(newPair!)];
    expect(await verify('native', both, 0)).toEqual(['export', 'policy', true]);
    expect(await verify('native', old, 11)).toEqual(['export', 'policy', true, 'log-key-missing']);
    expect(await verify('native', logLines(newPair!), 11)).toContain('log-key-missing');
    for (const lines of [old, both]) {
      expect(await verify('part.jsonl', lines, 0)).toEqual(['redacted', 'policy', true]);
      expect(await verify('native/cosigned', lines, 0)).toEqual(['checkpoint', 'policy', true]);
    }
    expect(await verify('native/checkpoint', both, 11)).toEqual(['checkpoint', 'policy', false, 'witness-quorum']);
    // The home compares an older checkpoint with its own log; one that is not of it is a fork.
    const own = await home.json<AuditVerifyResult>(['audit', 'verify', home.file('native/cosigned')]);
    expect(own.data).toMatchObject({ kind: 'checkpoint', verdict: 'consistent', findings: [] });
  });

  it('a proof is judged by the policy too, also as evidence of a signature', async () => {
    const proof = home.file('sign.proof');
    const met = home.write('met.policy', logLines(oldPair!) + policy);
    const checked = await stranger.json(['audit', 'check-proof', proof, '--policy', met]);
    expect(checked.data).toMatchObject({ trust: 'policy', quorum: { met: true } });
    const verify = ['kms', 'verify', '--file', 'payload', '--sig', 'bundle', '--proof', proof, '--policy'];
    const accepted = await home.json([...verify, met]);
    expect(accepted.data).toMatchObject({ accepted: true, witnessed: { quorum: { met: true } } });
    const other = await witnessIdentityOf('other.example');
    const unmet = home.write('unmet.policy', `witness other ${other.vkeys[0]}\nquorum other\n`);
    expect((await home.json([...verify, unmet], 11)).error).toMatchObject({
      code: 'Inconclusive',
      field: 'witness-quorum',
    });
    const without = await home.json(['kms', 'verify', '--file', 'payload', '--sig', 'bundle', '--policy', met], 2);
    expect(without.error).toMatchObject({ code: 'Usage', field: '--policy' });
    expect((await home.json(['audit', 'verify', proof, '--policy', met], 3)).error).toMatchObject({
      code: 'Unsupported',
      hint: expect.stringContaining('audit check-proof sign.proof'),
    });
  });

  it('audit reconcile explains the log keys that a proposal made and a quorum put in force', async () => {
    const { data } = await home.json<ReconcileResult>(['audit', 'reconcile']);
    expect(data).toMatchObject({ verdict: 'complete', findings: [] });
  });

  it('a ron-audit chain has no checkpoint that a witness could have cosigned', async () => {
    await home.json(['audit', 'export', '--format', 'ron-audit', '--out', home.file('chain.jsonl')]);
    const argv = ['audit', 'verify', '--format', 'ron-audit', home.file('chain.jsonl'), '--policy'];
    const { error } = await home.json([...argv, home.write('w', policy)], 2);
    expect(error).toMatchObject({ code: 'Usage', field: '--policy', hint: expect.stringContaining('tlog-tiles') });
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
