// Witnessing through the real binary: three witnesses, one over HTTP in another home and two by files, policy 2 of 3; then a
// cosignature taken away, one forged, and a log that forks.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatNote, parseNote, parseVkey } from '../../src/envelope/note.ts';
import type { AuditCheckProofResult } from '../../src/operations/audit/check-proof.ts';
import type { CollectResult } from '../../src/operations/audit/collect-cosignatures.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import type { WitnessKeysResult, WitnessRequestResult } from '../../src/operations/audit/witness.ts';
import { type TestHome, temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';
import { numberedLog } from '../support/witness.ts';
import { startWitness, type WitnessProcess } from '../support/witness-process.ts';

const log = temporaryHome();
const [alice, bob, carol] = [temporaryHome(), temporaryHome(), temporaryHome()];
const NAMES = new Map([
  [alice, 'alice'],
  [bob, 'bob'],
  [carol, 'carol'],
]);
const pass = (home: TestHome): string[] => ['--passphrase-file', home.passphrase(NAMES.get(home) ?? 'store')];
const cosignedFile = join(log.path, 'audit/e0/cosigned');
const keys = new Map<TestHome, WitnessKeysResult>();
let logLines: readonly string[] = [];
let logsOnly = '';

const text = (file: string): string => readFileSync(file, 'utf8');
const newest = (): string => text(join(log.path, 'audit/e0/checkpoint'));
const createKey = (purpose: string) =>
  log.json([
    'kms',
    'create',
    '--tenant',
    'acme',
    '--purpose',
    purpose,
    '--alg',
    'ed25519',
    '--new-tenant',
    ...pass(log),
  ]);

/** Two of three parties, each with both of its keys. `urls` by witness. */
function policyFile(name: string, urls: ReadonlyMap<TestHome, string> = new Map(), quorum = 'two'): string {
  const parties = [...keys].flatMap(([home, { policy_lines }]) =>
    policy_lines.map((line) => (line.startsWith('witness ') && urls.has(home) ? `${line} ${urls.get(home)}` : line)),
  );
  return log.write(name, [...logLines, ...parties, 'group two 2 alice bob carol', `quorum ${quorum}`, ''].join('\n'));
}

/** The request and the answer of an air-gapped witness, by files. */
async function byFiles(home: TestHome, oldSize: number, name: string): Promise<string> {
  const request = log.file(`${name}.request`);
  const answer = home.file(`${name}.cosignatures`);
  await log.json(['audit', 'prove', '--consistency', String(oldSize), '--out', request]);
  await home.json(['audit', 'witness', '--cosign', request, '--policy', logsOnly, '--out', answer, ...pass(home)]);
  return answer;
}

beforeAll(async () => {
  await makeStore(log);
  await Promise.all([...NAMES].map(([home, name]) => makeSigners(home, name)));
  for (const [home, name] of NAMES) {
    const named = home === alice ? ['--key-name', 'witness.example.org/alice'] : [];
    const { data } = await home.json<WitnessKeysResult>(['audit', 'witness', '--show-keys', ...named, ...pass(home)]);
    expect(data).toMatchObject({ mode: 'keys', signer: name });
    keys.set(home, data!);
  }
  const file = JSON.parse(text(join(log.path, 'audit/log.json'))) as {
    readonly epochs: readonly { readonly keys: readonly { readonly vkeys: readonly string[] }[] }[];
  };
  logLines = file.epochs[0]!.keys[0]!.vkeys.map((vkey) => `log ${vkey}`);
  logsOnly = log.write('logs.policy', [...logLines, 'quorum none', ''].join('\n'));
});

describe('the keys of a witness', () => {
  it('come from the signer alone, and keep their name', async () => {
    const again = await alice.json<WitnessKeysResult>(['audit', 'witness', '--show-keys', ...pass(alice)]);
    expect(again.data).toEqual(keys.get(alice));
    expect(again.data!.name).toBe('witness.example.org/alice');
    expect(keys.get(bob)!.name).toMatch(/^ronctl\.invalid\/witness\/bob-[0-9a-f]{8}$/);
    const renamed = await alice.json(
      ['audit', 'witness', '--show-keys', '--key-name', 'other.example', ...pass(alice)],
      15,
    );
    expect(renamed.error).toMatchObject({ code: 'Conflict', field: '--key-name' });
    const bundle = await alice.json<{ readonly keys: { readonly ed25519: string } }>(['signer', 'show', 'alice']);
    const own = Buffer.from(bundle.data!.keys.ed25519, 'base64url').toString('base64');
    expect(JSON.stringify(again.data)).not.toContain(own.slice(0, 40));
  });
});

describe('two of three witnesses', () => {
  it('over HTTP and by files: verify is 0 with the policy, and a proof carries the cosignatures', async () => {
    const serving = await startWitness(alice, ['--policy', logsOnly, ...pass(alice)]);
    expect(serving.ready).toMatchObject({ mode: 'serve', state: 'ready', signer: 'alice' });
    const policy = policyFile('witnesses.policy', new Map([[alice, serving.ready.url]]));
    const none = await log.json<AuditVerifyResult>(['audit', 'verify', '--policy', policy], 11);
    expect(none.error).toMatchObject({ code: 'Inconclusive', field: 'witness-quorum' });

    const one = await log.json<CollectResult>(['audit', 'witness', '--submit', '--policy', policy], 11);
    expect(one.error).toMatchObject({ field: 'witness-quorum' });
    expect(one.data).toMatchObject({ added: 2, newest: false, quorum: { met: false, bad: [] } });
    expect(one.data!.witnesses).toEqual([
      {
        url: serving.ready.url,
        witnesses: ['alice-ed25519', 'alice-mldsa44'],
        ok: true,
        status: 200,
        message: 'cosigned',
      },
    ]);

    const answer = await byFiles(bob, 0, 'first');
    const dry = await log.json<CollectResult>(['audit', 'witness', '--merge', answer, '--policy', policy, '--dry-run']);
    expect([dry.data!.dry_run, dry.data!.quorum.met, existsSync(cosignedFile)]).toEqual([true, true, false]);
    const merged = await log.json<CollectResult>(['audit', 'witness', '--merge', answer, '--policy', policy]);
    expect(merged.data).toMatchObject({ mode: 'merge', added: 2, newest: true, quorum: { met: true } });
    expect(merged.data!.quorum.missing).toEqual(['carol-ed25519', 'carol-mldsa44']);

    const { data } = await log.json<AuditVerifyResult>(['audit', 'verify', '--policy', policy]);
    expect(data).toMatchObject({ verdict: 'consistent', witnessed: { policy, quorum: { met: true } } });
    const people = await log.run(['audit', 'verify', '--policy', policy]);
    expect(people.stdout).toContain('witnesses.policy: met');
    expect((await log.run(['audit', 'verify', log.path, '--policy', policy])).exit).toBe(0);

    const proof = log.file('1.tlog-proof');
    await log.json(['audit', 'prove', '1', '--out', proof]);
    const checked = await log.json<AuditCheckProofResult>(['audit', 'check-proof', proof, '--policy', policy]);
    expect(checked.data).toMatchObject({ kind: 'inclusion', index: 1, quorum: { met: true } });
    const all = policyFile('all.policy', new Map(), 'carol');
    expect((await log.json(['audit', 'check-proof', proof, '--policy', all], 11)).error).toMatchObject({
      field: 'witness-quorum',
    });

    // Exports of a cosigned log carry the cosignatures.
    for (const [flag, name] of [
      ['--tlog', 'tlog-export'],
      ['--out', 'native-export'],
    ] as const) {
      await log.json(['audit', 'export', flag, log.file(name)]);
      expect((await log.run(['audit', 'verify', log.file(name), '--policy', policy])).exit, flag).toBe(0);
      expect((await log.run(['audit', 'verify', log.file(name), '--policy', all])).exit, flag).toBe(11);
    }

    // What was cosigned lies before, at or behind an anchor.
    const anchor = log.file('log.checkpoint');
    await log.json(['audit', 'anchor', '--out', anchor]);
    await createKey('anchored');
    const since = await log.json<AuditVerifyResult>(['audit', 'verify', '--since-anchor', anchor, '--policy', policy]);
    expect(since.data).toMatchObject({ verdict: 'consistent', witnessed: { quorum: { met: true } } });
    const behind = log.file('behind.checkpoint');
    await log.json(['audit', 'anchor', '--out', behind]);
    const later = await log.json<AuditVerifyResult>(['audit', 'verify', '--since-anchor', behind, '--policy', policy]);
    expect(later.data!.verdict).toBe('consistent');
    expect((await log.run(['audit', 'verify', '--anchor', anchor, '--policy', policy])).exit).toBe(0);

    // The log grows: the witness is asked from the size it knows, and the policy of before is met by an older note.
    await createKey('release');
    expect((await log.run(['audit', 'verify', '--policy', policy])).exit).toBe(0);
    const grown = await log.json<CollectResult>(['audit', 'witness', '--submit', '--policy', policy], 11);
    expect(grown.data!.witnesses[0]).toMatchObject({ ok: true, status: 200 });
    const second = await byFiles(bob, merged.data!.size, 'second');
    const newer = await log.json<CollectResult>(['audit', 'witness', '--merge', second, '--policy', policy]);
    expect(newer.data).toMatchObject({ newest: true, quorum: { met: true } });
    expect(newer.data!.size).toBeGreaterThan(merged.data!.size);
    const late = await log.json<CollectResult>(['audit', 'witness', '--merge', answer, '--policy', policy]);
    expect(late.data!.size).toBe(merged.data!.size);
    expect(text(cosignedFile).split('\n')[1]).toBe(String(newer.data!.size));

    const monitor = readdirSync(join(alice.path, 'signers/alice/witness')).find((name) => /^[0-9a-f]{64}$/.test(name))!;
    const shown = await fetch(`${serving.ready.url}/${monitor}/checkpoint`);
    expect((await shown.text()).split('\n')[1]).toBe(String(newer.data!.size));
    const { exit, last } = await serving.stop();
    expect([exit, last.ok]).toEqual([0, true]);
    expect(last.data).toMatchObject({ state: 'stopped', why: 'SIGTERM', cosigned: 2 });

    const gone = await log.json<CollectResult>(['audit', 'witness', '--submit', '--policy', policy]);
    expect(gone.data!.witnesses[0]).toMatchObject({ ok: false, status: null });
    expect(gone.data!.quorum.met).toBe(true);
  });

  it('one cosignature removed is 11, one forged is 10, in every output mode', async () => {
    const policy = log.file('witnesses.policy');
    const good = parseNote(readFileSync(cosignedFile), 'cosigned');
    const bobs = (name: string): boolean => name.includes('/bob-');
    const write = (signatures: typeof good.signatures): void => {
      writeFileSync(cosignedFile, formatNote({ text: good.text, signatures }));
    };
    for (const [signatures, exit, code] of [
      [good.signatures.filter((one) => !bobs(one.name)), 11, 'witness-quorum'],
      [
        good.signatures.map((one) =>
          bobs(one.name) ? { ...one, signature: one.signature.map((byte, at) => (at === 20 ? byte ^ 1 : byte)) } : one,
        ),
        10,
        'cosignature',
      ],
      [good.signatures.filter((_, at) => at !== 1), 10, 'checkpoint-signature-missing'],
    ] as const) {
      write(signatures);
      const { error } = await log.json<AuditVerifyResult>(['audit', 'verify', '--policy', policy], exit);
      expect(error?.field).toBe(code);
      for (const mode of [[], ['-o', 'yaml'], ['--fast']]) {
        const run = await log.run(['audit', 'verify', '--policy', policy, ...mode]);
        expect([run.exit, `${run.stdout}${run.stderr}`.includes(code)], `${code} ${mode.join(' ')}`).toEqual([
          exit,
          true,
        ]);
      }
    }
    write(good.signatures);
    expect((await log.run(['audit', 'verify', '--policy', policy])).exit).toBe(0);
  });

  it('takes the policy from the configuration, and refuses a broken one with its lines', async () => {
    const config = log.write('client.toml', '[audit]\npolicy_file = "witnesses.policy"\n');
    const { data } = await log.json<AuditVerifyResult>(['audit', 'verify', '--config', config]);
    expect(data!.witnessed?.quorum?.met).toBe(true);
    const [ed25519, mlDsa] = keys.get(alice)!.policy_lines;
    const broken = log.write(
      'broken.policy',
      `${ed25519}\n${mlDsa}\ngroup two 2 alice-ed25519 alice-mldsa44\nquorum two\n`,
    );
    const { error } = await log.json(['audit', 'verify', '--policy', broken], 3);
    expect(error).toMatchObject({ code: 'Malformed', field: '--policy' });
    expect(error!.message).toMatch(/broken\.policy: line 2: alice-ed25519 alice-mldsa44 are keys of one witness/);
    const others = log.write(
      'others.policy',
      `${ed25519!.replace('witness ', 'witness ')}\nlog ${'x'.repeat(5)}\nquorum none\n`,
    );
    expect((await log.json(['audit', 'verify', '--policy', others], 3)).error!.message).toContain('line 2:');
    expect((await log.json(['audit', 'witness', '--submit'], 2)).error).toMatchObject({
      code: 'Usage',
      field: '--policy',
    });
  });
});

describe('a cosignature without ronctl', () => {
  it('verifies with openssl as the manual says', () => {
    const note = parseNote(readFileSync(cosignedFile), 'cosigned');
    const vkey = parseVkey(keys.get(bob)!.vkeys[0]!);
    const { signature } = note.signatures.find((one) => one.keyId === vkey.keyId)!;
    const seconds = Buffer.from(signature).readBigUInt64BE(0);
    const message = log.write('message', `cosignature/v1\ntime ${seconds}\n${note.text}`);
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), vkey.publicKey]);
    const key = log.write('key.der', spki);
    const openssl = (bytes: Uint8Array): number | null => {
      const file = log.write('signature', bytes);
      const argv = [
        'pkeyutl',
        '-verify',
        '-rawin',
        '-pubin',
        '-keyform',
        'DER',
        '-inkey',
        key,
        '-sigfile',
        file,
        '-in',
        message,
      ];
      return spawnSync('openssl', argv).status;
    };
    expect(openssl(signature.subarray(8))).toBe(0);
    expect(openssl(signature.subarray(8).map((byte, at) => (at === 9 ? byte ^ 1 : byte)))).toBe(1);
  });
});

describe('two processes of one signer', () => {
  it('never cosign two roots for one size, and one that is killed comes back to what it said', async () => {
    const { request, vkeys } = await numberedLog();
    const forked = await numberedLog(0);
    const policy = log.write('numbered.policy', [...vkeys.map((vkey) => `log ${vkey}`), 'quorum none', ''].join('\n'));
    const argv = ['--policy', policy, '--lock-timeout', '30s', ...pass(carol)];
    const [one, two] = [await startWitness(carol, argv), await startWitness(carol, argv)];
    const post = async ({ ready }: WitnessProcess, body: Uint8Array): Promise<number> =>
      (await fetch(`${ready.url}/add-checkpoint`, { method: 'POST', body: Buffer.from(body) })).status;
    let size = 0;
    let honest: boolean | null = null;
    for (const next of [4, 8, 12]) {
      const bodies = [await request(size, next), await forked.request(size, next)];
      const answers = await Promise.all(
        bodies.flatMap((body, at) => [one, two].map(async (to) => ({ at, status: await post(to, body) }))),
      );
      const cosigned = new Set(answers.filter((answer) => answer.status === 200).map((answer) => answer.at));
      expect([...cosigned], JSON.stringify(answers)).toHaveLength(1);
      // The history that it took first is the only one from then on.
      honest ??= cosigned.has(0);
      expect(cosigned.has(0)).toBe(honest);
      size = next;
    }
    const right = honest === true ? request : forked.request;
    const wrong = honest === true ? forked.request : request;
    const inFlight = [right(12, 16), wrong(12, 16)].map(async (body) => post(one, await body).catch(() => null));
    await one.stop('SIGKILL').catch(() => undefined);
    await Promise.all(inFlight);
    expect(await post(two, await wrong(12, 16))).toBeGreaterThanOrEqual(409);
    expect([200, 409]).toContain(await post(two, await right(12, 16)));
    expect(await post(two, await right(16, 16))).toBe(200);
    expect((await two.stop()).exit).toBe(0);
  });
});

describe('a witness refuses', () => {
  it('a fork, over HTTP with 422 and by files with 10, and keeps both notes', async () => {
    const copy = temporaryCopy();
    // Two histories from here on.
    await createKey('first-history');
    const answer = await byFiles(carol, 0, 'carol');
    expect(existsSync(answer)).toBe(true);
    const honest = Number(newest().split('\n')[1]);
    const other = [
      'kms',
      'create',
      '--tenant',
      'acme',
      '--purpose',
      'second-history',
      '--alg',
      'ed25519',
      '--new-tenant',
    ];
    await copy.json([...other, '--passphrase-file', log.passphrase('store')]);
    const request = log.file('fork.request');
    const size = Number(text(join(copy.path, 'audit/e0/checkpoint')).split('\n')[1]);
    expect(size).toBe(honest);
    await copy.json(['audit', 'prove', '--consistency', String(size), '--out', request]);
    const { error } = await carol.json<WitnessRequestResult>(
      ['audit', 'witness', '--cosign', request, '--policy', logsOnly, ...pass(carol)],
      10,
    );
    expect(error).toMatchObject({ code: 'Tampered', field: 'fork' });
    expect(error!.message).toMatch(
      /another root was cosigned for size [0-9]+; both notes are kept in .*evidence\.json/,
    );
    const evidence = readdirSync(join(carol.path, 'trust/logs')).filter((name) => name.endsWith('.evidence.json'));
    expect(evidence.length).toBe(1);

    const serving = await startWitness(carol, ['--policy', logsOnly, ...pass(carol)]);
    const post = (file: string) =>
      fetch(`${serving.ready.url}/add-checkpoint`, { method: 'POST', body: readFileSync(file) });
    expect((await post(request)).status).toBe(422);
    const stale = log.file('stale.request');
    await log.json(['audit', 'prove', '--consistency', '0', '--out', stale]);
    // What strangers send is told in bounds.
    for (let count = 0; count < 30; count++) {
      await fetch(`${serving.ready.url}/add-checkpoint`, { method: 'POST', body: `junk ${count}` });
    }
    const conflict = await post(stale);
    expect([conflict.status, conflict.headers.get('content-type'), await conflict.text()]).toEqual([
      409,
      'text/x.tlog.size',
      `${size}\n`,
    ]);
    expect((await serving.stop('SIGINT')).exit).toBe(0);
    expect(serving.stderr().match(/witness: 400/g)?.length).toBe(10);
    expect(serving.stderr()).toMatch(/witness: 422 for .*another root was cosigned/);
    // The store of the signer was never held: an approval goes on beside a witness that serves.
  });

  it('what it does not know or what is signed badly, each with its own exit code', async () => {
    const request = log.file('stale.request');
    const cosign = (file: string, exit: number, ...more: string[]) =>
      bob.json(['audit', 'witness', '--cosign', file, ...more, ...pass(bob)], exit);
    expect((await cosign(request, 11)).error).toMatchObject({ code: 'NoTrustedKey' });
    expect((await cosign(request, 15, '--policy', logsOnly)).error).toMatchObject({ code: 'Conflict' });
    const cut = log.write('cut.request', text(request).replace(/\n\u2014 [^\n]+\n$/, '\n'));
    expect((await cosign(cut, 10, '--policy', logsOnly)).error).toMatchObject({ code: 'VerificationFailed' });
    const garbage = log.write('garbage.request', 'old x\n');
    expect((await cosign(garbage, 3, '--policy', logsOnly)).error).toMatchObject({ code: 'Malformed' });
    for (const argv of [
      ['--submit', '--merge', 'x'],
      ['--show-keys', '--listen', '127.0.0.1:0'],
      ['--tls-cert', 'x'],
      ['--submit', '--out', 'x'],
    ]) {
      const run = await bob.run(['audit', 'witness', ...argv, '--policy', logsOnly]);
      expect(run.exit, argv.join(' ')).toBe(2);
    }
    expect((await bob.json(['audit', 'witness', '--listen', '0.0.0.0:0', ...pass(bob)], 3)).error).toMatchObject({
      code: 'RefusedConfig',
      field: '--listen',
    });
  });
});

/** The log's home as it stands, under another path. */
function temporaryCopy(): TestHome {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(log) as object) as TestHome, {
    directory: log.directory,
    path: log.file('copy'),
  });
  cpSync(log.path, copy.path, { recursive: true });
  return copy;
}
