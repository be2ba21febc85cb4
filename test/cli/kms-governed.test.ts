// `ronctl kms` under governance, through the real binary: the mode in force governs what sign produces and verify accepts, at
// once after execution; legacy, retire, compromise, and verification on a machine that has only the pin.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatTlogProof } from '../../src/audit/tlog-proof.ts';
import { keyFileName } from '../../src/keys/key-object.ts';
import type { KmsCreateResult } from '../../src/operations/kms/create.ts';
import type { KmsRetireResult } from '../../src/operations/kms/retire.ts';
import type { KmsRotateResult } from '../../src/operations/kms/rotate.ts';
import type { KmsShowResult } from '../../src/operations/kms/show.ts';
import type { KmsSignResult } from '../../src/operations/kms/sign.ts';
import type { KmsVerifyResult } from '../../src/operations/kms/verify.ts';
import { epochPaths } from '../../src/storage/audit-paths.ts';
import { provenRecord } from '../../src/storage/audit-store.ts';
import { readPublicView } from '../../src/storage/public-reader.ts';
import { storeContext } from '../../src/storage/store-deps.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';
import { storeDeps } from '../support/store.ts';

const home = temporaryHome();
const elsewhere = temporaryHome();
const pass = (name = 'store'): string[] => ['--passphrase-file', home.passphrase(name)];

interface Proposed {
  readonly proposal: { readonly id: string; readonly digest: string };
}

/** Runs a governance command; its own transcripts check the shape of its answer. */
async function govern<T>(argv: readonly string[], where = home): Promise<T> {
  const run = await where.run(['governance', ...argv, '--json']);
  expect(run.exit, `${argv.join(' ')}\n${run.stdout}\n${run.stderr}`).toBe(0);
  return (JSON.parse(run.stdout) as { data: T }).data;
}

/** Proposes as alice, approves as alice and bob. The id. */
async function approved(...what: string[]): Promise<string> {
  const argv = ['propose', ...what, '--rationale', 'test', '--signer', 'alice', ...pass('alice')];
  const { proposal } = await govern<Proposed>(argv);
  return approve(proposal);
}

async function approve({ id, digest }: Proposed['proposal']): Promise<string> {
  for (const [signer, role] of [
    ['alice', 'policy-owner'],
    ['bob', 'security-officer'],
  ] as const) {
    await govern(['approve', id, '--role', role, '--expect-digest', digest, ...pass(signer)]);
  }
  return id;
}

const execute = async (id: string): Promise<void> => {
  await govern(['execute', id, ...pass()]);
};
const sign = async (kid: string, out: string, exit = 0) =>
  home.json<KmsSignResult>(['kms', 'sign', kid, '--file', 'payload', '--out', out, ...pass()], exit);
const verify = async (sig: string, exit = 0, ...more: string[]) =>
  home.json<KmsVerifyResult>(['kms', 'verify', '--file', 'payload', '--sig', sig, ...more], exit);

let kid = '';
let genesisDigest = '';
beforeAll(async () => {
  home.write('payload', 'release 1.0');
  await makeSigners(home, 'alice', 'bob', 'carol');
  await makeStore(home);
  const files = ['alice', 'bob', 'carol', 'store'].flatMap((name) => [
    '--passphrase-file',
    `${name}=${home.passphrase(name)}`,
  ]);
  const members = 'policy-owner=alice,security-officer=bob,custodian=carol';
  const init = ['init', '--members', members, '--threshold', '2', '--set', 'pq_mode=off', ...files];
  genesisDigest = (await govern<{ genesis_digest: string }>(init)).genesis_digest;
  const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
  kid = (await home.json<KmsCreateResult>([...create, ...pass()])).data!.kid.split('#')[0]!;
});

describe('the mode in force', () => {
  it('in phase 0 makes classical signatures, which `or` accepts', async () => {
    expect((await sign(kid, 'classical')).data?.algs).toBe('ed25519');
    const { data } = await verify('classical');
    expect(data).toMatchObject({ accepted: true, required_mode: 'or', trust: 'authenticated', state: 'authenticated' });
  });

  it('changes what sign makes and verify accepts at once, and rotation helps', async () => {
    await execute(await approved('--scope', 'tenant:acme', '--change', 'pq_mode=or'));
    const and = await approved('--scope', 'tenant:acme', '--change', 'pq_mode=and');
    expect((await verify('classical')).data?.required_mode).toBe('or');
    await execute(and);

    const refused = await sign(kid, 'never', 16);
    expect(refused.error).toMatchObject({ code: 'PqPolicy', hint: expect.stringContaining('kms rotate') });
    const legacy = await verify('classical');
    expect(legacy.data).toMatchObject({ accepted: true, legacy: 'proven', required_mode: 'and', satisfied_mode: 'or' });

    const rotated = (await home.json<KmsRotateResult>(['kms', 'rotate', kid, ...pass()])).data!;
    expect(rotated.key?.versions.map((one) => one.tracks.join('+'))).toEqual(['ed25519', 'ed25519+ml-dsa']);
    expect((await sign(kid, 'hybrid')).data?.algs).toBe('ed25519+ml-dsa');
    expect((await verify('hybrid')).data).toMatchObject({ accepted: true, satisfied_mode: 'and' });
    expect((await home.json(['kms', 'continuity', rotated.kid])).ok).toBe(true);

    const bundle = JSON.parse(home.read('hybrid').toString()) as { sigs: unknown[] };
    for (const at of [0, 1]) {
      home.write('stripped', `${JSON.stringify({ ...bundle, sigs: [bundle.sigs[at]] })}\n`);
      expect((await verify('stripped', 10)).data).toMatchObject({ accepted: false, signatures: [{ valid: false }] });
    }
  });

  it('a signature moved to another payload is 10, whatever the log holds', async () => {
    home.write('other', 'never signed');
    const { sigs, kid: signer } = JSON.parse(home.read('classical').toString()) as { sigs: unknown[]; kid: string };
    const b3 = (await home.json<KmsVerifyResult>(['kms', 'verify', '--file', 'other', '--sig', 'classical'], 10)).data!;
    home.write('moved', `${JSON.stringify({ kid: signer, payload_b3: b3.payload_b3, sigs })}\n`);
    const moved = await home.json<KmsVerifyResult>(['kms', 'verify', '--file', 'other', '--sig', 'moved'], 10);
    expect(moved.data).toMatchObject({ accepted: false, refusal: 'VerificationFailed' });
  });
});

describe('on a machine that has only the pin', () => {
  it('a key object alone is 11, with the proof of the sign record 0, with another proof 10', async () => {
    const ledgers = join(home.path, 'trust');
    const ledger = readdirSync(ledgers).find((name) => name.startsWith('gl-'))!;
    const genesis = join(ledgers, ledger, 'genesis.json');
    await govern(['trust', genesis, '--expect-digest', genesisDigest], elsewhere);
    const bundle = home.file('hybrid');
    const key = join(home.path, 'store/keys', keyFileName(`${kid}#v2`, 'pub'));
    const argv = ['kms', 'verify', '--file', home.file('payload'), '--sig', bundle, '--key', key];
    const alone = await elsewhere.json<KmsVerifyResult>(argv, 11);
    expect(alone.data).toMatchObject({
      accepted: false,
      state: 'not authenticated',
      required_mode: null,
      refusal: 'NotAuthenticated',
      signatures: [{ valid: true }, { valid: true }],
    });
    elsewhere.write('sign.proof', await signProof(2));
    const proven = await elsewhere.json<KmsVerifyResult>([...argv, '--proof', elsewhere.file('sign.proof')]);
    expect(proven.data).toMatchObject({ accepted: true, state: 'not authenticated', refusal: null });
    elsewhere.write('other.proof', await signProof(1));
    const other = await elsewhere.json([...argv, '--proof', elsewhere.file('other.proof')], 10);
    expect(other.error?.message).toContain('another record');
    const withoutHome = await elsewhere.json(argv.slice(0, -2), 4);
    expect(withoutHome.error?.code).toBe('NotInitialised');
  });
});

/** The tlog-proof of the first sign record of a version. */
async function signProof(version: number): Promise<Uint8Array> {
  const ctx = await storeContext(storeDeps(home.path));
  const { checkpoint, home: log } = readPublicView(ctx);
  const paths = epochPaths(ctx.paths.audit, log.epoch);
  const lines = readFileSync(paths.segment(0), 'utf8').trim().split('\n');
  const seq = lines.findIndex((line) => {
    const record = JSON.parse(line) as { op: string; kid?: string };
    return record.op === 'sign' && record.kid === `${kid}#v${version}`;
  });
  const proven = provenRecord(ctx.files, paths, checkpoint!, seq);
  return formatTlogProof({ extra: proven.line, index: seq, path: proven.proof, checkpoint: checkpoint!.note });
}

describe('governed key actions', () => {
  it('retire proposes, an execution destroys, signatures stay checkable', async () => {
    const argv = ['kms', 'retire', `${kid}#v1`, '--rationale', 'replaced', '--signer', 'carol', ...pass('carol')];
    const dry = await home.json<KmsRetireResult>([...argv, '--dry-run']);
    expect(dry.data).toMatchObject({ versions: [`${kid}#v1`], irreversible: true, dry_run: true });
    const text = await home.run(argv);
    expect([text.exit, text.stdout.split('\n')[0]]).toEqual([
      0,
      'IRREVERSIBLE: the private halves of these versions will be gone.',
    ]);
    const id = /gp-[a-z2-7]{32}/.exec(text.stdout)![0];
    const digest = /sha256:[0-9a-f]{64}/.exec(text.stdout)![0];
    await execute(await approve({ id, digest }));
    const { data } = await home.json<KmsShowResult>(['kms', 'show', kid, '--strict']);
    expect(data?.key.versions.map((one) => one.state)).toEqual(['retired', 'active']);
    expect((await verify('classical')).data).toMatchObject({ accepted: true, legacy: 'proven' });
    expect((await home.json(argv, 16)).error?.code).toBe('Retired');
    expect((await home.json(['kms', 'retire', `${kid}#v2`, ...argv.slice(3)], 15)).error?.code).toBe('Conflict');
  });

  it('compromise refuses what was signed afterwards and stops signing until rotation', async () => {
    await sign(kid, 'early');
    const size = readFileSync(join(home.path, 'audit/e0/segments/000000.jsonl'), 'utf8').trim().split('\n').length;
    home.write('payload2', 'release 2.0');
    await home.json(['kms', 'sign', kid, '--file', 'payload2', '--out', 'late', ...pass()]);
    const action = `key-compromised:${JSON.stringify({ kid: `${kid}#v2`, from_seq: size, epoch: 0 })}`;
    await execute(await approved('--scope', 'tenant:acme', '--action', action));
    expect((await verify('early')).data?.accepted).toBe(true);
    const late = await home.json<KmsVerifyResult>(['kms', 'verify', '--file', 'payload2', '--sig', 'late'], 16);
    expect(late.error?.code).toBe('Compromised');
    expect(late.data).toMatchObject({ accepted: false, signatures: [{ valid: true }, { valid: true }] });
    expect((await sign(kid, 'never', 16)).error?.code).toBe('Compromised');
    await home.json(['kms', 'needs-rotation', kid]);
    const rotated = (await home.json<KmsRotateResult>(['kms', 'rotate', kid, ...pass()])).data!;
    expect((await home.json<{ verdict: string }>(['kms', 'continuity', rotated.kid])).data?.verdict).toBe('valid');
    await sign(kid, 'again');
    await verify('again');
    await home.json(['audit', 'verify']);
  });
});
