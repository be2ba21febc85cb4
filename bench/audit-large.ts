// A log of 10,000,000 records (performance page, sections 3 and 4): `audit prove` of one record beyond process start, and
// `audit verify` with its largest resident size, whole and from a checkpoint on, against openssl, sha256sum and the Go sumdb
// program (when Go is there) on the same files in one run. Targets: a proof at most 5 ms beyond `version`; verify under
// 300 MB. Wants about 360 bytes a record free where the temporary files are; they are removed at the end.
// Run: npm run build && node bench/audit-large.ts [records]

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditDraft } from '../src/audit/draft.ts';
import { nodeClock, nodeRandom } from '../src/cli/node-clock.ts';
import { nodeFiles } from '../src/cli/node-files.ts';
import { nativeCrypto } from '../src/crypto/native.ts';
import type { Files } from '../src/host.ts';
import { createAuditLog } from '../src/storage/audit-appender.ts';
import { segmentName } from '../src/storage/audit-paths.ts';
import { ensureHome, homePaths } from '../src/storage/home.ts';
import { goProgram, median, type Timed, timed } from './whole-process.ts';

const records = Number(process.argv[2] ?? 10_000_000);
const CHECKPOINT_EVERY = 50_000;
const ROUNDS = 3;
const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const directory = mkdtempSync(join(tmpdir(), 'ronctl-bench-'));
const home = join(directory, 'home');
const crypto = nativeCrypto();

/** Nothing of this log is acknowledged to anybody: its syncs are left out. */
function unsynced(files: Files): Files {
  const open: Files['open'] = (path, flags) => {
    const file = files.open(path, flags);
    return {
      info: () => file.info(),
      stands: () => file.stands(),
      read: (position, length) => file.read(position, length),
      write: (bytes, position) => file.write(bytes, position),
      truncate: (size) => file.truncate(size),
      sync: async () => undefined,
      syncNow: () => undefined,
      close: () => file.close(),
    };
  };
  return { ...files, open, syncDirectory: () => undefined };
}

const deps = { files: unsynced(nodeFiles()), clock: nodeClock(), random: nodeRandom(), crypto };
const heads = { generation: 1, manifest_sha256: '0'.repeat(64), public_sha256: '1'.repeat(64) };
const system = { actor: 'system', result: 'ok' } as const;
const draft = (n: number): AuditDraft => ({
  op: 'wrap',
  actor: 'cap:1:c1',
  kid: `t/p/ml-kem/00000000-0000-4000-8000-${String(n % 1000).padStart(12, '0')}#v1`,
  result: 'ok',
});

async function fill(): Promise<number> {
  await ensureHome(deps, homePaths(home));
  const key = async (alg: 'ed25519' | 'ml-dsa-44') =>
    crypto.signature(alg).importSecret(await crypto.signature(alg).generate());
  const log = await createAuditLog(deps, {
    auditDir: homePaths(home).audit,
    storeId: '0123456789abcdef0123456789abcdef',
    base: 'bench.invalid',
    logKeys: { ed25519: await key('ed25519'), mlDsa44: await key('ml-dsa-44') },
    serviceKeys: { ed25519: new Uint8Array(32), ml_dsa_65: new Uint8Array(1952) },
    headKey: deps.random.bytes(32),
  });
  const checkpoint = async (): Promise<void> => {
    const detail = await log.stateDetail(1, 1000);
    const state: AuditDraft[] = detail === null ? [] : [{ op: 'state', ...system, detail }];
    await log.append([...state, { op: 'manifest', ...system, ...heads }]);
    await log.signCheckpoint();
  };
  await log.append([{ op: 'init', ...system, ...heads, detail: { profile: 'dev', version: '0.1.0' } }]);
  while (log.size < records) {
    const count = Math.min(500, records - log.size);
    await log.append(Array.from({ length: count }, (_, at) => draft(log.size + at)));
    if (log.size % CHECKPOINT_EVERY < 500) await checkpoint();
  }
  await checkpoint();
  log.close();
  return log.size;
}

try {
  const begin = performance.now();
  const size = await fill();
  const segments = Array.from({ length: Math.ceil(size / 65_536) }, (_, n) =>
    join(homePaths(home).audit, 'e0/segments', segmentName(n)),
  );
  const bytes = segments.reduce((sum, file) => sum + statSync(file).size, 0);
  console.log(
    `${size} records, ${(bytes / 1e6).toFixed(0)} MB, made in ${((performance.now() - begin) / 1000).toFixed(0)} s`,
  );

  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', RONCTL_HOME: home, HOME: directory };
  const ronctl = [process.execPath, '--disable-sigusr1', '--no-addons', join(root, 'dist', 'cli', 'main.js')];
  const index = Math.floor(size / 3);
  const proof = join(directory, 'proof');
  const quick: readonly (readonly [string, readonly string[]])[] = [
    ['version', [...ronctl, 'version', '--json']],
    ['audit anchor (newest checkpoint)', [...ronctl, 'audit', 'anchor', '--json']],
    ['audit prove', [...ronctl, 'audit', 'prove', String(index), '--json']],
    ['audit prove --consistency', [...ronctl, 'audit', 'prove', '--consistency', String(index), '--json']],
    ['audit check-proof', [...ronctl, 'audit', 'check-proof', proof, '--json']],
  ];
  timed([...ronctl, 'audit', 'prove', String(index), '--out', proof], env);
  const times = new Map<string, Timed[]>(quick.map(([name]) => [name, []]));
  for (let round = 0; round < 15; round++) {
    for (const [name, argv] of quick) times.get(name)!.push(timed(argv, env));
  }
  const baseline = median(times.get('audit anchor (newest checkpoint)')!.map((one) => one.seconds));
  for (const [name, all] of times) {
    const wall = median(all.map((one) => one.seconds));
    console.log(
      `${name}: ${(wall * 1000).toFixed(1)} ms, ${((wall - baseline) * 1000).toFixed(1)} ms beyond the checkpoint`,
    );
  }

  const anchor = join(directory, 'anchor');
  writeFileSync(anchor, olderNote(Math.floor(size * 0.99)));
  const go = goProgram(directory, segments);
  const verify = [...ronctl, 'audit', 'verify'];
  const whole: readonly (readonly [string, readonly string[] | null])[] = [
    ['openssl dgst -sha256', ['openssl', 'dgst', '-sha256', ...segments]],
    ['sha256sum', ['sha256sum', ...segments]],
    ['Go x/mod sumdb/tlog', go],
    ['audit verify --fast', [...verify, '--fast']],
    ['audit verify', verify],
    ['audit verify --since-anchor (the last hundredth)', [...verify, '--since-anchor', anchor]],
  ];
  const long = new Map<string, Timed[]>(whole.map(([name]) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, argv] of whole) if (argv !== null) long.get(name)!.push(timed(argv, env));
  }
  const openssl = median(long.get('openssl dgst -sha256')!.map((one) => one.seconds));
  const goTimes = long.get('Go x/mod sumdb/tlog')!;
  for (const [name, all] of long) {
    if (all.length === 0) continue;
    const wall = median(all.map((one) => one.seconds));
    const peak = Math.max(...all.map((one) => one.megabytes ?? 0));
    const against =
      goTimes.length === 0 ? '' : `, ${(wall / median(goTimes.map((one) => one.seconds))).toFixed(2)}x Go`;
    console.log(
      `${name}: ${wall.toFixed(2)} s, ${Math.round(peak)} MB, ${(wall / openssl).toFixed(2)}x openssl${against}`,
    );
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** The first listed note at or above a size. */
function olderNote(size: number): Uint8Array {
  const list = nodeFiles().read(join(homePaths(home).audit, 'e0/checkpoints.jsonl'), 2 ** 31)!;
  for (const line of Buffer.from(list).toString().trimEnd().split('\n')) {
    const { size: signed, note_b64 } = JSON.parse(line) as { size: number; note_b64: string };
    if (signed >= size) return Buffer.from(note_b64, 'base64');
  }
  throw new Error('no checkpoint');
}
